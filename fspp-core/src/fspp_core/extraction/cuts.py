"""Scene cuts: does a frame still show what the frame looked at before it showed?

Only these two frames count, so that a resumed run finds the same cuts once it has the frame before. Both are made small
and evened out in light and contrast, so that flashes and fades change little; then they are compared as they lie, and
after the shift that phase correlation finds between them, so that pans are no cuts. How unlike they may be depends on
their colours: where those change too, less change of structure will do. A frame without structure, all black or white,
begins no scene; what comes after it does. Slow dissolves are not found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np

from fspp_core.extraction.shots import Shot
from fspp_core.types import FloatArray, Image

_SIDE = 64  # of a small picture, on its longer side
_COARSE = 4  # frames are thinned out to so many times that first: averaging all pixels would take many times as long
_SIGMA = 3.0  # of the neighbourhood that light and contrast are measured in
_LEAST_CONTRAST = 3.0  # grey levels below which there is only noise
_FLAT = 0.01  # energy a pixel, of 1, below which a picture counts as flat
_LEAST_SHARED = 0.25  # of the picture that two shifted frames must share
_LIMIT, _COLOR_WEIGHT = 0.84, 0.25  # structure may change by the first, less so much of the change of colour
_BINS, _TINTS = 8, (96, 160)  # of L, a and b; most colours lie in the middle of a and b


@dataclass(frozen=True, slots=True, eq=False)
class Glance:
    """What is kept of a frame to compare the next with.

    Attributes:
        size: (height, width) of the frame.
        structure: (h, w) float32, grey levels over the local mean, in units of the local contrast.
        colors: (512,) float32 histogram of CIELAB, sum 1.
    """

    size: tuple[int, int]
    structure: FloatArray
    colors: FloatArray


def glance(image: Image) -> Glance:
    """Look at a frame (height, width, 3) uint8 BGR."""
    height, width = image.shape[:2]
    scale = _SIDE / max(height, width)
    target = (max(1, round(width * scale)), max(1, round(height * scale)))
    if scale * _COARSE < 1:
        image = cv2.resize(image, (_COARSE * target[0], _COARSE * target[1]), interpolation=cv2.INTER_LINEAR)
    small = cv2.resize(image, target, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)
    over = grey - cv2.GaussianBlur(grey, (0, 0), _SIGMA)
    structure = over / np.sqrt(cv2.GaussianBlur(over * over, (0, 0), _SIGMA) + _LEAST_CONTRAST**2)
    lab = cv2.cvtColor(small, cv2.COLOR_BGR2LAB).clip((0, _TINTS[0], _TINTS[0]), (255, _TINTS[1] - 1, _TINTS[1] - 1))
    counts = cv2.calcHist([lab.astype(np.uint8)], [0, 1, 2], None, [_BINS] * 3, [0, 256, *_TINTS, *_TINTS])
    return Glance((height, width), np.asarray(structure, np.float32), counts.ravel() / np.float32(grey.size))


def is_cut(before: Glance, now: Glance) -> bool:
    """Whether `now` belongs to another scene than `before`; frames of other sizes always do."""
    if before.size != now.size:
        return True
    colors = 1.0 - float(np.minimum(before.colors, now.colors).sum())
    limit = _LIMIT - _COLOR_WEIGHT * colors
    as_they_lie = _unlike(before.structure, now.structure)
    return as_they_lie > limit and _unlike(*_laid_over(before.structure, now.structure)) > limit


def _unlike(before: FloatArray, now: FloatArray) -> float:
    """How little of the structure of `now` was there before: 0 none new, 1 all of it, more where it is reversed."""
    if before.size == 0:
        return 1.0
    floor = _FLAT * before.size
    shared, old, new = (float((x * y).sum()) for x, y in ((before, now), (before, before), (now, now)))
    return 1.0 - (shared + floor) / (float(np.sqrt(new * max(old, new))) + floor)


def _laid_over(before: FloatArray, now: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The parts of two pictures that lie over each other once one is shifted; empty where they share little."""
    height, width = now.shape
    (x, y), _ = cv2.phaseCorrelate(before, now, _window(width, height))
    moved = cv2.warpAffine(before, np.array([[1.0, 0.0, x], [0.0, 1.0, y]]), (width, height))
    left, right = max(0, int(np.ceil(x))), min(width, width + int(np.floor(x)))
    top, bottom = max(0, int(np.ceil(y))), min(height, height + int(np.floor(y)))
    if max(0, right - left) * max(0, bottom - top) < _LEAST_SHARED * now.size:
        return now[:0], now[:0]
    return np.asarray(moved[top:bottom, left:right], np.float32), now[top:bottom, left:right]


@cache
def _window(width: int, height: int) -> FloatArray | None:
    if min(width, height) < 4:
        return None
    return np.asarray(cv2.createHanningWindow((width, height), cv2.CV_32F), np.float32)


class Cuts:
    """Marks the frames that begin another scene; frames come in the order they are looked at."""

    def __init__(self) -> None:
        self._before: Glance | None = None

    def __call__(self, shot: Shot) -> Shot:
        """The frame, with `cut` set where it is one; the first is none."""
        before, self._before = self._before, glance(shot.image)
        return replace(shot, cut=before is not None and is_cut(before, self._before))
