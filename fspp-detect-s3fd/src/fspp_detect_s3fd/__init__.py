"""S3FD, the face detector that DeepFaceLab and Faceswap use; its weights are fetched or imported by the core."""
