"""Crop matrices: how much of the head each face type of DeepFaceLab and each centering of Faceswap shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from fspp_core.errors import ShapeError
from fspp_core.geometry.affine import about, checked_points, compose, invert, scale_of, similarity, transform
from fspp_core.geometry.faceswap import faceswap_matrix
from fspp_core.geometry.names import FACE_TYPES
from fspp_core.geometry.tables import DFL_MEAN_51
from fspp_core.types import Matrix

_PADDING: Mapping[str, float] = MappingProxyType(
    {
        "half": 0.0,
        "midfull": 0.0675,
        "full": 0.2109375,
        "whole": 0.40,
        "head": 0.70,
        "full-unaligned": 0.2109375,
        "head-unaligned": 0.70,
    }
)

_DFL_POINTS = np.r_[17:49, 54]
_WHOLE_SHIFT = np.array([0.0, -0.07])  # towards the forehead, in sides of the mean face
_HEAD_SHIFT = -0.5


def crop_matrix(landmarks: npt.NDArray[Any], face_type: str, size: int, *, scale: float = 1.0) -> Matrix:
    """The matrix that takes a face out of a frame.

    Args:
        landmarks: (68, 2) in frame pixels.
        face_type: a name from `FACE_TYPES`.
        size: side of the crop in pixels.
        scale: how much larger than usual the face is shown; for Faceswap's centerings this is 1 / coverage.

    Returns:
        (2, 3), frame -> crop: a similarity; the unaligned types keep the frame's axes.

    Raises:
        ShapeError: for an unknown face type, a size or scale that is not positive, or landmarks that are not finite
            or all at one place.
    """
    landmarks = checked_points(landmarks, "landmarks", 68)
    if face_type not in FACE_TYPES:
        raise ShapeError(f"face type must be one of {', '.join(FACE_TYPES)}; received {face_type!r}")
    if size < 1 or not 0.0 < scale < math.inf:
        raise ShapeError(f"a crop needs a positive size and scale; received size {size}, scale {scale}")
    if face_type.startswith("fs-"):
        return faceswap_matrix(landmarks, face_type.removeprefix("fs-"), size, coverage=1.0 / scale)
    to_unit = unit_matrix(landmarks)
    zoom = size * scale / (1.0 + 2.0 * math.sqrt(2.0) * _PADDING[face_type])  # pixels per side of the mean face
    center = np.array([0.5, 0.5]) + _shift(face_type, transform(landmarks, to_unit))
    if face_type.endswith("-unaligned"):
        return about(transform(center, invert(to_unit)), zoom * scale_of(to_unit), size / 2)
    return compose(about(center, zoom, size / 2), to_unit)


def unit_matrix(landmarks: npt.NDArray[Any]) -> Matrix:
    """DeepFaceLab's fit of the face to the unit square: brows, nose, eyes and mouth corners to the mean face."""
    return similarity(np.asarray(landmarks)[_DFL_POINTS], DFL_MEAN_51[_DFL_POINTS - 17])


def _shift(face_type: str, landmarks: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | float:
    """How far the crop's middle lies from that of the mean face, in its sides; `landmarks` are in the unit square."""
    if face_type == "whole":
        return _WHOLE_SHIFT
    if face_type == "head":
        turn = jaw_turn(landmarks)
        return np.array([turn * abs(math.tanh(2.0 * turn)) / 2.0, _HEAD_SHIFT])
    return 0.0


def jaw_turn(landmarks: npt.NDArray[Any]) -> float:
    """How much wider the right cheek is seen than the left one: DeepFaceLab's stand-in for yaw, in landmark units."""
    x = np.asarray(landmarks, np.float64)[:, 0]
    bridge = x[27:30]
    return float(np.mean(x[16:13:-1] - bridge) - np.mean(bridge - x[0:3]))


def crop_corners(matrix: npt.NDArray[Any], size: int) -> npt.NDArray[np.float64]:
    """Where the crop's corners lie in the frame: (4, 2) float64, clockwise from the upper left one."""
    square = np.array([[0.0, 0.0], [size, 0.0], [size, size], [0.0, size]])
    return transform(square, invert(matrix))
