"""Core's colour transfers: give swapped faces the colours of the frames they go into, a batch at a time."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fspp_core.conversion.color_options import RCTOptions
from fspp_core.errors import ShapeError
from fspp_core.options import NoOptions
from fspp_core.types import FloatArray

Statistics = npt.NDArray[np.float64]

_LAB_LOW = np.array([0.0, -127.0, -127.0], np.float32)
_LAB_HIGH = np.array([100.0, 127.0, 127.0], np.float32)
_FLAT = 1e-6  # a deviation below this is a single colour up to rounding


class NoTransfer:
    """Leaves the colours as the network made them."""

    def __init__(self, options: NoOptions | None = None) -> None:
        pass

    def transfer(self, faces: FloatArray, references: FloatArray, masks: FloatArray) -> FloatArray:
        """See `fspp_core.interfaces.ColorTransfer`."""
        _checked(faces, references, masks)
        return np.clip(faces, 0.0, 1.0)


class Mean:
    """Shifts each channel so that its mean inside the mask is that of the reference: Faceswap's `avg-color`."""

    def __init__(self, options: NoOptions | None = None) -> None:
        pass

    def transfer(self, faces: FloatArray, references: FloatArray, masks: FloatArray) -> FloatArray:
        """See `fspp_core.interfaces.ColorTransfer`."""
        _checked(faces, references, masks)
        weights = masks.astype(np.float64)
        total = weights.sum(axis=(1, 2))
        gap = np.einsum("nhwc,nhw->nc", references - faces, weights)
        shift = np.divide(gap, total[:, None], out=np.zeros_like(gap), where=total[:, None] > 0)
        moved: FloatArray = faces + shift[:, None, None].astype(np.float32)
        return np.clip(moved, 0.0, 1.0)


class RCT:
    """Gives each CIELAB channel the mean and deviation of the reference.

    Reinhard, Ashikhmin, Gooch, Shirley: "Color Transfer between Images" (2001), in CIELAB as DeepFaceLab does it. The
    statistics are those of the pixels where the mask is at least one half.
    """

    def __init__(self, options: RCTOptions | None = None) -> None:
        self.options = options or RCTOptions()

    def transfer(self, faces: FloatArray, references: FloatArray, masks: FloatArray) -> FloatArray:
        """See `fspp_core.interfaces.ColorTransfer`."""
        _checked(faces, references, masks)
        return reinhard(faces, references, masks, masks, zero_outside=self.options.zero_outside)


def reinhard(
    faces: FloatArray,
    references: FloatArray,
    face_masks: FloatArray,
    reference_masks: FloatArray,
    *,
    zero_outside: bool,
) -> FloatArray:
    """The transfer behind `RCT`, with a mask of its own for either side.

    Args:
        faces: (n, h, w, 3) float32 BGR 0..1.
        references: likewise.
        face_masks: (n, h, w) float32 0..1, pixels of `faces` that count.
        reference_masks: likewise for `references`.
        zero_outside: whether the other pixels count as Lab (0, 0, 0) instead of not at all.

    Returns:
        Like `faces`; unchanged where either mask is empty.
    """
    inside, reference_inside = np.greater_equal(face_masks, 0.5), np.greater_equal(reference_masks, 0.5)
    lab = _convert(faces, cv2.COLOR_BGR2Lab)
    mean, deviation = _statistics(lab, inside, zero_outside)
    wanted_mean, wanted_deviation = _statistics(_convert(references, cv2.COLOR_BGR2Lab), reference_inside, zero_outside)
    gain = np.divide(wanted_deviation, deviation, out=np.ones_like(deviation), where=deviation > _FLAT)
    shift = wanted_mean - mean * gain
    lab *= gain[:, None, None].astype(np.float32)
    lab += shift[:, None, None].astype(np.float32)
    recolored = np.clip(_convert(np.clip(lab, _LAB_LOW, _LAB_HIGH, out=lab), cv2.COLOR_Lab2BGR), 0.0, 1.0)
    counted = np.logical_and(inside.any(axis=(1, 2)), reference_inside.any(axis=(1, 2)))
    return np.where(counted[:, None, None, None], recolored, faces)


def _statistics(lab: FloatArray, inside: npt.NDArray[np.bool_], zero_outside: bool) -> tuple[Statistics, Statistics]:
    """Mean and deviation of each channel of each picture: (n, 3) twice."""
    n, h, w = inside.shape
    weights = inside.reshape(n, h * w).astype(np.float32)
    values = lab.reshape(n, h * w, 3)
    count = np.full(n, float(h * w)) if zero_outside else np.maximum(weights.sum(axis=1, dtype=np.float64), 1.0)
    kept = values * weights[..., None]
    mean = kept.sum(axis=1, dtype=np.float64) / count[:, None]
    # Around the mean, not from raw squares: those lose the deviation of nearly flat faces to cancellation.
    away = kept - mean[:, None].astype(np.float32) * (1.0 if zero_outside else weights[..., None])
    variance = np.einsum("npc,npc->nc", away, away, dtype=np.float64) / count[:, None]
    return mean, np.sqrt(variance)


def _convert(images: FloatArray, code: int) -> FloatArray:
    """Convert a whole batch at once: pictures stacked on top of each other are one picture to OpenCV."""
    n, h, w, _ = images.shape
    if n == 0:
        return images.astype(np.float32)
    stacked = np.ascontiguousarray(images, np.float32).reshape(n * h, w, 3)
    return np.asarray(cv2.cvtColor(stacked, code), np.float32).reshape(n, h, w, 3)


def _checked(faces: Any, references: Any, masks: Any) -> None:
    if faces.ndim != 4 or faces.shape[-1] != 3 or 0 in faces.shape[1:]:
        raise ShapeError(f"faces to recolour must be (n, h, w, 3); received {faces.shape}")
    if references.shape != faces.shape or masks.shape != faces.shape[:3]:
        raise ShapeError(
            f"references and masks must fit faces of {faces.shape}; received {references.shape} and {masks.shape}"
        )
