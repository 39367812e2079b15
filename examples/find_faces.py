"""Find the faces in a picture and cut them out, without a pipeline: python examples/find_faces.py PICTURE FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

from fspp_core import load_registry
from fspp_core.geometry import crop_matrix, warp
from fspp_core.media import read_image, write_image


def find_faces(picture: Path, folder: Path) -> list[Path]:
    """Write a 256-pixel crop of every face in `picture` to `folder`; the files written, surest face first."""
    registry = load_registry()
    detector = registry.build("detector", "mtcnn", {"min_face": 40})
    aligner = registry.build("aligner", "keypoints")

    image = read_image(picture)
    [detections] = detector.detect([image])
    [landmarks] = aligner.align([image], [detections])

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, (detection, points) in enumerate(zip(detections, landmarks, strict=True)):
        crop = warp(image, crop_matrix(points, "full", 256), 256)
        path = folder / f"{picture.stem}_{number}.png"
        write_image(path, crop)
        print(f"{path}: score {detection.score:.3f}, box {detection.box.round().astype(int).tolist()}")
        written.append(path)
    return written


if __name__ == "__main__":
    find_faces(Path(sys.argv[1]), Path(sys.argv[2]))
