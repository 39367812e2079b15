"""The 68 landmarks: their mean, their mirror image, and how to come to them from 98."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from fspp_core.errors import ShapeError
from fspp_core.geometry.affine import similarity, transform
from fspp_core.geometry.tables import FS_MEAN_51, HEAD_68

Points = TypeVar("Points", bound=npt.NDArray[Any])

MIRROR_68 = np.r_[
    16:-1:-1,  # jaw
    26:16:-1,  # brows
    27:31,  # bridge
    35:30:-1,  # nostrils
    45:41:-1, 47:45:-1, 39:35:-1, 41:39:-1,  # eyes
    54:47:-1, 59:54:-1,  # outer lips
    64:59:-1, 67:64:-1,  # inner lips
]  # fmt: skip
"""Which landmark takes each one's place when the picture is mirrored."""

_WFLW_EYES = np.r_[60, 61, 63, 64, 65, 67, 68, 69, 71, 72, 73, 75]


def mirror(landmarks: Points, width: float) -> Points:
    """Landmarks of the picture mirrored left to right.

    Args:
        landmarks: (..., 68, 2), in pixels of a picture `width` wide, whose last column has x = width - 1.
    """
    swapped = landmarks[..., MIRROR_68, :].copy()
    swapped[..., 0] = width - 1 - swapped[..., 0]
    return cast("Points", swapped)


def landmarks_68_from_98(landmarks: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Landmarks of the WFLW order as iBUG-68: jaw points averaged with their neighbours, doubled brow lines averaged.

    Args:
        landmarks: (98, 2).

    Returns:
        (68, 2) float64.
    """
    points = np.asarray(landmarks, np.float64)
    if points.shape != (98, 2):
        raise ShapeError(f"landmarks must be (98, 2); received shape {points.shape}")
    jaw = points[0:33:2].copy()
    jaw[1:-1] = (jaw[1:-1] + (points[1:31:2] + points[3:33:2]) / 2) / 2
    jaw[8] = points[16]  # the chin stays where it is
    left_brow = np.vstack([points[33], (points[34:38] + points[41:37:-1]) / 2])
    right_brow = np.vstack([(points[42:46] + points[50:46:-1]) / 2, points[46]])
    return np.vstack([jaw, left_brow, right_brow, points[51:60], points[_WFLW_EYES], points[76:96]])


def _mean_head() -> npt.NDArray[np.float64]:
    """The mean face in the unit square given the depth, and the jaw, of a generic head."""
    to_mean = similarity(HEAD_68[17:, :2], FS_MEAN_51)
    flat = np.vstack([transform(HEAD_68[:17, :2], to_mean), FS_MEAN_51])
    depth = (HEAD_68[:, 2] - HEAD_68[17:, 2].mean()) * np.hypot(*to_mean[:, 0])
    head = np.column_stack([flat, depth])
    mirrored = head[MIRROR_68] * (-1, 1, 1) + (1, 0, 0)  # about the middle of the face, x = 0.5
    head = (head + mirrored) / 2
    head.setflags(write=False)
    return head


MEAN_HEAD_68 = _mean_head()
"""The mean head, (68, 3): x and y those of the mean face in the unit square, z away from the viewer, symmetric."""
MEAN_FACE_68 = MEAN_HEAD_68[:, :2]
"""The mean face, (68, 2) in the unit square that spans brows and mouth; the jaw reaches beyond."""
