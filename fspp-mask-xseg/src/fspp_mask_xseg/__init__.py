"""XSeg: face masks by the network that DeepFaceLab's users train on their own labels."""
