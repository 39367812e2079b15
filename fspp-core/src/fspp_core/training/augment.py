"""Random changes of training faces: warp, transform, mirror, colour; each face is sampled from its picture once.

All numbers of one face come from its own generator and are drawn whether they are used or not, so that one strength
can change without changing the others' course. Amounts at strength 1 are Faceswap's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from fspp_core.types import FloatArray, Image, Matrix

_ROTATION_DEG, _ZOOM, _SHIFT = 10.0, 0.05, 0.05
_WARP_CELLS, _WARP_SIGMA = 5, 5 / 256
_LIGHTNESS, _AB = 0.30, 0.08
_CLAHE_CLIP, _CLAHE_STEPS = 2.0, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Strengths:
    """How much is changed; the options of the same names."""

    warp: float
    transform: float
    flip: float
    color: float
    clahe: float


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """The random numbers of one face.

    Attributes:
        rotation: radians, counter-clockwise on the picture.
        zoom: factor.
        shift: x and y, in sides of the crop.
        mirrored: left and right are swapped.
        grid: (5, 5, 2) float32 displacements x, y in sides of the crop.
        color: changes of lightness, a and b, -1..1 times their amounts.
        clahe: which of the five tile grids, or None for no local contrast change.
    """

    rotation: float
    zoom: float
    shift: tuple[float, float]
    mirrored: bool
    grid: FloatArray
    color: tuple[float, float, float]
    clahe: int | None


def draw(random: np.random.Generator, strengths: Strengths) -> Draw:
    """Draw the changes of one face."""
    rotation, zoom, shift_x, shift_y = random.uniform(-1, 1, 4) * strengths.transform
    mirror, contrast = random.random(2)
    lightness, a, b = random.uniform(-1, 1, 3) * strengths.color
    tiles = int(random.integers(0, _CLAHE_STEPS, endpoint=True))
    grid = random.standard_normal((_WARP_CELLS, _WARP_CELLS, 2), np.float32)
    return Draw(
        rotation=math.radians(_ROTATION_DEG * rotation),
        zoom=1.0 + _ZOOM * zoom,
        shift=(_SHIFT * shift_x, _SHIFT * shift_y),
        mirrored=bool(mirror < strengths.flip),
        grid=grid * np.float32(_WARP_SIGMA * strengths.warp),
        color=(_LIGHTNESS * lightness, _AB * a, _AB * b),
        clahe=tiles if contrast < strengths.clahe else None,
    )


def transform_matrix(change: Draw, size: int) -> Matrix:
    """(2, 3) float64 from the plain crop to the transformed and mirrored one, both of `size` pixels."""
    cosine, sine = change.zoom * math.cos(change.rotation), change.zoom * math.sin(change.rotation)
    middle = (size - 1) / 2
    turn = np.array([[cosine, sine], [-sine, cosine]])
    offset = middle - turn @ (middle, middle) + np.multiply(change.shift, size)
    matrix = np.column_stack([turn, offset])
    if change.mirrored:
        matrix[0] *= -1
        matrix[0, 2] += size - 1
    return matrix


def warp_map(change: Draw, size: int) -> FloatArray:
    """(size, size, 2) float32: where each pixel of the warped crop looks in the unwarped one."""
    padded = round(size * _WARP_CELLS / (_WARP_CELLS - 1))
    margin = (padded - size) // 2
    smooth = cv2.resize(change.grid, (padded, padded))[margin : margin + size, margin : margin + size]
    return np.asarray(_identity_map(size) + smooth * np.float32(size), np.float32)


@lru_cache(maxsize=8)
def _identity_map(size: int) -> FloatArray:
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size)), axis=-1).astype(np.float32)
    grid.setflags(write=False)
    return grid


def recolor(image: Image, change: Draw) -> Image:
    """Change lightness, colour and local contrast, in L*a*b*.

    Args:
        image: (h, w, 3) uint8 BGR. Not modified.

    Returns:
        Likewise; `image` itself when nothing changes.
    """
    if change.clahe is None and not any(change.color):
        return image
    lab = cv2.cvtColor(image, cv2.COLOR_BGR2LAB)
    lab = cv2.LUT(lab, np.stack([_curve(amount) for amount in change.color], axis=-1)[None])
    if change.clahe is not None:
        base = max(2, min(image.shape[:2]) // 128)
        tiles = base + change.clahe * (base // 2)
        lab[..., 0] = cv2.createCLAHE(_CLAHE_CLIP, (tiles, tiles)).apply(np.ascontiguousarray(lab[..., 0]))
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2BGR), np.uint8)


def _curve(amount: float) -> Image:
    """256 uint8 values: pulled towards 255 by a positive share, towards 0 by a negative one."""
    values = np.arange(256.0)
    values = values + (255.0 - values) * min(amount, 1.0) if amount > 0 else values * max(0.0, 1.0 + amount)
    return np.asarray(np.rint(values), np.uint8)
