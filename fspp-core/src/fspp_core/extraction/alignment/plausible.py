"""The check that landmarks of a second pass must pass to take the place of the first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fspp_core.geometry.tables import FS_MEAN_51
from fspp_core.types import FloatArray

MOST_UNLIKE = 0.15
"""Mean absolute difference from the mean face, in its sides: turned aside by 80 degrees it is 0.13, of points strewn
about at random 0.22."""
MOST_MOVED = 0.25
"""Mean way from the first pass to the second, in sides of the mean face laid over the first."""


def better(first: FloatArray, second: FloatArray) -> npt.NDArray[np.bool_]:
    """Which faces are to have the landmarks of the second pass.

    They must be finite; no less like the mean face than `MOST_UNLIKE`, or than those of the first pass where these
    are worse; show the mouth below eyes and brows on the upright face; and lie within `MOST_MOVED` of the first.

    Args:
        first: (n, 68, 2) in the picture's pixels.
        second: likewise; NaN where there is none.

    Returns:
        (n,).
    """
    finite: npt.NDArray[np.bool_] = np.isfinite(np.concatenate([first, second], axis=1)).all(axis=(1, 2))
    first, second = (np.where(finite[:, None, None], points, np.float32(0)) for points in (first, second))
    upright_first, scale = _upright(first)
    upright, _ = _upright(second)
    like = _unlikeness(upright) <= np.maximum(MOST_UNLIKE, _unlikeness(upright_first))
    y = upright.imag
    shaped = y[:, 48:].min(axis=1) > np.maximum(y[:, 17:27].max(axis=1), y[:, 36:48].max(axis=1))
    moved = np.linalg.norm(second - first, axis=2).mean(axis=1) * scale
    return np.asarray(finite & like & shaped & (moved <= MOST_MOVED))


_MEAN = FS_MEAN_51 @ (1, 1j)


def _upright(landmarks: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.complex128], npt.NDArray[np.float64]]:
    """Landmarks laid over the mean face, x + iy (n, 68), and its sides in a pixel (n,): `geometry.similarity` of each.

    In the complex plane a similarity is one factor and one sum.
    """
    points = landmarks.astype(np.float64) @ (1, 1j)
    points -= points[:, 17:].mean(axis=1, keepdims=True)
    spread = (np.abs(points[:, 17:]) ** 2).sum(axis=1)
    factor = points[:, 17:].conj() @ (_MEAN - _MEAN.mean()) / np.where(spread > 0, spread, np.inf)
    return points * factor[:, None] + _MEAN.mean(), np.abs(factor)


def _unlikeness(upright: npt.NDArray[np.complex128]) -> npt.NDArray[np.float64]:
    """`geometry.mean_distance` of each."""
    apart = upright[:, 17:] - _MEAN
    return np.asarray((np.abs(apart.real) + np.abs(apart.imag)).mean(axis=1) / 2)
