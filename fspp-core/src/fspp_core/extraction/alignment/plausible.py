"""The check that landmarks of a second pass must pass to take the place of the first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fspp_core.errors import ShapeError
from fspp_core.geometry import mean_distance, mouth_below_eyes, scale_of
from fspp_core.geometry.faceswap import faceswap_unit_matrix
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
    return np.array([_better(*face) for face in zip(first, second, strict=True)], bool)


def _better(first: FloatArray, second: FloatArray) -> bool:
    try:
        like = mean_distance(second) <= max(MOST_UNLIKE, mean_distance(first))
        moved = np.linalg.norm(second - first, axis=1).mean() * scale_of(faceswap_unit_matrix(first))
        return bool(like and mouth_below_eyes(second) > 0 and moved <= MOST_MOVED)
    except ShapeError:  # not finite, or all at one place
        return False
