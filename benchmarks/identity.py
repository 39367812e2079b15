"""What identity costs without a network: describing faces, finding cuts, and numbering the faces of a long film."""

from __future__ import annotations

import time
from dataclasses import replace

import cv2
import numpy as np
from ratio import Comparison, compare
from skimage.feature import hog

from fspp_core.alignments import FrameRecord, to_record
from fspp_core.extraction.cuts import glance, is_cut
from fspp_core.extraction.identity.descriptor import HogColor
from fspp_core.extraction.identity.tracks import Tracks
from fspp_core.options import NoOptions
from fspp_core.types import Face

FACES = 32
LONG_FILM = 100_000  # faces, two a frame
FILM_AIM_S = 5.0


def describing(rng: np.random.Generator) -> Comparison:
    recognizer = HogColor(NoOptions())
    crops = rng.integers(0, 256, (FACES, recognizer.size, recognizer.size, 3), np.uint8)
    grey = crops.mean(axis=3)

    def plain() -> None:
        for crop in grey:
            hog(crop, orientations=8, pixels_per_cell=(13, 13), cells_per_block=(2, 2))

    return compare(
        f"hog-color of {FACES} faces",
        lambda: recognizer.embed(crops),
        plain,
        against="scikit-image's gradients alone",
        aim="known",
        clock=time.process_time,
    )


def cutting(rng: np.random.Generator) -> Comparison:
    frames = rng.integers(0, 256, (2, 1080, 1920, 3), np.uint8)
    before = glance(frames[0])
    return compare(
        "look for a cut, 1080p",
        lambda: is_cut(before, glance(frames[1])),
        lambda: cv2.resize(frames[1], (64, 36), interpolation=cv2.INTER_AREA),
        against="making the frame as small by averaging all pixels",
        aim="< 1",
        rounds=25,
        clock=time.process_time,
    )


def tracking(rng: np.random.Generator) -> Comparison:
    vectors = rng.normal(size=(2, 220)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    face = Face(
        box=np.zeros(4, np.float32),
        score=1.0,
        landmarks=np.zeros((68, 2), np.float32),
        landmarks_origin="detected",
        detector="s3fd",
        aligner="fan",
    )

    def record(left: float, who: int) -> object:
        box = np.array([left, 40 * who, left + 100, 40 * who + 100], np.float32)
        return to_record(replace(face, box=box, identity={"hog-color": vectors[who]}))

    frames = [
        FrameRecord(index=n, name=str(n), cut=n % 200 == 0, faces=[record(n % 300, 0), record(300 - n % 300, 1)])
        for n in range(LONG_FILM // 2)
    ]
    start = time.process_time()
    Tracks(recognizer="hog-color", same_person=0.6).numbers(frames)
    spent = time.process_time() - start
    result = Comparison(
        f"tracks of {LONG_FILM:,} faces", f"{FILM_AIM_S:g} s", spent, FILM_AIM_S, spent / FILM_AIM_S, "< 1"
    )
    print(result, flush=True)
    return result


def main() -> list[Comparison]:
    rng = np.random.default_rng(0)
    return [describing(rng), cutting(rng), tracking(rng)]


if __name__ == "__main__":
    main()
