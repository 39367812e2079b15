"""FAN, the face alignment network: 68 landmarks of any face, from 2D or 3D annotations."""
