"""Face crops as a component wants them, for the kinds that work on crops: maskers and recognizers."""

from __future__ import annotations

from typing import Any

import numpy as np

from fspp_core.geometry import FACE_TYPES, crop_matrix, fit_keypoints, transform
from fspp_core.testing.base import Conformance
from fspp_core.testing.pictures import drawn_face, face_keypoints, noise
from fspp_core.types import FloatArray, Image

FACE = (300.0, 300.0, 800.0, 950.0)


class CropConformance(Conformance):
    """Checks for components that state a `face_type` and a `size` and take batches of such crops."""

    @classmethod
    def crops(cls, component: Any) -> tuple[Image, FloatArray]:
        """Three crops (3, size, size, 3) uint8 BGR, and their landmarks (3, 68, 2) float32 in crop pixels."""
        landmarks = fit_keypoints(face_keypoints(FACE))
        matrix = crop_matrix(landmarks, component.face_type, component.size)
        (left, top), (right, bottom) = transform(np.array(FACE).reshape(2, 2), matrix).tolist()
        face = drawn_face(component.size, component.size, (left, top, right, bottom))
        pictures = np.stack([face, face // 2, noise(component.size, component.size)])
        return pictures, np.stack([transform(landmarks, matrix).astype(np.float32)] * 3)

    def test_crop_is_stated(self) -> None:
        """The crop it wants is one the core can make."""
        component = self.built()
        assert component.face_type in FACE_TYPES, f"face_type {component.face_type!r} is none of {FACE_TYPES}"
        assert isinstance(component.size, int), f"size is {component.size!r}"
        assert component.size > 0, f"size is {component.size}"
