"""Boxes from the network's maps, and one box for each face: over a whole batch at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fspp_core.types import FloatArray

FIRST_STRIDE = 4
"""Pixels from one cell to the next at the finest scale; each coarser one has twice as many."""
_PRIOR = 4  # side of the box a cell stands for, in strides
_CENTER_VARIANCE, _SIZE_VARIANCE = 0.1, 0.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Boxes:
    """Boxes in a batch of pictures.

    Attributes:
        picture: (n,) index into the batch.
        corners: (n, 4) float32 left, top, right, bottom in the pixels of what the network saw; may reach outside it.
        scores: (n,) float32, 0..1.
    """

    picture: npt.NDArray[np.intp]
    corners: FloatArray
    scores: FloatArray

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, which: npt.NDArray[Any]) -> Boxes:
        return Boxes(picture=self.picture[which], corners=self.corners[which], scores=self.scores[which])


def decode(maps: Sequence[FloatArray], confidence: float) -> Boxes:
    """The boxes of all cells whose score is `confidence` or more.

    Args:
        maps: scores of background and face (n, rows, columns, 2) before softmax, and offsets (n, rows, columns, 4), in
            turn for each scale, finest first.

    Returns:
        By scale, picture, row and column.
    """
    parts = []
    for level, (logits, offsets) in enumerate(zip(maps[::2], maps[1::2], strict=True)):
        scores = face_scores(logits)
        picture, row, column = np.nonzero(scores >= confidence)
        priors = FIRST_STRIDE * 2**level * (np.stack([column, row], axis=1).astype(np.float32) + np.float32(0.5))
        corners = corners_of(priors, np.float32(_PRIOR * FIRST_STRIDE * 2**level), offsets[picture, row, column])
        parts.append(Boxes(picture=picture, corners=corners, scores=scores[picture, row, column]))
    return Boxes(
        picture=np.concatenate([part.picture for part in parts]),
        corners=np.concatenate([part.corners for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
    )


def face_scores(logits: FloatArray) -> FloatArray:
    """Softmax of (..., 2) background and face: the face's share (...)."""
    with np.errstate(over="ignore"):  # a score far below the other is 0, which is right
        scores: FloatArray = 1 / (1 + np.exp(logits[..., 0] - logits[..., 1]))
    return scores


def corners_of(centers: FloatArray, sides: FloatArray | np.float32, offsets: FloatArray) -> FloatArray:
    """Corners (n, 4) of the boxes that stand at offsets (n, 4) from priors with centres (n, 2) and sides.

    Args:
        sides: of the priors, one for all or (n, 2).
        offsets: of the centre in sides, and the logarithms of how many sides; both divided by their variances.
    """
    middle = centers + offsets[:, :2] * np.float32(_CENTER_VARIANCE) * sides
    half = sides * np.exp(offsets[:, 2:] * np.float32(_SIZE_VARIANCE)) / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def suppress(boxes: Boxes, threshold: float, *, vote: bool = False) -> Boxes:
    """One box for each face.

    The best box of each picture takes away those it shares more than `threshold` of their union with, then the best of
    what is left does, and so on. Areas count both border pixels, as in the authors' own code. A step is taken in all
    pictures together, so there are as many steps as the fullest picture has faces.

    Args:
        vote: give each box that took others away their mean, weighted by score.

    Returns:
        By picture and best first.
    """
    left = boxes[np.lexsort((-boxes.scores, boxes.picture))]
    corners = left.corners.astype(np.float64)
    areas = _areas(corners)
    waiting = np.arange(len(left))
    kept = []
    while len(waiting):
        first = np.flatnonzero(np.diff(left.picture[waiting], prepend=-1))
        kept.append(waiting[first])
        group = np.cumsum(np.bincount(first, minlength=len(waiting))) - 1
        best = waiting[first][group]
        taken = _overlap(left.corners[best], left.corners[waiting], areas[best], areas[waiting]) > threshold
        taken[first] = False
        if vote:
            _vote(corners, left, waiting[first], waiting[taken], group[taken])
        taken[first] = True
        waiting = waiting[~taken]
    voted = Boxes(picture=left.picture, corners=corners.astype(np.float32), scores=left.scores)
    return voted[np.sort(np.concatenate([np.zeros(0, np.intp), *kept]))]


def _areas(corners: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    areas: npt.NDArray[np.float64] = np.prod(corners[:, 2:] - corners[:, :2] + 1, axis=1)
    return areas


def _overlap(
    one: FloatArray, other: FloatArray, area: npt.NDArray[np.float64], other_area: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Shared area of boxes, row by row, as a share of their union."""
    sides = np.minimum(one[:, 2:], other[:, 2:]) - np.maximum(one[:, :2], other[:, :2]) + np.float64(1)
    shared = np.prod(np.maximum(sides, 0), axis=1)
    overlap: npt.NDArray[np.float64] = shared / (area + other_area - shared)
    return overlap


def _vote(
    corners: npt.NDArray[np.float64],
    boxes: Boxes,
    best: npt.NDArray[np.intp],
    taken: npt.NDArray[np.intp],
    group: npt.NDArray[np.intp],
) -> None:
    """Write the mean of the boxes `taken` into `corners` of the `best` box of their group."""
    if not len(taken):
        return
    weights = boxes.scores[taken].astype(np.float64)
    total = np.bincount(group, weights, len(best))
    voted = total > 0
    for side in range(4):
        sums = np.bincount(group, weights * boxes.corners[taken, side], len(best))
        corners[best[voted], side] = sums[voted] / total[voted]
