"""Boxes from the network's maps, and one box for each face: over a whole batch at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from fspp_core.types import FloatArray

FIRST_STRIDE = 4
"""Pixels from one cell to the next at the finest scale; each coarser one has twice as many."""
_PRIOR = 4  # side of the box a cell stands for, in strides
_BLOCK = 64  # boxes whose overlaps with all others are known at once; bounds memory
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
    what is left does, and so on. Areas count both border pixels, as in the authors' own code.

    Args:
        vote: give each box that took others away their mean, weighted by score.

    Returns:
        By picture and best first.
    """
    boxes = boxes[np.lexsort((-boxes.scores, boxes.picture))]
    owner = np.arange(len(boxes))
    for start, stop in pairwise(np.flatnonzero(np.diff(boxes.picture, prepend=-1, append=-1))):
        owner[start:stop] = start + _owners(boxes.corners[start:stop].astype(np.float64), threshold)
    kept = owner == np.arange(len(boxes))
    if vote:
        boxes = replace(boxes, corners=_voted(boxes, owner))
    return boxes[kept]


def _owners(corners: npt.NDArray[np.float64], threshold: float) -> npt.NDArray[np.intp]:
    """For each box of a picture, best first, the box that takes it away, itself when none does; many at a time."""
    areas = np.prod(corners[:, 2:] - corners[:, :2] + 1, axis=1)
    owner = np.arange(len(corners))
    waiting = owner.copy()
    while len(waiting):
        best = waiting[:_BLOCK]
        shares = _overlap(corners[best], corners[waiting], areas[best], areas[waiting]) > threshold
        np.fill_diagonal(
            shares, True
        )  # waiting begins with best; a box without bounds shares nothing, even with itself
        among = np.triu(shares[:, : len(best)], 1)
        stays = ~among.any(axis=0)
        while not np.array_equal(stays, again := ~among[stays].any(axis=0)):  # right up to one more box each time
            stays = again
        takers = np.concatenate([shares[stays], np.ones((1, len(waiting)), bool)])
        first = takers.argmax(axis=0)
        owner[waiting] = np.append(best[stays], -1)[first]
        left = first == len(takers) - 1
        waiting = waiting[left]
    return owner


def _overlap(
    one: npt.NDArray[np.float64],
    other: npt.NDArray[np.float64],
    area: npt.NDArray[np.float64],
    other_area: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Shared area of each of `one` and each of `other`, as a share of their union."""
    width, height = (
        np.minimum(one[:, None, side + 2], other[None, :, side + 2])
        - np.maximum(one[:, None, side], other[None, :, side])
        + 1
        for side in (0, 1)
    )
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    overlap: npt.NDArray[np.float64] = shared / (area[:, None] + other_area[None] - shared)
    return overlap


def _voted(boxes: Boxes, owner: npt.NDArray[np.intp]) -> FloatArray:
    """Corners of all boxes; those that took others away get the mean of these, weighted by score."""
    taken = owner != np.arange(len(boxes))
    weights = boxes.scores[taken].astype(np.float64)
    sums = np.zeros((len(boxes), 5))
    np.add.at(sums, owner[taken], np.column_stack([boxes.corners[taken] * weights[:, None], weights]))
    has = sums[:, 4] > 0
    corners = boxes.corners.copy()
    corners[has] = sums[has, :4] / sums[has, 4:]
    return corners
