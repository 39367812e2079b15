"""MTCNN, fspp's default face detector: its weights come inside a dependency, so nothing is downloaded."""
