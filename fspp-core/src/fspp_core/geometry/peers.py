"""Pose and mask outlines by the names that the peers use for them, straight from landmarks in a frame."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from fspp_core.geometry.affine import transform
from fspp_core.geometry.face_types import crop_matrix
from fspp_core.geometry.faceswap import normalized_pose
from fspp_core.geometry.head_pose import Pose, deepfacelab_angles, faceswap_angles
from fspp_core.geometry.hulls import Polygon, face_hulls


def pose(landmarks: npt.NDArray[Any]) -> Pose:
    """Where a face looks, in degrees, by Faceswap's definition: of the face turned upright over the mean face.

    Args:
        landmarks: (68, 2) in pixels of any picture.
    """
    return faceswap_angles(normalized_pose(landmarks))


def deepfacelab_pose(landmarks: npt.NDArray[Any]) -> Pose:
    """Where a face looks, in degrees, by DeepFaceLab's definition: of the face in a "whole" crop of 256 pixels.

    Args:
        landmarks: (68, 2) in pixels of any picture.
    """
    return deepfacelab_angles(transform(landmarks, crop_matrix(landmarks, "whole", 256)), 256)


def components_hulls(landmarks: npt.NDArray[Any]) -> list[Polygon]:
    """The polygons of the `components` mask: jaw to brows."""
    return face_hulls(landmarks)


def extended_hulls(landmarks: npt.NDArray[Any]) -> list[Polygon]:
    """The polygons of the `extended` mask: jaw to raised brows."""
    return face_hulls(landmarks, brows=1.0)
