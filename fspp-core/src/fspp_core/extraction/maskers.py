"""Masks that need no network: hulls over the 68 landmarks."""

from __future__ import annotations

import numpy as np

from fspp_core.errors import ShapeError
from fspp_core.extraction.mask_options import ComponentsOptions, ExtendedOptions
from fspp_core.geometry import face_hulls, fill_polygons
from fspp_core.types import FloatArray, Image


class HullMasker:
    """The union of hulls over parts of the face, anti-aliased; the crop's pixels do not matter.

    Args:
        size: side of crop and mask in pixels.
        brows: how far the brows are raised, see `geometry.raise_brows`.
    """

    face_type = "whole"
    looks_at_pixels = False

    def __init__(self, size: int, brows: float) -> None:
        self.size = size
        self._brows = brows

    def mask(self, crops: Image, landmarks: FloatArray) -> FloatArray:
        """Mask a batch of faces; see `fspp_core.interfaces.Masker`.

        Raises:
            ShapeError: for crops of another size, or another number of landmarks.
        """
        expected = (len(crops), self.size, self.size, 3)
        if crops.shape != expected or landmarks.shape != (len(crops), 68, 2):
            raise ShapeError(
                f"this masker takes crops {expected} and landmarks {(len(crops), 68, 2)}; "
                f"received {crops.shape} and {landmarks.shape}"
            )
        masks = np.empty((len(crops), self.size, self.size), np.float32)
        for mask, points in zip(masks, landmarks, strict=True):
            np.divide(fill_polygons(face_hulls(points, brows=self._brows), self.size), 255, out=mask)
        return masks


class ComponentsMasker(HullMasker):
    """Jaw to brows."""

    def __init__(self, options: ComponentsOptions) -> None:
        super().__init__(options.size, 0.0)


class ExtendedMasker(HullMasker):
    """Jaw to raised brows, so that some of the forehead belongs to it."""

    def __init__(self, options: ExtendedOptions) -> None:
        super().__init__(options.size, options.brows)
