"""Shape a face's mask: threshold, parts, holes, erode or dilate, blur. One implementation for all who need it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from fspp_core.types import FloatArray

BlurKind = Literal["gaussian", "box", "none"]

_LEVELS = 16  # at which holes are looked for, so that soft masks keep their slopes
_SIGMAS_SEEN = 2.5  # a Gaussian kernel is cut off here: what lies beyond weighs about one percent


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskShape:
    """How to shape masks; sizes are in percent of the face's size, so that they look alike near and far.

    Attributes:
        threshold: values below this many percent become 0, and the rest keeps its value.
        keep_largest: of several parts that do not touch, only the one that weighs most stays.
        fill_holes: what is enclosed on all sides becomes as opaque as what encloses it.
        erode: by how much to shrink the mask all around; negative grows it.
        blur: kernel of the blur; "box" is what Faceswap calls normalized.
        blur_size: reach of the blur's kernel to either side of the edge.
        blur_passes: how often it is applied, each time with the full kernel.
    """

    threshold: float = 0.0
    keep_largest: bool = False
    fill_holes: bool = False
    erode: float = 0.0
    blur: BlurKind = "none"
    blur_size: float = 0.0
    blur_passes: int = 1

    def apply(self, mask: FloatArray, face_px: float, *, inset: bool = True) -> FloatArray:
        """Shape one mask.

        Args:
            mask: (h, w) float32, 0..1. Not modified.
            face_px: size of the face in pixels of the mask.
            inset: whether the mask is first cut back along the picture's border by the blur's reach, so that it fades
                to zero there instead of ending in a hard edge.

        Returns:
            (h, w) float32, 0..1.
        """
        shaped = np.clip(mask, 0.0, 1.0).astype(np.float32)
        if self.threshold > 0:
            shaped[shaped < self.threshold / 100.0] = 0.0
        if self.keep_largest:
            shaped = _largest(shaped)
        if self.fill_holes:
            shaped = _filled(shaped)
        shaped = _grown(shaped, -round(self.erode / 100.0 * face_px))
        radius = 0 if self.blur == "none" else round(self.blur_size / 100.0 * face_px)
        if inset:
            _clear_border(shaped, 1 + radius * self.blur_passes)
        for _ in range(self.blur_passes if radius else 0):
            shaped = _blurred(shaped, self.blur, radius)
        return np.clip(shaped, 0.0, 1.0)


def _largest(mask: FloatArray) -> FloatArray:
    """The connected part with the greatest sum; parts that touch at a corner are one."""
    count, labels = cv2.connectedComponents((mask > 0).astype(np.uint8), connectivity=8)
    if count <= 2:  # the outside and one part
        return mask
    weights = np.bincount(labels.ravel(), weights=mask.ravel())
    weights[0] = -1.0
    return np.where(labels == weights.argmax(), mask, np.float32(0.0))


def _filled(mask: FloatArray) -> FloatArray:
    """Every basin that the picture's border cannot be reached from, filled to the level that it runs over at."""
    filled = mask
    for level in np.arange(1, _LEVELS + 1, dtype=np.float32) / np.float32(_LEVELS):
        below = (mask < level).astype(np.uint8)
        count, labels = cv2.connectedComponents(below, connectivity=4)
        if count == 1:
            continue
        hole = np.ones(count, bool)
        hole[0] = False
        hole[np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = False
        if hole.any():
            filled = np.where(hole[labels], level, filled)
    return filled


def _grown(mask: FloatArray, pixels: int) -> FloatArray:
    """Dilate, or erode when negative; beyond the border counts as outside the face when eroding."""
    if pixels == 0:
        return mask
    pixels = max(-max(mask.shape), min(pixels, max(mask.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(pixels) + 1,) * 2)
    change = cv2.dilate if pixels > 0 else cv2.erode
    return np.asarray(change(mask, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0.0), np.float32)


def _blurred(mask: FloatArray, kind: BlurKind, radius: int) -> FloatArray:
    side = 2 * min(radius, max(mask.shape)) + 1
    if kind == "box":
        return np.asarray(cv2.blur(mask, (side, side), borderType=cv2.BORDER_CONSTANT), np.float32)
    sigma = side / 2 / _SIGMAS_SEEN
    return np.asarray(cv2.GaussianBlur(mask, (side, side), sigma, borderType=cv2.BORDER_CONSTANT), np.float32)


def _clear_border(mask: FloatArray, width: int) -> None:
    width = min(width, *mask.shape)
    mask[:width] = mask[-width:] = 0.0
    mask[:, :width] = mask[:, -width:] = 0.0
