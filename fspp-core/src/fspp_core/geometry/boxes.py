"""Boxes: left, top, right, bottom in pixels, half-open, float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fspp_core.errors import ShapeError
from fspp_core.types import FloatArray


def area(boxes: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Pixels that (..., 4) boxes cover, 0 for a box turned inside out."""
    boxes = _boxes(boxes)
    return np.asarray(np.prod(np.maximum(boxes[..., 2:] - boxes[..., :2], 0.0), axis=-1))


def iou(boxes_a: npt.NDArray[Any], boxes_b: npt.NDArray[Any]) -> FloatArray:
    """Intersection over union of each of (n, 4) boxes with each of (m, 4): (n, m), 0 where both are empty."""
    a, b = _boxes(boxes_a)[:, None], _boxes(boxes_b)[None]
    corners = np.concatenate([np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])], axis=-1)
    shared = area(corners)
    union = area(a) + area(b) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0).astype(np.float32)


def clip_boxes(boxes: npt.NDArray[Any], width: int, height: int) -> FloatArray:
    """(..., 4) boxes cut to a picture; one that lies outside it becomes empty, at its edge."""
    limits = np.array([width, height, width, height], np.float64)
    return np.clip(_boxes(boxes), 0.0, limits).astype(np.float32)


def box_of(points: npt.NDArray[Any]) -> FloatArray:
    """The smallest box around (..., n, 2) points: (..., 4)."""
    points = np.asarray(points, np.float64)
    return np.concatenate([points.min(axis=-2), points.max(axis=-2)], axis=-1).astype(np.float32)


def suppress(boxes: npt.NDArray[Any], scores: npt.NDArray[Any], threshold: float) -> npt.NDArray[np.intp]:
    """Greedy non-maximum suppression.

    Args:
        boxes: (n, 4).
        scores: (n,).
        threshold: a box that overlaps a better one by a larger IoU than this goes.

    Returns:
        Indices of the boxes that stay, best first; equal scores in their given order.
    """
    order = np.argsort(-np.asarray(scores), kind="stable")
    overlaps = iou(boxes, boxes) > threshold
    gone = np.zeros(len(order), bool)
    kept = []
    for index in order:
        if not gone[index]:
            kept.append(index)
            gone |= overlaps[index]
    return np.array(kept, np.intp)


def _boxes(boxes: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    array = np.asarray(boxes, np.float64)
    if array.ndim == 0 or array.shape[-1] != 4:
        raise ShapeError(f"boxes must be (..., 4): left, top, right, bottom; received shape {array.shape}")
    return array
