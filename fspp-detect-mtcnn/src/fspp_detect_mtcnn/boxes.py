"""Arithmetic of the cascade on proposals: boxes, their scores, and the picture of the batch each lies in."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from fspp_core.types import Image

_GREY = (127.5, 127.5, 127.5)  # what the networks see as nothing
_BLOCK = 256

Patches = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Proposals:
    """Boxes that may be faces, in a batch of pictures.

    Attributes:
        picture: (n,) index into the batch.
        boxes: (n, 4) float32 left, top, right, bottom in the picture's pixels; may reach outside it.
        scores: (n,) float32, 0..1.
        keypoints: (n, 5, 2) float32 in the picture's pixels; zeros until the last network has given them.
    """

    picture: npt.NDArray[np.intp]
    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    keypoints: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, which: npt.NDArray[Any]) -> Proposals:
        return Proposals(
            picture=self.picture[which],
            boxes=self.boxes[which],
            scores=self.scores[which],
            keypoints=self.keypoints[which],
        )

    @classmethod
    def joined(cls, parts: list[Proposals]) -> Proposals:
        """All of them, in order."""
        return cls(
            picture=np.concatenate([np.zeros(0, np.intp), *(p.picture for p in parts)]),
            boxes=np.concatenate([np.zeros((0, 4), np.float32), *(p.boxes for p in parts)]),
            scores=np.concatenate([np.zeros(0, np.float32), *(p.scores for p in parts)]),
            keypoints=np.concatenate([np.zeros((0, 5, 2), np.float32), *(p.keypoints for p in parts)]),
        )


def suppress(proposals: Proposals, threshold: float, share_of: Literal["union", "smaller"] = "union") -> Proposals:
    """Non-maximum suppression within each picture, all boxes at once.

    Args:
        threshold: a box goes when it shares more than this with a better one, whether or not that one stays.
        share_of: what the shared area is measured against: both boxes together, or the smaller of the two.

    Returns:
        What stays, by picture and best first.
    """
    proposals = proposals[np.lexsort((-proposals.scores, proposals.picture))]
    stays = np.ones(len(proposals), bool)
    edges = np.flatnonzero(np.diff(proposals.picture, prepend=-1, append=-1))
    for start, stop in pairwise(edges):
        stays[start:stop] = ~_covered(proposals.boxes[start:stop], threshold, share_of)
    return proposals[stays]


def _covered(boxes: npt.NDArray[np.float32], threshold: float, share_of: str) -> npt.NDArray[np.bool_]:
    """Which of the boxes, best first, a better one covers; in blocks, so that memory grows with their number only."""
    boxes = boxes.astype(np.float64)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    covered = np.zeros(len(boxes), bool)
    for first in range(0, len(boxes), _BLOCK):
        block = slice(first, min(first + _BLOCK, len(boxes)))
        better = slice(0, block.stop)
        left, top = (np.maximum(boxes[block, None, side], boxes[None, better, side]) for side in (0, 1))
        right, bottom = (np.minimum(boxes[block, None, side], boxes[None, better, side]) for side in (2, 3))
        shared = np.maximum(right - left, 0) * np.maximum(bottom - top, 0)
        if share_of == "union":
            whole = areas[block, None] + areas[None, better] - shared
        else:
            whole = np.minimum(areas[block, None], areas[None, better])
        covered[block] = np.tril(shared > threshold * whole, first - 1).any(axis=1)
    return covered


def squared(boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Squares of the longer sides, around the same centres."""
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.concatenate([centers - half, centers + half], axis=1)


def moved(boxes: npt.NDArray[np.float32], offsets: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Boxes with each edge moved by its offset, in sides of the box. The networks count both border pixels."""
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    return boxes + offsets * np.tile(sides, 2)


def patches(pictures: list[Image], picture: npt.NDArray[np.intp], boxes: npt.NDArray[np.float32], side: int) -> Patches:
    """What lies in each box of its picture, (n, side, side, 3) float32 0..255; grey outside the picture.

    Sampled between the centres of the picture's first and last pixels and without smoothing, as the weights know it.
    """
    found = np.empty((len(boxes), side, side, 3), np.float32)
    for index in np.unique(picture):
        image = pictures[index].astype(np.float32)
        height, width = image.shape[:2]
        shrink = np.array([width - 1, height - 1], np.float64) / (width, height)
        for number in np.flatnonzero(picture == index):
            corner, end = boxes[number].astype(np.float64).reshape(2, 2) * shrink
            (step_x, step_y) = (end - corner) / (side - 1)
            found[number] = cv2.warpAffine(
                image,
                np.array([[step_x, 0, corner[0]], [0, step_y, corner[1]]]),
                (side, side),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=_GREY,
            )
    return found
