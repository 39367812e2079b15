"""Landmarks from heat maps, for all maps of a batch at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fspp_align_fan.options import Decoder
from fspp_core.geometry.landmarks import MIRROR_68
from fspp_core.types import FloatArray

_SIGMA, _BLUR_REACH = 1.0, 3  # of the peaks the network was trained to draw, and how far that is felt, in cells
_REACH = 2  # cells around a peak that DARK's derivatives need
_LEAST = 1e-10  # has a logarithm

_Array = npt.NDArray[Any]


def decode(maps: FloatArray, decoder: Decoder = "quarter") -> tuple[FloatArray, FloatArray]:
    """Find each map's peak.

    Args:
        maps: (n, landmarks, height, width).
        decoder: "quarter" goes a quarter cell from the highest cell towards its higher neighbour, in x and in y,
            nowhere where both are equal or the cell lies at the edge; "dark" (Zhang et al. 2020, arXiv:1910.06278) to
            the top of the parabola through the logarithm of the blurred map, and a quarter cell where there is none.

    Returns:
        Points (n, landmarks, 2) float32 x, y in cells, where cell i covers [i, i + 1), and the highest cells' values
        (n, landmarks) float32.
    """
    height, width = maps.shape[2:]
    flat = maps.reshape(*maps.shape[:2], height * width)
    peak = flat.argmax(axis=2)
    row, column = np.divmod(peak, width)
    around = _around(maps, row, column, 1)
    inside = (row > 0) & (row < height - 1) & (column > 0) & (column < width - 1)
    steps = np.stack([around[..., 1, 2] - around[..., 1, 0], around[..., 2, 1] - around[..., 0, 1]], axis=-1)
    offsets = 0.25 * np.sign(steps) * inside[..., None]
    if decoder == "dark":
        offsets = _dark(maps, row, column, offsets)
    points = np.stack([column, row], axis=-1) + 0.5 + offsets
    scores = np.take_along_axis(flat, peak[..., None], axis=2)[..., 0]
    return points.astype(np.float32), scores.astype(np.float32)


def mirrored(maps: FloatArray) -> FloatArray:
    """The maps (n, 68, height, width) of pictures, from those of their mirror images; and the other way round."""
    return maps[:, MIRROR_68, :, ::-1]


def _around(maps: FloatArray, row: _Array, column: _Array, reach: int) -> FloatArray:
    """Squares of cells around one cell of each map, (n, landmarks, 2 reach + 1, 2 reach + 1); 0 outside the map."""
    height, width = maps.shape[2:]
    steps = np.arange(-reach, reach + 1)
    rows, columns = row[..., None, None] + steps[:, None], column[..., None, None] + steps
    batch, landmark = np.ogrid[: maps.shape[0], : maps.shape[1]]
    cells = maps[
        batch[..., None, None], landmark[..., None, None], rows.clip(0, height - 1), columns.clip(0, width - 1)
    ]
    outside = (rows < 0) | (rows >= height) | (columns < 0) | (columns >= width)
    return np.where(outside, np.float32(0), cells)


def _dark(maps: FloatArray, row: _Array, column: _Array, otherwise: _Array) -> _Array:
    """Offsets (n, landmarks, 2) from the highest cells; `otherwise` where the surface has no top within a cell.

    Only the cells around the peak are blurred: no others are looked at, and how high the peak is makes no difference.
    """
    height, width = maps.shape[2:]
    blur = _blur()
    cells = blur @ _around(maps, row, column, _REACH + _BLUR_REACH).astype(np.float64) @ blur.T
    p = np.log(np.maximum(cells, _LEAST))
    dx, dy = (p[..., 2, 3] - p[..., 2, 1]) / 2, (p[..., 3, 2] - p[..., 1, 2]) / 2
    dxx = (p[..., 2, 4] - 2 * p[..., 2, 2] + p[..., 2, 0]) / 4
    dyy = (p[..., 4, 2] - 2 * p[..., 2, 2] + p[..., 0, 2]) / 4
    dxy = (p[..., 3, 3] - p[..., 1, 3] - p[..., 3, 1] + p[..., 1, 1]) / 4
    determinant = dxx * dyy - dxy * dxy
    is_top = (dxx < 0) & (determinant > 1e-12)
    safe = np.where(is_top, determinant, 1)
    offsets = np.stack([dxy * dy - dyy * dx, dxy * dx - dxx * dy], axis=-1) / safe[..., None]
    whole = (row >= _REACH) & (row < height - _REACH) & (column >= _REACH) & (column < width - _REACH)
    usable = whole & is_top & (np.abs(offsets) <= 1).all(axis=-1)
    return np.where(usable[..., None], offsets, otherwise)


def _blur() -> _Array:
    """(5, 11): takes 11 cells in a row to the 5 in the middle, blurred."""
    steps = np.arange(-_BLUR_REACH, _BLUR_REACH + 1)
    weights = np.exp(-0.5 * (steps / _SIGMA) ** 2)
    side = 2 * _REACH + 1
    blur = np.zeros((side, side + 2 * _BLUR_REACH))
    for number in range(side):
        blur[number, number : number + len(weights)] = weights / weights.sum()
    return blur
