"""Light on faces evened out for the aligner, as Faceswap does; nobody else sees the changed pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from fspp_core.concurrency import batched, consecutive
from fspp_core.extraction.options import Normalization
from fspp_core.geometry.affine import untransform_each
from fspp_core.interfaces import Aligner, CropAligner
from fspp_core.types import Detection, FloatArray, Image

_CLIP, _TILES = 2.0, (4, 4)
_AROUND = 2.0  # side of a face's surroundings, in longer sides of its box
_PICTURES_AT_ONCE = 16  # bounds the crops in memory


def evened(aligner: Aligner, how: Normalization) -> Aligner:
    """The aligner, seeing faces in even light; a `CropAligner` where the given one is.

    Of a `CropAligner` the crops are evened out, exactly what it looks at. What another one looks at is not known: it
    gets each face as a picture of its own, the box's surroundings evened out, which end at twice the box's side.
    """
    if how == "none":
        return aligner
    return _EvenCrops(aligner, how) if isinstance(aligner, CropAligner) else _EvenSurroundings(aligner, how)


def even_out(picture: Image, how: Normalization) -> Image:
    """Even out the light of a picture, (height, width, 3) uint8; each channel is treated alone.

    Args:
        how: "clahe", contrast equalised in 4 x 4 tiles and limited to twice the even histogram; "hist", the histogram
            made even; "mean", values stretched to the whole range; "none".
    """
    if how == "none":
        return picture
    if how == "mean":
        low, high = picture.min(axis=(0, 1)).astype(np.float32), picture.max(axis=(0, 1)).astype(np.float32)
        gain = np.where(high > low, 255 / np.maximum(high - low, 1), 1)  # a flat channel stays as it is
        return np.rint((picture - np.where(high > low, low, 0)) * gain).astype(np.uint8)
    work = cv2.createCLAHE(_CLIP, _TILES).apply if how == "clahe" else cv2.equalizeHist
    return np.asarray(cv2.merge([work(channel) for channel in cv2.split(picture)]), np.uint8)


class _EvenCrops:
    """An aligner of crops that sees them evened out."""

    def __init__(self, aligner: CropAligner, how: Normalization) -> None:
        self._aligner, self._how = aligner, how
        self.landmarks_origin = aligner.landmarks_origin
        self.crop_size = aligner.crop_size

    def align(self, images: Sequence[Image], detections: Sequence[Sequence[Detection]]) -> list[FloatArray]:
        """As the aligner's own."""
        found: list[FloatArray] = []
        for part in batched(zip(images, detections, strict=True), _PICTURES_AT_ONCE):
            asked = [faces for _, faces in part]
            crops, matrices = self._aligner.cut([image for image, _ in part], asked)
            landmarks = untransform_each(self.align_crops(crops), matrices)
            found += [landmarks[of_picture] for of_picture in consecutive(map(len, asked))]
        return found

    def cut(
        self, images: Sequence[Image], detections: Sequence[Sequence[Detection]]
    ) -> tuple[Image, npt.NDArray[np.float64]]:
        """As the aligner's own; the crops are not evened out yet."""
        return self._aligner.cut(images, detections)

    def align_crops(self, crops: Image) -> FloatArray:
        """As the aligner's own."""
        even = np.empty_like(crops)
        for number, crop in enumerate(crops):
            even[number] = even_out(crop, self._how)
        return self._aligner.align_crops(even)


class _EvenSurroundings:
    """An aligner of pictures that sees each face's surroundings alone, evened out."""

    def __init__(self, aligner: Aligner, how: Normalization) -> None:
        self._aligner, self._how = aligner, how
        self.landmarks_origin = aligner.landmarks_origin

    def align(self, images: Sequence[Image], detections: Sequence[Sequence[Detection]]) -> list[FloatArray]:
        """As the aligner's own."""
        patches, moved, corners = [], [], []
        for image, face in _singly(images, detections):
            left, top, right, bottom = _surroundings(image, face.box)
            corner = np.array([left, top], np.float32)
            keypoints = None if face.keypoints is None else face.keypoints - corner
            moved.append([replace(face, box=face.box - np.tile(corner, 2), keypoints=keypoints)])
            patches.append(even_out(np.ascontiguousarray(image[top:bottom, left:right]), self._how))
            corners.append(corner)
        found = self._aligner.align(patches, moved)
        points = [inside + corner for inside, corner in zip(found, corners, strict=True)]
        landmarks = np.concatenate([np.empty((0, 68, 2), np.float32), *points])
        return [landmarks[part] for part in consecutive(map(len, detections))]


def _singly(images: Sequence[Image], detections: Sequence[Sequence[Detection]]) -> Iterator[tuple[Image, Detection]]:
    for image, faces in zip(images, detections, strict=True):
        for face in faces:
            yield image, face


def _surroundings(image: Image, box: FloatArray) -> tuple[int, int, int, int]:
    """Pixels left, top, right, bottom around a box; the whole picture where the box is none or lies outside it."""
    height, width = image.shape[:2]
    center, sides = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
    half = _AROUND / 2 * sides.max()
    bounds = np.concatenate([np.floor(center - half), np.ceil(center + half)])
    if np.isfinite(bounds).all() and sides.min() > 0:
        left, top, right, bottom = np.clip(bounds, 0, [width, height, width, height]).astype(int).tolist()
        if left < right and top < bottom:
            return left, top, right, bottom
    return 0, 0, width, height  # the aligner itself says what is wrong with the box, in the picture's pixels
