"""Where a head looks, as either peer reckons it: a known head in space seen through a known camera."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fspp_core.errors import ShapeError
from fspp_core.geometry.affine import checked_points
from fspp_core.geometry.tables import FS_HEAD_26, FS_HEAD_INDICES, HEAD_68

_DFL_POINTS = np.r_[0:27, 30:36]
_FS_CAMERA = np.array([[4.0, 0.0, 0.5], [0.0, 4.0, 0.5], [0.0, 0.0, 1.0]])


@dataclass(frozen=True, slots=True)
class Pose:
    """Degrees: pitch up, yaw to the viewer's right, roll clockwise as each peer signs them."""

    pitch: float
    yaw: float
    roll: float


@dataclass(frozen=True, slots=True, eq=False)
class HeadPose:
    """A head before a camera.

    Attributes:
        rotation: (3, 1) Rodrigues vector.
        translation: (3, 1).
        camera: (3, 3).
    """

    rotation: npt.NDArray[np.float64]
    translation: npt.NDArray[np.float64]
    camera: npt.NDArray[np.float64]

    def project(self, points: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Where (n, 3) points of the head are seen: (n, 2)."""
        seen, _ = cv2.projectPoints(
            np.asarray(points, np.float64), self.rotation, self.translation, self.camera, np.zeros(4)
        )
        return np.asarray(seen, np.float64)[:, 0]

    def matrix(self) -> npt.NDArray[np.float64]:
        """The rotation as (3, 3)."""
        return np.asarray(cv2.Rodrigues(self.rotation)[0], np.float64)


def solve(head: npt.NDArray[Any], seen: npt.NDArray[Any], camera: npt.NDArray[Any]) -> HeadPose:
    """Fit the pose of `head` (n, 3) to `seen` (n, 2) iteratively (Levenberg-Marquardt), without lens distortion.

    Raises:
        ShapeError: when no pose fits.
    """
    seen = checked_points(seen, "landmarks")
    try:
        found, rotation, translation = cv2.solvePnP(head, seen, camera, np.zeros(4), flags=cv2.SOLVEPNP_ITERATIVE)
    except cv2.error as error:
        raise ShapeError(f"no head pose fits these {len(seen)} landmarks: {error.err}") from error
    if not found or not np.isfinite(rotation).all() or not np.isfinite(translation).all():
        raise ShapeError(f"no head pose fits these {len(seen)} landmarks")
    return HeadPose(np.asarray(rotation, np.float64), np.asarray(translation, np.float64), camera)


def faceswap_pose(normalized: npt.NDArray[Any]) -> HeadPose:
    """Faceswap's head pose of (68, 2) landmarks that lie over the mean face in the unit square."""
    seen = checked_points(normalized, "landmarks", 68).astype(np.float32).astype(np.float64)
    return solve(FS_HEAD_26, seen[FS_HEAD_INDICES], _FS_CAMERA)


def faceswap_angles(pose: HeadPose) -> Pose:
    """Pitch, yaw and roll as Faceswap gives them."""
    pitch, yaw, roll = (float(angle) for angle in cv2.RQDecomp3x3(pose.matrix())[0])
    return Pose(pitch, yaw, roll)


def deepfacelab_angles(aligned: npt.NDArray[Any], size: int = 256) -> Pose:
    """Pitch, yaw and roll as DeepFaceLab gives them.

    Args:
        aligned: (68, 2) landmarks in pixels of a "whole" crop.
        size: side of that crop.
    """
    seen = checked_points(aligned, "landmarks", 68)
    camera = np.array([[size, 0.0, size / 2], [0.0, size, size / 2], [0.0, 0.0, 1.0]])
    r = solve(HEAD_68[_DFL_POINTS], seen[_DFL_POINTS], camera).matrix()
    pitch = math.atan2(r[2, 1], r[2, 2])
    yaw = math.atan2(-r[2, 0], math.hypot(r[0, 0], r[1, 0]))
    roll = math.atan2(r[1, 0], r[0, 0])
    quarter = math.pi / 2
    pitch, yaw, roll = (math.degrees(min(max(angle, -quarter), quarter)) for angle in (pitch, yaw, roll))
    return Pose(-pitch, yaw, roll)
