"""Whose face it is: VGGFace2's ResNet-50 and the IR networks of TFace, as Faceswap uses them."""
