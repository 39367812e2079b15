"""Geometry: fits, crops, poses, hulls, boxes and warps; each loaded when first used. Nothing here touches a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fspp_core.lazy import lazy

if TYPE_CHECKING:
    from fspp_core.geometry.affine import compose, invert, scale_of, similarity, transform
    from fspp_core.geometry.boxes import area, box_of, clip_boxes, iou, suppress
    from fspp_core.geometry.drawing import fill_polygons, soften
    from fspp_core.geometry.face_types import crop_corners, crop_matrix
    from fspp_core.geometry.faceswap import faceswap_matrix, mean_distance, mouth_below_eyes, sub_crop_size
    from fspp_core.geometry.fitting import fit_keypoints, keypoints_of
    from fspp_core.geometry.head_pose import Pose
    from fspp_core.geometry.hulls import eye_hulls, face_hulls, mouth_hulls, raise_brows
    from fspp_core.geometry.landmarks import MEAN_FACE_68, MEAN_HEAD_68, landmarks_68_from_98, mirror
    from fspp_core.geometry.names import FACE_TYPES
    from fspp_core.geometry.peers import components_hulls, deepfacelab_pose, extended_hulls, pose
    from fspp_core.geometry.warping import warp

_HOMES = {
    "FACE_TYPES": "names",
    "MEAN_FACE_68": "landmarks",
    "MEAN_HEAD_68": "landmarks",
    "Pose": "head_pose",
    "area": "boxes",
    "box_of": "boxes",
    "clip_boxes": "boxes",
    "components_hulls": "peers",
    "compose": "affine",
    "crop_corners": "face_types",
    "crop_matrix": "face_types",
    "deepfacelab_pose": "peers",
    "extended_hulls": "peers",
    "eye_hulls": "hulls",
    "face_hulls": "hulls",
    "faceswap_matrix": "faceswap",
    "fill_polygons": "drawing",
    "fit_keypoints": "fitting",
    "invert": "affine",
    "iou": "boxes",
    "keypoints_of": "fitting",
    "landmarks_68_from_98": "landmarks",
    "mean_distance": "faceswap",
    "mirror": "landmarks",
    "mouth_below_eyes": "faceswap",
    "mouth_hulls": "hulls",
    "pose": "peers",
    "raise_brows": "hulls",
    "scale_of": "affine",
    "similarity": "affine",
    "soften": "drawing",
    "sub_crop_size": "faceswap",
    "suppress": "boxes",
    "transform": "affine",
    "warp": "warping",
}

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

__getattr__, __dir__ = lazy(__name__, _HOMES)
