"""MTCNN against the `mtcnn` package its weights come from: the same frames, one by one and in batches."""

from __future__ import annotations

import time

import cv2
import matplotlib.cbook
import numpy as np
from mtcnn import MTCNN
from ratio import Comparison, compare
from skimage import data

from fspp_core.types import Image
from fspp_detect_mtcnn.detector import MTCNNDetector
from fspp_detect_mtcnn.options import MTCNNOptions

BATCH = 8


def frames(width: int, height: int) -> list[Image]:
    """Footage of two faces that move from frame to frame."""
    with open(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False), "rb") as file:  # noqa: PTH123
        hopper = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_COLOR)
    astronaut = np.ascontiguousarray(data.astronaut()[..., ::-1])
    halves = [cv2.resize(face, (width // 2, height)) for face in (astronaut, hopper)]
    scene = np.concatenate(halves, axis=1)
    return [np.roll(scene, 4 * number, axis=1) for number in range(BATCH)]


def main() -> list[Comparison]:
    package, ours, larger = MTCNN(), MTCNNDetector(MTCNNOptions()), MTCNNDetector(MTCNNOptions(min_face=40))
    results = []
    for width, height in ((640, 480), (1280, 720)):
        footage = frames(width, height)
        rgb = [np.ascontiguousarray(frame[..., ::-1]) for frame in footage]
        found = sum(len(faces) for faces in ours.detect(footage))
        theirs = sum(len(faces) for faces in package.detect_faces(list(rgb)))
        print(f"{width}x{height}, {BATCH} frames: ours finds {found} faces, the package {theirs}", flush=True)
        size = f"{width}x{height}"

        def one_by_one(detector: MTCNNDetector, footage: list[Image] = footage) -> None:
            for frame in footage:
                detector.detect([frame])

        def package_one_by_one(rgb: list[Image] = rgb) -> None:
            for frame in rgb:
                package.detect_faces(frame)

        def package_batch(rgb: list[Image] = rgb) -> None:
            package.detect_faces(list(rgb))

        for name, job, baseline, aim in (
            ("one by one", lambda: one_by_one(ours), package_one_by_one, "at most 1"),
            (f"batch of {BATCH}", lambda footage=footage: ours.detect(footage), package_batch, "at most 1"),
            ("min_face 40", lambda footage=footage: larger.detect(footage), package_batch, "at most 0.5"),
        ):
            results.append(
                compare(
                    f"mtcnn, {size}, {name}",
                    job,
                    baseline,
                    against="package" if name != "min_face 40" else "package at 20",
                    aim=aim,
                    rounds=5,
                    clock=time.process_time,
                )
            )
    return results


if __name__ == "__main__":
    main()
