"""S3FD that does all of its work and then answers with what is known of the frame; FAN, timed; built once each.

Random weights find random boxes; with these, a frame of the benchmark has its one real face on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from extract_material import checksum, read_known, upright_box
from stopwatch import Stopwatch

from fspp_align_fan.aligner import FANAligner
from fspp_core.types import Detection, FloatArray, Image
from fspp_detect_s3fd.detector import S3FDDetector

FIRST, SECOND = "first pass", "second pass"

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


def known_s3fd(options: Any, weights: Mapping[str, Path]) -> Any:
    """The detector with those options, compiled for the footage."""
    if options not in _BUILT:
        _BUILT[options] = KnownS3FD(options, weights)
        _BUILT[options].detect([np.zeros((720, 1280, 3), np.uint8)])
    return _BUILT[options]


def timed_fan(options: Any, weights: Mapping[str, Path]) -> Any:
    """The aligner with those options, compiled for every number of faces that it runs at once."""
    if options not in _BUILT:
        _BUILT[options] = aligner = TimedFAN(options, weights)
        aligner.align_crops(np.zeros((2 * options.batch_size - 1, aligner.crop_size, aligner.crop_size, 3), np.uint8))
    return _BUILT[options]


def forget() -> None:
    """Let go of all components but the first two, the default's, and the two built last; each holds a network."""
    for key in list(_BUILT)[2:-2]:
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

    def detect_crops(self, crops: Sequence[Image]) -> list[list[Detection]]:
        super().detect_crops(crops)
        return [[self._answer(crop)] for crop in crops]

    def close(self) -> None:
        """Stay; the next run with these options goes on with the same."""

    def _answer(self, image: Image) -> Detection:
        face = self._known.get(checksum(image))
        box = upright_box(image.shape[0]) if face is None else face.box
        return Detection(box=np.array(box, np.float32), score=0.99)


class TimedFAN(FANAligner):
    """FAN that tells the stopwatch which pass it is at work for: the first, on frames, or the second, on crops."""

    def align(self, images: Sequence[Image], detections: Sequence[Sequence[Detection]]) -> list[FloatArray]:
        with watch().stage(FIRST if images[0].shape[0] > self.crop_size else SECOND):
            return super().align(images, detections)

    def align_crops(self, crops: Image) -> FloatArray:
        with watch().stage(SECOND):
            return super().align_crops(crops)

    def close(self) -> None:
        """Stay; the next run with these options goes on with the same."""


def _squared(image: Image) -> Image:
    height, width = image.shape[:2]
    filled = np.zeros((max(height, width), max(height, width), 3), np.uint8)
    filled[:height, :width] = image
    return filled
