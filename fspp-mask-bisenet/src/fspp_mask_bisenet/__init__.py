"""BiSeNet for face parsing: which part of the head each pixel of a face crop shows."""
