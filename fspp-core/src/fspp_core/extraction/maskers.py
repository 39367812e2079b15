"""Masks that need no network: hulls over the 68 landmarks, and masks to paint."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from fspp_core.errors import ShapeError
from fspp_core.extraction.mask_options import (
    ComponentsOptions,
    CustomOptions,
    DFLHullOptions,
    ExtendedOptions,
    EyesOptions,
    MouthOptions,
)
from fspp_core.geometry import eye_hulls, face_hulls, fill_polygons, mouth_hulls, soften
from fspp_core.geometry.hulls import Polygon
from fspp_core.types import FloatArray, Image


class DrawnMasker(ABC):
    """Draws a mask from landmarks alone; the crop's pixels do not matter.

    Args:
        size: side of crop and mask in pixels.
    """

    face_type = "whole"
    looks_at_pixels = False

    def __init__(self, size: int) -> None:
        self.size = size

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
            mask[:] = self._drawn(points)
        return masks

    @abstractmethod
    def _drawn(self, points: FloatArray) -> FloatArray:
        """(size, size) float32 0..1 from (68, 2) in crop pixels."""


class HullMasker(DrawnMasker):
    """The union of hulls over parts of the face, anti-aliased.

    Args:
        size: side of crop and mask in pixels.
        brows: how far the brows are raised, see `geometry.raise_brows`.
    """

    def __init__(self, size: int, brows: float) -> None:
        super().__init__(size)
        self._brows = brows

    def _drawn(self, points: FloatArray) -> FloatArray:
        filled = fill_polygons(face_hulls(points, brows=self._brows), self.size)
        return np.divide(filled, 255, dtype=np.float32)


class ComponentsMasker(HullMasker):
    """Jaw to brows."""

    def __init__(self, options: ComponentsOptions) -> None:
        super().__init__(options.size, 0.0)


class ExtendedMasker(HullMasker):
    """Jaw to raised brows, so that some of the forehead belongs to it."""

    def __init__(self, options: ExtendedOptions) -> None:
        super().__init__(options.size, options.brows)


class DFLHullMasker(DrawnMasker):
    """DeepFaceLab's hull: over whole pixels, with hard edges."""

    def __init__(self, options: DFLHullOptions) -> None:
        super().__init__(options.size)
        self._brows = options.brows

    def _drawn(self, points: FloatArray) -> FloatArray:
        return _hard(face_hulls(points, brows=self._brows, rounding="deepfacelab"), self.size)


class EyesMasker(DrawnMasker):
    """Both eyes, by DeepFaceLab's rule."""

    def __init__(self, options: EyesOptions) -> None:
        super().__init__(options.size)
        self._grow, self._blur = _share(options.grow, options.size), _share(options.blur, options.size)

    def _drawn(self, points: FloatArray) -> FloatArray:
        hulls = _hard(eye_hulls(points, rounding="deepfacelab"), self.size)
        return np.minimum(soften(hulls, self._grow, self._blur), 1.0)  # a blur may round up


class MouthMasker(DrawnMasker):
    """The mouth, by DeepFaceLab's rule."""

    def __init__(self, options: MouthOptions) -> None:
        super().__init__(options.size)
        self._inner = not options.lips
        self._grow, self._blur = _share(options.grow, options.size), _share(options.blur, options.size)

    def _drawn(self, points: FloatArray) -> FloatArray:
        hulls = _hard(mouth_hulls(points, inner=self._inner, rounding="deepfacelab"), self.size)
        return np.minimum(soften(hulls, self._grow, self._blur), 1.0)


class CustomMasker(DrawnMasker):
    """Nothing, or everything: a mask to be painted."""

    def __init__(self, options: CustomOptions) -> None:
        super().__init__(options.size)
        self.face_type = options.face_type
        self._value = float(options.start == "filled")

    def _drawn(self, points: FloatArray) -> FloatArray:
        return np.full((self.size, self.size), self._value, np.float32)


def _hard(polygons: list[Polygon], size: int) -> FloatArray:
    """(size, size) float32, 0 or 1."""
    return (fill_polygons(polygons, size, smooth=False) > 0).astype(np.float32)


def _share(percent: float, size: int) -> int:
    """Whole pixels that a percentage of a side makes."""
    return int(percent * size / 100)
