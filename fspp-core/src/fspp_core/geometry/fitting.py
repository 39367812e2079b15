"""68 landmarks from five: the mean head turned until its eyes, nose and mouth corners lie on a detector's keypoints."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from fspp_core.errors import ShapeError
from fspp_core.geometry.affine import checked_points
from fspp_core.geometry.landmarks import MEAN_HEAD_68
from fspp_core.types import FloatArray

_YAW_RANGE, _PITCH_RANGE = 80.0, 40.0  # degrees either way
_COARSE_STEP = 5.0
_ZOOMS = 4
_NOISE = 0.05  # how far five points stray from the mean head's, relative to their spread
_YAW_SPREAD, _PITCH_SPREAD = 35.0, 12.0  # degrees; pitch and a long nose look alike, so pitch is trusted less
_REACH = 0.30  # how far a keypoint draws the landmarks around it, in sides of the mean face
_STIFFNESS = 0.25
_MOST_DRAW = 0.08  # farthest a landmark is drawn, in sides of the mean face

_Angles = npt.NDArray[np.float64]
_Points = npt.NDArray[np.float64]
_Plane = npt.NDArray[Any]  # complex: points of the plane as x + iy, so that a similarity is a factor and a sum


def keypoints_of(landmarks: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The five keypoints of (..., 68, d) landmarks: eye centres, nose tip, mouth corners, left before right."""
    eyes = [landmarks[..., 36:42, :].mean(axis=-2), landmarks[..., 42:48, :].mean(axis=-2)]
    return np.stack([*eyes, landmarks[..., 30, :], landmarks[..., 48, :], landmarks[..., 54, :]], axis=-2)


def fit_keypoints(keypoints: npt.NDArray[Any]) -> FloatArray:
    """Lay the mean face over five keypoints, of one face or of many at once.

    The mean head is turned in yaw and pitch, then moved by a similarity, to where its keypoints lie nearest to the
    given ones; turning costs a little, so that a frontal face with an unusual nose stays frontal. What is left over
    draws the landmarks around each keypoint towards it, softly and not far. The search is over a grid, so that there is
    no start to choose and no wrong minimum to stop in.

    Args:
        keypoints: (..., 5, 2) left eye, right eye, nose tip, left and right mouth corner, as the viewer sees them.

    Returns:
        (..., 68, 2) float32 in the same pixels.

    Raises:
        ShapeError: when they are not five finite points each, or all lie at one place.
    """
    keypoints = np.asarray(keypoints, np.float64)
    several = keypoints.reshape(-1, *keypoints.shape[-2:]) if keypoints.ndim > 2 else keypoints[None]
    if several.shape[1:] != (5, 2) or not np.isfinite(several).all():
        for points in several:
            checked_points(points, "keypoints", 5)
    seen = several.reshape(-1, 5, 2) @ (1, 1j)
    middle = seen.mean(axis=1, keepdims=True)
    centered = seen - middle
    spread = np.linalg.norm(centered, axis=1, keepdims=True)
    together = np.flatnonzero(spread[:, 0] <= 1e-6 * np.maximum(1.0, np.abs(several).max(axis=(1, 2), initial=0.0)))
    if together.size:
        raise ShapeError(f"keypoints must not all lie at one place; received {several[together[0]].tolist()}")
    face = _turn(MEAN_HEAD_68, *_best_angles(centered / spread)) @ (1, 1j)
    own = keypoints_of(face[..., None])[..., 0]
    own_middle = own.mean(axis=1, keepdims=True)
    there = (own - own_middle).conj()
    factor = (there * centered).sum(axis=1, keepdims=True) / (np.abs(there) ** 2).sum(axis=1, keepdims=True)
    missed = _back(centered, own - own_middle) - (own - own_middle)
    laid = (face + _drawn(face, own, missed) - own_middle) * factor + middle
    return np.stack([laid.real, laid.imag], axis=-1).astype(np.float32).reshape(*keypoints.shape[:-2], 68, 2)


def turned(yaw: float, pitch: float) -> _Points:
    """The mean head seen from straight ahead after a turn, in sides of the mean face: (68, 2).

    Args:
        yaw: degrees; above zero the nose moves to the viewer's right.
        pitch: degrees; above zero the nose moves down.
    """
    return _turn(MEAN_HEAD_68, np.array([yaw]), np.array([pitch])).reshape(-1, 2)


def _turn(points: npt.NDArray[np.float64], yaw: _Angles, pitch: _Angles) -> _Points:
    """(n, 3) points turned by each of (...,) angles, without their depth: (..., n, 2)."""
    x, y, z = (points - (0.5, 0.5, 0.0)).T
    sin_yaw, cos_yaw = np.sin(np.radians(yaw))[..., None], np.cos(np.radians(yaw))[..., None]
    sin_pitch, cos_pitch = np.sin(np.radians(pitch))[..., None], np.cos(np.radians(pitch))[..., None]
    depth = z * cos_yaw + x * sin_yaw
    return np.stack([x * cos_yaw - z * sin_yaw, y * cos_pitch - depth * sin_pitch], axis=-1) + 0.5


def _best_angles(seen: _Plane) -> tuple[_Angles, _Angles]:
    """Yaw and pitch, (f,) each, at which the mean head fits each of `seen` (f, 5), centred and of unit spread."""
    yaw, pitch, models = _coarse_grid()
    best_yaw, best_pitch = _cheapest(yaw[None], pitch[None], models[None], seen)
    step = _COARSE_STEP
    for _ in range(_ZOOMS):
        step /= 3.0
        around, across = (grid.ravel() * step for grid in np.meshgrid(np.arange(-3, 4), np.arange(-3, 4)))
        yaw, pitch = best_yaw[:, None] + around, best_pitch[:, None] + across
        best_yaw, best_pitch = _cheapest(yaw, pitch, _models(yaw, pitch), seen)
    return best_yaw, best_pitch


@cache
def _coarse_grid() -> tuple[_Angles, _Angles, _Plane]:
    yaws = np.arange(-_YAW_RANGE, _YAW_RANGE + 1, _COARSE_STEP)
    pitches = np.arange(-_PITCH_RANGE, _PITCH_RANGE + 1, _COARSE_STEP)
    yaw, pitch = (grid.ravel() for grid in np.meshgrid(yaws, pitches))
    return yaw, pitch, _models(yaw, pitch)


def _models(yaw: _Angles, pitch: _Angles) -> _Plane:
    """The mean head's keypoints at (...,) angles, centred and of unit spread: (..., 5)."""
    model = _turn(keypoints_of(MEAN_HEAD_68), yaw, pitch) @ (1, 1j)
    model -= model.mean(axis=-1, keepdims=True)
    return np.asarray(model / np.linalg.norm(model, axis=-1, keepdims=True))


def _cheapest(yaw: _Angles, pitch: _Angles, models: _Plane, seen: _Plane) -> tuple[_Angles, _Angles]:
    """Angles (f,) of the model that fits each of `seen` (f, 5) best: by what a similarity leaves over, and the turn.

    Args:
        yaw: (f or 1, g).
        pitch: likewise.
        models: (f or 1, g, 5).
    """
    explained = np.abs(models.conj() @ seen[:, :, None])[..., 0] ** 2
    cost = (1.0 - explained) / _NOISE**2 + (yaw / _YAW_SPREAD) ** 2 + (pitch / _PITCH_SPREAD) ** 2
    best = cost.argmin(axis=1)[:, None]
    yaw, pitch = (np.broadcast_to(angles, cost.shape) for angles in (yaw, pitch))
    return np.take_along_axis(yaw, best, axis=1)[:, 0], np.take_along_axis(pitch, best, axis=1)[:, 0]


def _back(centered: _Plane, own: _Plane) -> _Plane:
    """Keypoints (f, 5) laid over those of the mean face; both centred."""
    factor = (centered.conj() * own).sum(axis=1, keepdims=True) / (np.abs(centered) ** 2).sum(axis=1, keepdims=True)
    return np.asarray(centered * factor)


def _drawn(face: _Plane, own: _Plane, missed: _Plane) -> _Plane:
    """How far each landmark of the turned mean face is drawn by the keypoints it does not reach: (f, 68)."""
    pull = np.linalg.solve(_nearness(own, own) + _STIFFNESS * np.eye(5), missed[..., None])
    move = (_nearness(face, own) @ pull)[..., 0]
    return np.asarray(move * np.minimum(1.0, _MOST_DRAW / np.maximum(np.abs(move), 1e-12)))


def _nearness(points: _Plane, centers: _Plane) -> npt.NDArray[np.float64]:
    squared = np.abs(points[:, :, None] - centers[:, None]) ** 2
    return np.asarray(np.exp(-squared / (2.0 * _REACH**2)))
