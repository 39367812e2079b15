"""68 landmarks from five: the mean head turned until its eyes, nose and mouth corners lie on a detector's keypoints."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from fspp_core.errors import ShapeError
from fspp_core.geometry.affine import checked_points, similarity, transform
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


def keypoints_of(landmarks: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The five keypoints of (68, d) landmarks: eye centres, nose tip, mouth corners, left before right: (5, d)."""
    return np.stack(
        [landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0), landmarks[30], landmarks[48], landmarks[54]]
    )


def fit_keypoints(keypoints: npt.NDArray[Any]) -> FloatArray:
    """Lay the mean face over five keypoints.

    The mean head is turned in yaw and pitch, then moved by a similarity, to where its keypoints lie nearest to the
    given ones; turning costs a little, so that a frontal face with an unusual nose stays frontal. What is left over
    draws the landmarks around each keypoint towards it, softly and not far. The search is over a grid, so that there is
    no start to choose and no wrong minimum to stop in.

    Args:
        keypoints: (5, 2) left eye, right eye, nose tip, left and right mouth corner, as the viewer sees them.

    Returns:
        (68, 2) float32 in the same pixels.

    Raises:
        ShapeError: when they are not five finite points, or all lie at one place.
    """
    seen = checked_points(keypoints, "keypoints", 5)
    centered = seen - seen.mean(axis=0)
    spread = float(np.linalg.norm(centered))
    if spread <= 1e-6 * max(1.0, float(np.abs(seen).max())):
        raise ShapeError(f"keypoints must not all lie at one place; received {seen.tolist()}")
    face = turned(*_best_angles(centered / spread))
    matrix = similarity(keypoints_of(face), seen)
    return transform(face + _drawn(face, similarity(seen, keypoints_of(face)), seen), matrix).astype(np.float32)


def turned(yaw: float, pitch: float) -> _Points:
    """The mean head seen from straight ahead after a turn, in sides of the mean face: (68, 2).

    Args:
        yaw: degrees; above zero the nose moves to the viewer's right.
        pitch: degrees; above zero the nose moves down.
    """
    return _turn(MEAN_HEAD_68, np.array([yaw]), np.array([pitch])).reshape(-1, 2)


def _turn(points: npt.NDArray[np.float64], yaw: _Angles, pitch: _Angles) -> _Points:
    """(n, 3) points turned by each of (g,) angles, without their depth: (g, n, 2)."""
    x, y, z = (points - (0.5, 0.5, 0.0)).T
    sin_yaw, cos_yaw = np.sin(np.radians(yaw))[:, None], np.cos(np.radians(yaw))[:, None]
    sin_pitch, cos_pitch = np.sin(np.radians(pitch))[:, None], np.cos(np.radians(pitch))[:, None]
    depth = z * cos_yaw + x * sin_yaw
    return np.stack([x * cos_yaw - z * sin_yaw, y * cos_pitch - depth * sin_pitch], axis=-1) + 0.5


def _best_angles(seen: _Points) -> tuple[float, float]:
    """Yaw and pitch at which the mean head fits `seen`, which is centred and of unit spread."""
    yaw, pitch, shapes = _coarse_grid()
    best = _cheapest(yaw, pitch, shapes, seen)
    step = _COARSE_STEP
    for _ in range(_ZOOMS):
        step /= 3.0
        around = np.arange(-3, 4) * step
        yaw, pitch = (grid.ravel() for grid in np.meshgrid(best[0] + around, best[1] + around))
        best = _cheapest(yaw, pitch, _turn(keypoints_of(MEAN_HEAD_68), yaw, pitch), seen)
    return best


@cache
def _coarse_grid() -> tuple[_Angles, _Angles, _Points]:
    yaws = np.arange(-_YAW_RANGE, _YAW_RANGE + 1, _COARSE_STEP)
    pitches = np.arange(-_PITCH_RANGE, _PITCH_RANGE + 1, _COARSE_STEP)
    yaw, pitch = (grid.ravel() for grid in np.meshgrid(yaws, pitches))
    return yaw, pitch, _turn(keypoints_of(MEAN_HEAD_68), yaw, pitch)


def _cheapest(yaw: _Angles, pitch: _Angles, shapes: _Points, seen: _Points) -> tuple[float, float]:
    """The angles of the shape that fits best: what a similarity leaves over, and the price of turning."""
    model = (shapes - shapes.mean(axis=1, keepdims=True)) @ (1, 1j)
    explained = np.abs(model.conj() @ (seen @ (1, 1j))) ** 2 / (np.abs(model) ** 2).sum(axis=1)
    cost = (1.0 - explained) / _NOISE**2 + (yaw / _YAW_SPREAD) ** 2 + (pitch / _PITCH_SPREAD) ** 2
    best = int(np.argmin(cost))
    return float(yaw[best]), float(pitch[best])


def _drawn(face: _Points, back: npt.NDArray[np.float64], seen: _Points) -> _Points:
    """How far each landmark of the turned mean face is drawn by the keypoints it does not reach: (68, 2)."""
    own = keypoints_of(face)
    missed = transform(seen, back) - own
    pull = np.linalg.solve(_nearness(own, own) + _STIFFNESS * np.eye(5), missed)
    move = _nearness(face, own) @ pull
    length = np.linalg.norm(move, axis=1, keepdims=True)
    return np.asarray(move * np.minimum(1.0, _MOST_DRAW / np.maximum(length, 1e-12)))


def _nearness(points: _Points, centers: _Points) -> npt.NDArray[np.float64]:
    squared = ((points[:, None] - centers[None]) ** 2).sum(axis=-1)
    return np.asarray(np.exp(-squared / (2.0 * _REACH**2)))
