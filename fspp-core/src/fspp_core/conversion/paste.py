"""Put swapped faces into a frame: warp each once, blend inside its mask, touch nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fspp_core.geometry import compose, invert, transform, warp
from fspp_core.types import DeepImage, FloatArray, Matrix

_MARGIN = 2  # how far cubic interpolation reaches, in pixels of the mask


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patch:
    """A face ready to be put into its frame.

    Attributes:
        face: (size, size, 3) float32 BGR 0..1.
        matrix: (2, 3) float64, frame -> pixels of `face`.
        mask: (h, w) float32 0..1, how much of the face is seen; zero along its border.
        mask_matrix: (2, 3) float64, frame -> pixels of `mask`.
    """

    face: FloatArray
    matrix: Matrix
    mask: FloatArray
    mask_matrix: Matrix


Box = tuple[int, int, int, int]


def paste(image: DeepImage, patches: Sequence[Patch]) -> tuple[DeepImage, Box | None]:
    """Blend faces into a picture, later ones over earlier ones.

    Work and memory go with the size of the faces, not of the picture. Pixels where every mask is zero keep their bits.

    Args:
        image: (height, width, 3) uint8 or uint16 BGR. Not modified.
        patches: the faces.

    Returns:
        A new picture of the dtype of `image` and the box outside of which nothing changed: left, top, right, bottom,
        half-open; or `image` itself and None when no mask reaches it.
    """
    result: DeepImage | None = None
    touched: list[Box] = []
    for patch in patches:
        box = _box(patch.mask, patch.mask_matrix, image.shape[1], image.shape[0])
        if box is None:
            continue
        if result is None:
            result = image.copy()
        left, top, right, bottom = box
        _blend(result[top:bottom, left:right], patch, left, top)
        touched.append(box)
    if result is None:
        return image, None
    lefts, tops, rights, bottoms = zip(*touched, strict=True)
    return result, (min(lefts), min(tops), max(rights), max(bottoms))


def _box(mask: FloatArray, matrix: Matrix, width: int, height: int) -> Box | None:
    """The part of the frame that the mask's non-zero pixels reach: left, top, right, bottom, half-open."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return None
    x, y = np.array([columns[0] - _MARGIN, columns[-1] + _MARGIN]), np.array([rows[0] - _MARGIN, rows[-1] + _MARGIN])
    corners = transform(np.array([[x[0], y[0]], [x[1], y[0]], [x[1], y[1]], [x[0], y[1]]], np.float64), invert(matrix))
    # A pixel more on every side: where a mask shrinks, each frame pixel gathers from around its centre.
    low = np.floor(corners.min(axis=0)).astype(int) - 1
    high = np.ceil(corners.max(axis=0)).astype(int) + 2
    left, top = max(0, int(low[0])), max(0, int(low[1]))
    right, bottom = min(width, int(high[0])), min(height, int(high[1]))
    return (left, top, right, bottom) if left < right and top < bottom else None


def _blend(region: DeepImage, patch: Patch, left: int, top: int) -> None:
    """Blend one face into the part of the frame that starts at (left, top), in place."""
    shift = np.array([[1.0, 0.0, -left], [0.0, 1.0, -top]])
    size = region.shape[1], region.shape[0]
    face = warp(patch.face, compose(shift, invert(patch.matrix)), size, border="replicate")
    mask = np.clip(warp(patch.mask, compose(shift, invert(patch.mask_matrix)), size), 0.0, 1.0)[..., None]
    top_value = np.float32(np.iinfo(region.dtype).max)
    frame: npt.NDArray[np.float32] = region.astype(np.float32)
    face = np.clip(face, 0.0, 1.0)
    face *= top_value
    face -= frame
    face *= mask
    face += frame  # exactly the frame where the mask is zero: every uint16 is a float32
    region[...] = np.rint(face)
