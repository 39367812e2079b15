"""The cascade over a batch of frames: boxes proposed on a pyramid, refined, decided on and given keypoints."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import keras
import numpy as np
import numpy.typing as npt

from fspp_core.errors import ShapeError
from fspp_core.types import Detection, Image
from fspp_detect_mtcnn.boxes import Patches, Proposals, moved, patches, squared, suppress
from fspp_detect_mtcnn.networks import (
    OUTPUT_SIDE,
    PROPOSAL_CELL,
    PROPOSAL_STRIDE,
    REFINE_SIDE,
    output_network,
    proposal_network,
    refine_network,
)
from fspp_detect_mtcnn.options import MTCNNOptions

# Overlaps above which the weaker of two boxes goes, as in the authors' own code.
_SAME_IN_LEVEL, _SAME = 0.5, 0.7
_PIXELS_AT_ONCE = 4_000_000  # bounds the memory of the pyramids and the first network, whatever the footage
_BUCKETS = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256)  # batch sizes of the others: few shapes, few compilations


class MTCNNDetector:
    """Multi-task cascaded convolutional networks, Zhang et al. 2016 (arXiv:1604.02878).

    Args:
        options: what to look for.

    Raises:
        PluginError: when the weights in the `mtcnn` package are missing or not the known ones.
    """

    def __init__(self, options: MTCNNOptions) -> None:
        self._options = options
        self._propose = proposal_network()
        self._refine = refine_network()
        self._output = output_network()

    def detect(self, images: Sequence[Image]) -> list[list[Detection]]:
        """Find the faces of each picture; see `fspp_core.interfaces.Detector`. Every face has keypoints."""
        if not len(images):
            return []
        _check(images)
        pictures = [np.ascontiguousarray(image) for image in images]
        proposals = self._proposed(pictures)
        proposals = self._refined(pictures, proposals)
        proposals = self._decided(pictures, proposals)
        return _detections(proposals, pictures)

    def _proposed(self, pictures: list[Image]) -> Proposals:
        """Boxes from every level of the pyramids; few pictures at once when they are large."""
        height, width = pictures[0].shape[:2]
        levels = self._levels(width, height)
        at_once = max(1, _PIXELS_AT_ONCE // (width * height))
        found = []
        for first in range(0, len(pictures), at_once):
            part = [picture.astype(np.float32) for picture in pictures[first : first + at_once]]
            of_part = []
            for scale, size in levels:
                level = np.stack([cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in part])
                of_part.append(suppress(self._windows(level, first, scale), _SAME_IN_LEVEL))
            found.append(suppress(Proposals.joined(of_part), _SAME))
        return Proposals.joined(found)

    def _levels(self, width: int, height: int) -> list[tuple[float, tuple[int, int]]]:
        """Scale and (width, height) of each level that still holds a window."""
        levels = []
        scale = PROPOSAL_CELL / self._options.min_face
        while min(size := (int(width * scale), int(height * scale))) >= PROPOSAL_CELL:
            levels.append((scale, size))
            scale *= self._options.scale_factor
        return levels

    def _windows(self, level: Patches, first: int, scale: float) -> Proposals:
        """The windows of one pyramid level, (n, height, width, 3), that may be faces; `first` is its first picture."""
        offsets, scores = self._propose.predict_on_batch(level)
        scores = scores[..., 1]
        picture, row, column = np.nonzero(scores > self._options.proposal_threshold)
        corner = np.stack([column, row], axis=1).astype(np.float32) * PROPOSAL_STRIDE
        windows = np.concatenate([corner + 1, corner + PROPOSAL_CELL], axis=1)
        boxes = windows + offsets[picture, row, column] * (PROPOSAL_CELL - 1)
        return Proposals(
            picture=picture + first,
            boxes=(boxes / scale).astype(np.float32),
            scores=scores[picture, row, column],
            keypoints=np.zeros((len(boxes), 5, 2), np.float32),
        )

    def _refined(self, pictures: list[Image], proposals: Proposals) -> Proposals:
        boxes = squared(proposals.boxes)
        offsets, scores = _run(self._refine, pictures, proposals.picture, boxes, REFINE_SIDE)
        better = Proposals(
            picture=proposals.picture, boxes=moved(boxes, offsets), scores=scores, keypoints=proposals.keypoints
        )
        return suppress(better[scores > self._options.refine_threshold], _SAME)

    def _decided(self, pictures: list[Image], proposals: Proposals) -> Proposals:
        boxes = squared(proposals.boxes)
        offsets, points, scores = _run(self._output, pictures, proposals.picture, boxes, OUTPUT_SIDE)
        sides = boxes[:, None, 2:] - boxes[:, None, :2] + 1
        keypoints = points.reshape(-1, 2, 5).transpose(0, 2, 1) * sides + boxes[:, None, :2] - 1
        faces = Proposals(picture=proposals.picture, boxes=moved(boxes, offsets), scores=scores, keypoints=keypoints)
        return suppress(faces[scores > self._options.output_threshold], _SAME, "smaller")


def _run(
    network: keras.Model,
    pictures: list[Image],
    picture: npt.NDArray[np.intp],
    boxes: npt.NDArray[np.float32],
    side: int,
) -> list[npt.NDArray[np.float32]]:
    """Outputs of a network for the contents of boxes, face scores last; in batches of few different sizes."""
    answers = []
    for first in range(0, max(1, len(boxes)), _BUCKETS[-1]):
        part = slice(first, first + _BUCKETS[-1])
        crops = patches(pictures, picture[part], boxes[part], side)
        bucket = next(size for size in _BUCKETS if size >= len(crops))
        padded = np.concatenate([crops, np.zeros((bucket - len(crops), side, side, 3), np.float32)])
        answers.append([answer[: len(crops)] for answer in network.predict_on_batch(padded)])
    *values, scores = (np.concatenate(parts) for parts in zip(*answers, strict=True))
    return [*values, scores[:, 1]]


def _detections(faces: Proposals, pictures: list[Image]) -> list[list[Detection]]:
    """By picture, best first; a box of which nothing lies in the picture is no detection."""
    height, width = pictures[0].shape[:2]
    boxes = np.clip(faces.boxes, 0, np.array([width, height, width, height], np.float32))
    found: list[list[Detection]] = [[] for _ in pictures]
    for picture, box, score, keypoints in zip(faces.picture, boxes, faces.scores, faces.keypoints, strict=True):
        if box[0] < box[2] and box[1] < box[3]:
            found[picture].append(Detection(box=box, score=float(score), keypoints=keypoints))
    return found


def _check(images: Sequence[Image]) -> None:
    for number, image in enumerate(images):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise ShapeError(
                f"detector mtcnn: picture {number} must be (height, width, 3) uint8 BGR; "
                f"received {image.shape} {image.dtype}"
            )
        if image.shape != images[0].shape:
            raise ShapeError(
                f"detector mtcnn: pictures of one batch must be of one size; picture {number} is {image.shape[1]}x"
                f"{image.shape[0]}, the first {images[0].shape[1]}x{images[0].shape[0]}"
            )
