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
_SOFT = 0.8  # sigma that forgives what zooms move
_FLAT = 0.004  # energy a pixel, of 1, below which a picture counts as flat
_LEAST_SHARED = 0.6  # of the picture that two shifted frames must share
_LIMIT, _COLOR_WEIGHT = 0.88, 0.3  # structure may change by the first, less so much of the change of colour
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
    even = over / np.sqrt(cv2.GaussianBlur(over * over, (0, 0), _SIGMA) + _LEAST_CONTRAST**2)
    structure = cv2.GaussianBlur(even, (0, 0), _SOFT)
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
    return 1.0 - (float((before * now).sum()) + floor) / (float((now * now).sum()) + floor)


def _laid_over(before: FloatArray, now: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The parts of two pictures that lie over each other once one is shifted; empty where they share little."""
    height, width = now.shape
    x, y = _shift(before, now)
    if (width - abs(x)) * (height - abs(y)) < _LEAST_SHARED * now.size:
        return before[:0], now[:0]
    return (
        before[max(0, -y) : height - max(0, y), max(0, -x) : width - max(0, x)],
        now[max(0, y) : height + min(0, y), max(0, x) : width + min(0, x)],
    )


def _shift(before: FloatArray, now: FloatArray) -> tuple[int, int]:
    """How many pixels right and down a picture has moved, by phase correlation (Kuglin and Hines, 1975)."""
    height, width = now.shape
    window = _window(height, width)
    # Not by cv2.phaseCorrelate, which writes into the pictures it is given.
    spectrum = np.fft.rfft2(now * window) * np.conj(np.fft.rfft2(before * window))
    peaks = np.fft.irfft2(spectrum / np.maximum(np.abs(spectrum), 1e-9), (height, width))
    y, x = divmod(int(peaks.argmax()), width)
    return x - width * (2 * x > width), y - height * (2 * y > height)


@cache
def _window(height: int, width: int) -> FloatArray:
    return np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)


class Cuts:
    """Marks the frames that begin another scene; frames come in the order they are looked at."""

    def __init__(self) -> None:
        self._before: Glance | None = None

    def __call__(self, shot: Shot) -> Shot:
        """The frame, with `cut` set where it is one; the first is none."""
        before, self._before = self._before, glance(shot.image)
        return replace(shot, cut=before is not None and is_cut(before, self._before))
