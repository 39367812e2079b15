"""The face, its eyes and its mouth as convex polygons over the 68 landmarks."""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from fspp_core.errors import ShapeError

_FACE_PARTS = (
    np.r_[0:9, 17],
    np.r_[8:17, 26],
    np.r_[17:20, 8],
    np.r_[24:27, 8],
    np.r_[19:25, 8],
    np.r_[17:22, 27, 31:36, 8],
    np.r_[22:27, 27, 31:36, 8],
    np.r_[27:31, 31:36],
)
_EYES = (np.r_[36:42], np.r_[42:48])
_MOUTH = np.r_[48:60]
_INNER_MOUTH = np.r_[60:68]

Polygon = npt.NDArray[Any]
Rounding = Literal["none", "deepfacelab", "faceswap"]
"""Whether polygons keep fractions of a pixel, or are rounded where and as a peer rounds them."""


def raise_brows(landmarks: npt.NDArray[Any], amount: float = 1.0, *, rounding: Rounding = "none") -> npt.NDArray[Any]:
    """Move the brows away from the eyes, so that a hull over them covers more of the forehead.

    Each brow point moves by `amount` / 2 of its distance from the eye's upper lid.

    Args:
        landmarks: (68, 2). Not modified.
        amount: 1 for Faceswap's `extended` mask and DeepFaceLab's default.
        rounding: how halves are taken: exactly; as whole pixels of whole landmarks ("deepfacelab"); as whole pixels of
            landmarks with fractions ("faceswap").

    Returns:
        (68, 2) float64; int64 for "deepfacelab".
    """
    points = _landmarks(landmarks)
    if rounding == "deepfacelab":
        points = points.astype(np.int64)
    whole = rounding != "none"
    left_lid = np.vstack([_half(points[36] + _half(points[36] + points[0], whole), whole), points[36:40]])
    right_lid = np.vstack([points[42:46], _half(points[45] + _half(points[16] + points[45], whole), whole)])
    move = amount * (points[17:27] - np.vstack([left_lid, right_lid]))
    raised = points.copy()
    raised[17:27] = points[17:27] + _half(move, rounding == "faceswap")
    return raised


def face_hulls(landmarks: npt.NDArray[Any], *, brows: float = 0.0, rounding: Rounding = "none") -> list[Polygon]:
    """The eight convex polygons whose union is the face from jaw to brows.

    Args:
        landmarks: (68, 2).
        brows: how far to raise the brows first, see `raise_brows`: 0 is Faceswap's `components` mask, 1 its `extended`.
        rounding: "none" keeps fractions of a pixel.

    Returns:
        (n, 2) each: float32, or int32 when rounded.
    """
    points = raise_brows(landmarks, brows, rounding=rounding) if brows else landmarks
    return _hulls(points, _FACE_PARTS, rounding)


def eye_hulls(landmarks: npt.NDArray[Any], *, rounding: Rounding = "none") -> list[Polygon]:
    """The convex polygons of both eyes, as `face_hulls` returns them."""
    return _hulls(landmarks, _EYES, rounding)


def mouth_hulls(landmarks: npt.NDArray[Any], *, inner: bool = False, rounding: Rounding = "none") -> list[Polygon]:
    """The convex polygon of the mouth with its lips, or of what lies between the lips (DeepFaceLab's mouth mask)."""
    return _hulls(landmarks, (_INNER_MOUTH if inner else _MOUTH,), rounding)


def _hulls(landmarks: npt.NDArray[Any], parts: tuple[npt.NDArray[Any], ...], rounding: Rounding) -> list[Polygon]:
    points = _landmarks(landmarks)
    if rounding == "deepfacelab":
        points = np.trunc(points)
    elif rounding == "faceswap":
        points = np.rint(points)
    corners = points.astype(np.float32 if rounding == "none" else np.int32)
    return [np.asarray(cv2.convexHull(corners[part]))[:, 0] for part in parts]


def _half(points: npt.NDArray[Any], whole: bool) -> npt.NDArray[Any]:
    return points // 2 if whole else points / 2


def _landmarks(landmarks: npt.NDArray[Any]) -> npt.NDArray[Any]:
    points = np.asarray(landmarks)
    if points.shape != (68, 2) or not np.isfinite(points).all():
        raise ShapeError(f"landmarks must be (68, 2) finite points; received shape {points.shape}")
    return points.astype(np.float64)
