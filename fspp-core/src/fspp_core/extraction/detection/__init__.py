"""The detect stage: boxes from a detector, from turned frames, from the frame before, or from a file."""
