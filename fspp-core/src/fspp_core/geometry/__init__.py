"""Geometry: fits, crops, poses, hulls, boxes and warps. Nothing here reads or writes a file."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from fspp_core.geometry.affine import compose, invert, scale_of, similarity, transform
from fspp_core.geometry.boxes import area, box_of, clip_boxes, iou, suppress
from fspp_core.geometry.drawing import fill_polygons, soften
from fspp_core.geometry.face_types import FACE_TYPES, crop_corners, crop_matrix
from fspp_core.geometry.faceswap import faceswap_matrix, mean_distance, mouth_below_eyes, normalized_pose, sub_crop_size
from fspp_core.geometry.fitting import fit_keypoints, keypoints_of
from fspp_core.geometry.head_pose import Pose, deepfacelab_angles, faceswap_angles
from fspp_core.geometry.hulls import eye_hulls, face_hulls, mouth_hulls, raise_brows
from fspp_core.geometry.landmarks import MEAN_FACE_68, MEAN_HEAD_68, landmarks_68_from_98, mirror
from fspp_core.geometry.warping import warp

__all__ = [
    "FACE_TYPES",
    "MEAN_FACE_68",
    "MEAN_HEAD_68",
    "Pose",
    "area",
    "box_of",
    "clip_boxes",
    "components_hulls",
    "compose",
    "crop_corners",
    "crop_matrix",
    "deepfacelab_pose",
    "extended_hulls",
    "eye_hulls",
    "face_hulls",
    "faceswap_matrix",
    "fill_polygons",
    "fit_keypoints",
    "invert",
    "iou",
    "keypoints_of",
    "landmarks_68_from_98",
    "mean_distance",
    "mirror",
    "mouth_below_eyes",
    "mouth_hulls",
    "pose",
    "raise_brows",
    "scale_of",
    "similarity",
    "soften",
    "sub_crop_size",
    "suppress",
    "transform",
    "warp",
]


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


def components_hulls(landmarks: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """The polygons of the `components` mask: jaw to brows."""
    return face_hulls(landmarks)


def extended_hulls(landmarks: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """The polygons of the `extended` mask: jaw to raised brows."""
    return face_hulls(landmarks, brows=1.0)
