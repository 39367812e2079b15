"""Faceswap's alignment: mean face in the unit square, a centre moved by the head's pose, padding by coverage."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from fspp_core.errors import ShapeError
from fspp_core.geometry.affine import checked_points, scale_of, similarity, transform
from fspp_core.geometry.head_pose import HeadPose, faceswap_pose
from fspp_core.geometry.tables import FS_MEAN_51
from fspp_core.types import Matrix


@dataclass(frozen=True, slots=True)
class Centering:
    """One of Faceswap's crops.

    Attributes:
        padding: part of the crop's side that lies outside the mean face.
        anchor: the point of the head in space that is the crop's middle, None for the middle of the mean face.
    """

    padding: float
    anchor: tuple[float, float, float] | None


CENTERINGS: Mapping[str, Centering] = MappingProxyType(
    {
        "legacy": Centering(0.375, None),
        "face": Centering(0.5, (0.0, -1.5, 4.2)),
        "head": Centering(0.625, (0.0, 0.0, -2.3)),
    }
)


def centering(name: str) -> Centering:
    """The centering called `name`.

    Raises:
        ShapeError: when there is none.
    """
    try:
        return CENTERINGS[name]
    except KeyError:
        raise ShapeError(f"centering must be one of {', '.join(CENTERINGS)}; received {name!r}") from None


def faceswap_unit_matrix(landmarks: npt.NDArray[Any]) -> Matrix:
    """The fit of brows, eyes, nose and mouth to the mean face in the unit square: frame -> unit square."""
    return similarity(checked_points(landmarks, "landmarks", 68)[17:], FS_MEAN_51)


def normalized_pose(landmarks: npt.NDArray[Any]) -> HeadPose:
    """Faceswap's pose: of the landmarks laid over the mean face in the unit square."""
    return faceswap_pose(transform(np.asarray(landmarks, np.float64), faceswap_unit_matrix(landmarks)))


def center_offset(pose: HeadPose, name: str) -> npt.NDArray[np.float64]:
    """How far the middle of centering `name` lies from that of the mean face: (2,) in its sides."""
    anchor = centering(name).anchor
    if anchor is None:
        return np.zeros(2)
    return pose.project(np.array([anchor])).reshape(2) - 0.5


def padding_pixels(name: str, size: int, coverage: float = 1.0) -> int:
    """Pixels between the crop's edge and the mean face's, of a crop of `size` pixels a side."""
    return round(size * (centering(name).padding + coverage - 1.0) / (2.0 * coverage))


def faceswap_matrix(landmarks: npt.NDArray[Any], name: str, size: int, *, coverage: float = 1.0) -> Matrix:
    """Faceswap's crop matrix.

    Args:
        landmarks: (68, 2) in frame pixels.
        name: "legacy", "face" or "head".
        size: side of the crop in pixels.
        coverage: part of the full crop's side that is shown, up to 1.

    Returns:
        (2, 3), frame -> crop.
    """
    matrix = faceswap_unit_matrix(landmarks)
    if centering(name).anchor is not None:
        matrix[:, 2] -= center_offset(normalized_pose(landmarks), name)
    padding = padding_pixels(name, size, coverage)
    matrix *= size - 2 * padding
    matrix[:, 2] += padding
    return matrix


def sub_crop_size(source: str, target: str, size: int, coverage: float = 1.0) -> int:
    """Side, an even number, of the part of a `size` pixel crop in centering `source` that shows centering `target`."""
    base = size * (1.0 - centering(source).padding)
    return 2 * round(base / (1.0 - centering(target).padding) * coverage / 2.0)


def mean_distance(landmarks: npt.NDArray[Any]) -> float:
    """How unlike the mean face a face is: mean absolute difference of landmarks 17..67, in sides of the mean face."""
    landmarks = checked_points(landmarks, "landmarks", 68)
    return float(np.abs(transform(landmarks, faceswap_unit_matrix(landmarks))[17:] - FS_MEAN_51).mean())


def mouth_below_eyes(landmarks: npt.NDArray[Any]) -> float:
    """How far the mouth lies below brows and eyes on the upright face, in its sides; below zero it is upside down."""
    landmarks = checked_points(landmarks, "landmarks", 68)
    y = transform(landmarks, faceswap_unit_matrix(landmarks))[:, 1]
    return float(y[48:].min() - np.r_[y[17:27], y[36:48]].max())


def face_side(landmarks: npt.NDArray[Any]) -> float:
    """Side of the "face" crop at full coverage, in frame pixels: how large the face is seen."""
    return 1.0 / (scale_of(faceswap_unit_matrix(landmarks)) * (1.0 - centering("face").padding))


def tilt(landmarks: npt.NDArray[Any]) -> float:
    """How far a face is turned in the picture's plane from upright: -pi..pi, clockwise above zero."""
    matrix = faceswap_unit_matrix(landmarks)
    return math.atan2(-matrix[1, 0], matrix[0, 0])
