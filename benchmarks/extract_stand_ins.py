"""S3FD and FAN that do all of their work and then answer with what is known of the frame, built once for equal options.

Random weights find random boxes; with these, a frame of the benchmark has its one real face on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from extract_material import checksum, read_known, upright_box, upright_landmarks
from stopwatch import Stopwatch

from fspp_align_fan.aligner import FANAligner
from fspp_core import geometry
from fspp_core.types import Detection, FloatArray, Image
from fspp_detect_s3fd.detector import S3FDDetector

FIRST, SECOND = "first pass", "second pass"

ANSWERS: list[tuple[str, FloatArray]] = []
"""What the network itself said in second passes: the type of the crop, and landmarks (68, 2) in it."""

_WATCHES: list[Stopwatch] = []
_BUILT: dict[Any, Any] = {}


@contextmanager
def watched(watch: Stopwatch) -> Iterator[Stopwatch]:
    """Let the components tell the stopwatch what they do; only where stages run in turn."""
    _WATCHES.append(watch)
    try:
        yield watch
    finally:
        _WATCHES.pop()


def watch() -> Stopwatch:
    """The stopwatch in use, or one that nobody reads."""
    return _WATCHES[-1] if _WATCHES else Stopwatch()


def known_s3fd(options: Any, weights: Mapping[str, Path]) -> KnownS3FD:
    """The detector with those options, compiled already if it was asked for before."""
    if options not in _BUILT:
        _BUILT[options] = KnownS3FD(options, weights)
    return _BUILT[options]


def known_fan(options: Any, weights: Mapping[str, Path]) -> KnownFAN:
    """The aligner with those options, likewise."""
    if options not in _BUILT:
        _BUILT[options] = KnownFAN(options, weights)
    return _BUILT[options]


def forget(keep: int) -> None:
    """Let go of all components but so many, the first among them; each holds a network."""
    for key in list(_BUILT)[keep:]:
        del _BUILT[key]


class KnownS3FD(S3FDDetector):
    """S3FD with known answers."""

    def __init__(self, options: Any, weights: Mapping[str, Path]) -> None:
        super().__init__(options, weights)
        self._known = read_known(Path(options.known))
        self._square = options.square

    def detect(self, images: Sequence[Image]) -> list[list[Detection]]:
        super().detect([_squared(image) for image in images] if self._square else images)
        return [[self._answer(image)] for image in images]

    def close(self) -> None:
        """Stay; the next run with these options goes on with the same."""

    def _answer(self, image: Image) -> Detection:
        face = self._known.get(checksum(image))
        box = upright_box(image.shape[0]) if face is None else face.box
        return Detection(box=np.array(box, np.float32), score=0.99)


class KnownFAN(FANAligner):
    """FAN with known answers: the known landmarks on frames, those of an upright face on crops of faces."""

    def __init__(self, options: Any, weights: Mapping[str, Path]) -> None:
        super().__init__(options, weights)
        self._known = read_known(Path(options.known))
        self._cut: dict[str, tuple[bool, FloatArray]] = {}

    def align(self, images: Sequence[Image], detections: Sequence[Sequence[Detection]]) -> list[FloatArray]:
        first = all(checksum(image) in self._known for image in images)
        with watch().stage(FIRST if first else SECOND):
            found = super().align(images, detections)
        if not first:
            ANSWERS.extend(("full", looks.mean(axis=0)) for looks in found)
        answers = [self._landmarks(image) for image in images]
        return [np.repeat(points[None], len(faces), axis=0) for points, faces in zip(answers, detections, strict=True)]

    def cut(self, images: Sequence[Image], detections: Sequence[Sequence[Detection]]) -> Any:
        crops, matrices = super().cut(images, detections)
        owners = [image for image, faces in zip(images, detections, strict=True) for _ in faces]
        for crop, matrix, owner in zip(crops, matrices, owners, strict=True):
            points = geometry.transform(self._landmarks(owner), matrix).astype(np.float32)
            self._cut[checksum(crop)] = checksum(owner) in self._known, points
        return crops, matrices

    def align_crops(self, crops: Image) -> FloatArray:
        upright = False, upright_landmarks(self.crop_size)
        known = [self._cut.get(checksum(crop), upright) for crop in crops]
        first = all(of_frame for of_frame, _ in known)
        with watch().stage(FIRST if first else SECOND):
            found = super().align_crops(crops)
        if not first:
            ANSWERS.extend(("fs-head", points) for points in found)
        return np.stack([points for _, points in known])

    def close(self) -> None:
        """Stay; the next run with these options goes on with the same."""

    def _landmarks(self, image: Image) -> FloatArray:
        face = self._known.get(checksum(image))
        return upright_landmarks(image.shape[0]) if face is None else np.array(face.landmarks, np.float32)


def _squared(image: Image) -> Image:
    height, width = image.shape[:2]
    filled = np.zeros((max(height, width), max(height, width), 3), np.uint8)
    filled[:height, :width] = image
    return filled
