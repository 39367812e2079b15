"""Pictures for the checks, made on the spot: a drawn face, flat and noise; a portrait where one is installed."""

from __future__ import annotations

from functools import cache

import numpy as np

from fspp_core.types import FloatArray, Image

FACE_KEYPOINTS = np.array([[0.31, 0.4], [0.69, 0.4], [0.5, 0.6], [0.36, 0.76], [0.64, 0.76]], np.float32)
"""(5, 2) places of the drawn face's keypoints, as shares of its box."""


def flat(height: int, width: int, value: int = 128) -> Image:
    """(height, width, 3) of one grey."""
    return np.full((height, width, 3), value, np.uint8)


def noise(height: int, width: int, seed: int = 0) -> Image:
    """(height, width, 3) of uniform noise."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def drawn_face(height: int, width: int, box: tuple[float, float, float, float]) -> Image:
    """A cartoon face filling `box` on a shaded background; its keypoints lie where `face_keypoints(box)` says."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    picture = np.empty((height, width, 3), np.float32)
    picture[...] = (90 + 60 * columns / max(1, width - 1) + 20 * rows / max(1, height - 1))[..., None]
    left, top, right, bottom = box
    x, y = (columns - left) / (right - left), (rows - top) / (bottom - top)

    def paint(center: tuple[float, float], radii: tuple[float, float], bgr: tuple[int, int, int]) -> None:
        inside = ((x - center[0]) / radii[0]) ** 2 + ((y - center[1]) / radii[1]) ** 2 <= 1
        picture[inside] = bgr

    paint((0.5, 0.5), (0.48, 0.5), (140, 175, 225))
    for (px, py), radii, color in zip(
        FACE_KEYPOINTS[:2].tolist(), ((0.09, 0.05), (0.09, 0.05)), ((250, 250, 250), (250, 250, 250)), strict=True
    ):
        paint((px, py), radii, color)
        paint((px, py), (0.04, 0.045), (60, 40, 30))
        paint((px, py - 0.1), (0.11, 0.02), (50, 60, 80))
    paint((0.5, 0.55), (0.05, 0.09), (115, 150, 205))
    paint((0.5, 0.76), (0.15, 0.035), (80, 70, 190))
    return picture.astype(np.uint8)


def face_keypoints(box: tuple[float, float, float, float]) -> FloatArray:
    """(5, 2) float32 keypoints of the face that `drawn_face` draws in `box`."""
    left, top, right, bottom = box
    return (FACE_KEYPOINTS * (right - left, bottom - top) + (left, top)).astype(np.float32)


@cache
def portrait() -> tuple[Image, tuple[float, float, float, float]] | None:
    """A real face, (512, 512, 3) and read-only, with its box: scikit-image's astronaut, None where that is missing."""
    try:
        from skimage import data
    except ImportError:
        return None
    picture = np.ascontiguousarray(data.astronaut()[..., ::-1], dtype=np.uint8)
    picture.setflags(write=False)
    return picture, (170.0, 60.0, 285.0, 215.0)


def shrunk(picture: Image, scale: float) -> Image:
    """The picture at `scale` (0..1] of its size, by averaging whole areas."""
    for axis in (0, 1):
        edges = np.linspace(0, picture.shape[axis], max(1, round(picture.shape[axis] * scale)) + 1)
        sums = np.concatenate(
            [np.zeros_like(picture.take([0], axis), float), np.cumsum(picture, axis, dtype=float)], axis
        )
        whole = np.floor(edges).astype(int)
        share = np.expand_dims(edges - whole, tuple(a for a in range(3) if a != axis))
        after = np.minimum(whole + 1, picture.shape[axis])
        at = sums.take(whole, axis) * (1 - share) + sums.take(after, axis) * share
        spans = np.expand_dims(np.diff(edges), tuple(a for a in range(3) if a != axis))
        picture = np.clip(np.rint(np.diff(at, axis=axis) / spans), 0, 255).astype(np.uint8)
    return picture
