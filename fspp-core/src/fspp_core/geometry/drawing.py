"""Polygons as masks, and masks grown and blurred."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from fspp_core.errors import ShapeError
from fspp_core.types import Image

MaskArray = TypeVar("MaskArray", bound=npt.NDArray[Any])

_SUBPIXEL_BITS = 4
_FAR = 1e6  # pixels; beyond it OpenCV's fixed-point coordinates overflow


def fill_polygons(polygons: Iterable[npt.NDArray[Any]], size: int | tuple[int, int], *, smooth: bool = True) -> Image:
    """Draw the union of convex polygons.

    Args:
        polygons: (n, 2) each, float (drawn to a sixteenth of a pixel) or integer.
        size: side, or (width, height), in pixels.
        smooth: whether edges are anti-aliased.

    Returns:
        (height, width) uint8, 0 outside, 255 inside.

    Raises:
        ShapeError: for a polygon that is not (n, 2) finite points.
    """
    width, height = (size, size) if isinstance(size, int) else size
    mask = np.zeros((height, width), np.uint8)
    for polygon in polygons:
        corners = np.asarray(polygon)
        if corners.ndim != 2 or corners.shape[1] != 2 or not np.isfinite(corners).all():
            raise ShapeError(f"a polygon must be (n, 2) finite points; received shape {corners.shape}")
        shift = 0 if np.issubdtype(corners.dtype, np.integer) else _SUBPIXEL_BITS
        fixed = np.rint(np.clip(corners, -_FAR, _FAR) * (1 << shift)).astype(np.int32)
        cv2.fillConvexPoly(mask, fixed, 255, lineType=cv2.LINE_AA if smooth else cv2.LINE_8, shift=shift)
    return mask


def soften(mask: MaskArray, grow: int, blur: int) -> MaskArray:
    """Grow a mask by an ellipse, then blur it.

    DeepFaceLab's eye and mouth masks are grown by size // 32 and blurred by size // 16.

    Args:
        mask: (height, width) uint8 or float32. Not modified.
        grow: diameter of the ellipse in pixels; below 2 nothing grows.
        blur: side of the Gaussian kernel in pixels, made odd by adding one; below 2 nothing is blurred.

    Returns:
        Shape and dtype of `mask`.
    """
    if grow > 1:
        mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (grow, grow)))
    if blur > 1:
        mask = cv2.GaussianBlur(mask, (blur | 1, blur | 1), 0)
    return mask
