"""Follow one face from picture to picture: optical flow of its corners, and how much it still looks like itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fspp_core import geometry
from fspp_core.types import Detection, FloatArray, Image, Matrix

_FACE = 64  # longer side of the box in the patch that is compared: cost and error are the same for any footage
_PATCH = 2 * _FACE  # what is around it is how far the face may move from one picture to the next
_CORNERS, _FEWEST = 50, 8
_ASTRAY = 1.0  # patch pixels by which flow there and back may miss its start
_ROUNDS = 2  # of flow: the second has little way to go, and is exact
_WINDOW = {
    "winSize": (15, 15),
    "maxLevel": 3,
    "criteria": (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 0.03),
}
_REFITS = 3
_LEAST_SCALE = 0.2  # a face does not shrink faster: all corners have run to one place
_SIDE = np.arange(_PATCH, dtype=np.float64)
_OUTERMOST = np.array([(x, y) for x in (0, _PATCH - 1) for y in (0, _PATCH - 1)], np.float64)
_EVERYWHERE = np.ones((_PATCH, _PATCH), bool)

Levels = tuple[Image, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Follower:
    """A face as it was found, and where it has gone since.

    Attributes:
        detection: the face in the picture in which it was found.
        patch: (side, side) uint8 grey, that face with what is around it.
        inside: (side, side) bool, the pixels of `patch` that show the face.
        matrix: (2, 3) float64, that picture -> `patch`.
        corners: (n, 1, 2) float32, in `patch`, what the flow follows.
        moved: (2, 3) float64, that picture -> the last one seen; a similarity.
        score: how much the face there looks like the first, as the correlation -1..1 of their grey values; -1 when
            it was lost.
    """

    detection: Detection
    patch: Image
    inside: npt.NDArray[np.bool_]
    matrix: Matrix
    corners: FloatArray
    moved: Matrix
    score: float = 1.0

    @classmethod
    def of(cls, levels: Levels, detection: Detection) -> Follower:
        """A face to follow from here on, in the picture that `levels_of` made `levels` of."""
        box = detection.box.astype(np.float64)
        sides = np.maximum(box[2:] - box[:2], 1e-3)
        scale = _FACE / sides.max()
        middle = (_PATCH - 1) / 2
        matrix = np.column_stack([np.eye(2) * scale, middle - scale * (box[:2] + box[2:]) / 2])
        patch = _patch(levels, matrix)
        radii = sides * scale / 2
        x, y = ((_SIDE - middle) / radius for radius in radii)
        inside = (x**2 + (y**2)[:, None] <= 1) & _shown(levels, matrix)
        corners = cv2.goodFeaturesToTrack(patch, _CORNERS, 0.01, 3, mask=inside.astype(np.uint8))
        return cls(
            detection=detection,
            patch=patch,
            inside=inside,
            matrix=matrix,
            corners=np.zeros((0, 1, 2), np.float32) if corners is None else corners,
            moved=np.eye(2, 3),
        )

    def follow(self, levels: Levels) -> Follower:
        """The same face in the next picture, of the size of the one before; where it is lost, with score -1."""
        lost = replace(self, score=-1.0)
        now = geometry.compose(self.matrix, geometry.invert(self.moved))
        for _ in range(_ROUNDS):
            step = self._flow(_patch(levels, now), _shown(levels, now))
            if step is None:
                return lost
            now = geometry.compose(geometry.invert(step), now)
        shown = self.inside & _shown(levels, now)
        moved = geometry.compose(geometry.invert(now), self.matrix)
        height, width = levels[0].shape
        middle = geometry.transform(self.detection.box.reshape(2, 2).mean(axis=0), moved)
        if 2 * shown.sum() < self.inside.sum() or not ((middle > 0) & (middle < (width, height))).all():
            return lost  # it has left the picture
        return replace(self, moved=moved, score=_correlation(self.patch[shown], _patch(levels, now)[shown]))

    def found(self, levels: Levels) -> Detection:
        """The face where it was followed to; its box is as upright as the first was, clipped to the picture."""
        first, (height, width) = self.detection, levels[0].shape
        box = first.box.astype(np.float64)
        middle = geometry.transform((box[:2] + box[2:]) / 2, self.moved)
        half = (box[2:] - box[:2]) / 2 * geometry.scale_of(self.moved)
        return Detection(
            box=geometry.clip_boxes(np.concatenate([middle - half, middle + half]), width, height),
            score=first.score,
            keypoints=None if first.keypoints is None else geometry.transform(first.keypoints, self.moved),
        )

    def _lit_alike(self, patch: Image) -> Image:
        """A patch with the brightness and contrast that the face had, which flow takes for granted."""
        now, then = (cv2.meanStdDev(picture, mask=self.inside.astype(np.uint8)) for picture in (patch, self.patch))
        (mean, spread), (wanted, contrast) = (np.ravel(values) for values in (now, then))
        factor = contrast / max(spread, 1.0)
        return np.asarray(cv2.addWeighted(patch, factor, patch, 0.0, wanted - factor * mean), np.uint8)

    def _flow(self, patch: Image, shown: npt.NDArray[np.bool_]) -> Matrix | None:
        """How the face lies in a patch, as a similarity from `self.patch`; None where too few corners are found."""
        if len(self.corners) < _FEWEST:
            return None
        patch = self._lit_alike(patch)
        there, found, _ = cv2.calcOpticalFlowPyrLK(self.patch, patch, self.corners, None, **_WINDOW)  # type: ignore[call-overload]
        back, again, _ = cv2.calcOpticalFlowPyrLK(patch, self.patch, there, None, **_WINDOW)  # type: ignore[call-overload]
        astray = np.linalg.norm(back - self.corners, axis=2)
        pixels = np.clip(np.rint(there[:, 0]), 0, _PATCH - 1).astype(np.intp)
        good = (found & again).astype(bool)[:, 0] & (astray[:, 0] <= _ASTRAY) & shown[pixels[:, 1], pixels[:, 0]]
        if good.sum() < max(_FEWEST, len(self.corners) // 4):
            return None
        return _agreed(self.corners[good, 0], there[good, 0])


def levels_of(image: Image) -> Levels:
    """A (height, width, 3) uint8 BGR picture in grey, and in half the size as often as that leaves something."""
    levels = [np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)]
    while min(levels[-1].shape) >= 2 * _FACE:
        height, width = (side // 2 for side in levels[-1].shape)
        even = levels[-1][: 2 * height, : 2 * width]
        levels.append(np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8))
    return tuple(levels)


def _patch(levels: Levels, matrix: Matrix) -> Image:
    """What `matrix` takes to the patch, drawn from the level that comes nearest to it from above."""
    level = min(int(max(0.0, -np.log2(geometry.scale_of(matrix)))), len(levels) - 1)
    size = 2.0**level
    to_picture = np.array([[size, 0, (size - 1) / 2], [0, size, (size - 1) / 2]])  # middles of the larger pixels
    drawn = geometry.compose(matrix, to_picture)
    return geometry.warp(levels[level], drawn, _PATCH, interpolation="linear", border="replicate")


def _shown(levels: Levels, matrix: Matrix) -> npt.NDArray[np.bool_]:
    """Which pixels of a patch, (side, side), lie in the picture."""
    height, width = levels[0].shape
    back, last = geometry.invert(matrix), (width - 1, height - 1)
    corners = geometry.transform(_OUTERMOST, back)
    if (corners >= 0).all() and (corners <= last).all():
        return _EVERYWHERE
    (a, b, left), (c, d, top) = back
    x, y = a * _SIDE + (b * _SIDE + left)[:, None], c * _SIDE + (d * _SIDE + top)[:, None]
    return np.asarray((x >= 0) & (x <= last[0]) & (y >= 0) & (y <= last[1]))


def _agreed(source: FloatArray, target: FloatArray) -> Matrix | None:
    """The similarity that most points agree on, fitted anew without those that are far off; None for too few."""
    matrix = geometry.similarity(source, target)
    for _ in range(_REFITS):
        off = np.linalg.norm(geometry.transform(source, matrix) - target, axis=1)
        near = off <= max(2.5 * float(np.median(off)), 0.1)
        if near.sum() < _FEWEST:
            return None
        matrix = geometry.similarity(source[near], target[near])
    return matrix if geometry.scale_of(matrix) > _LEAST_SCALE else None


def _correlation(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> float:
    """Of grey values, whatever their brightness and contrast; 0 where one is flat."""
    a, b = (values.astype(np.float64) - values.mean() for values in (first, second))
    spread = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / spread if spread else 0.0
