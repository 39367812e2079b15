"""fspp-detect-mtcnn."""
