"""One face ready for training: its picture, where the training crop lies in it, and its mask."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from fspp_core import geometry
from fspp_core.training.augment import Draw, recolor, transform_matrix, warp_map
from fspp_core.types import FloatArray, Image, Mask, Matrix

_KEPT_SCALE = 0.4  # pictures are halved until a pixel is at least this much of one of the crop: memory and time
_SAMPLED_SCALE = 0.49  # and down to this where single samples are taken, which would skip pixels


@dataclass(frozen=True, slots=True, eq=False)
class CropPlan:
    """What crop the model sees.

    Attributes:
        face_type: a name from `geometry.FACE_TYPES`.
        input_size: side of the model's input in pixels.
        output_size: side of the model's output in pixels.
    """

    face_type: str
    input_size: int
    output_size: int

    @property
    def largest(self) -> int:
        """The larger of both sides."""
        return max(self.input_size, self.output_size)


@dataclass(frozen=True, slots=True, eq=False)
class TrainingFace:
    """A face in memory.

    Attributes:
        image: (h, w, 3) uint8 BGR, as stored or halved until it is not much finer than the crop.
        to_input: (2, 3) float64, `image` -> crop of the input size.
        to_output: (2, 3) float64, `image` -> crop of the output size.
        mask: (h, w) uint8, 255 = face, or None where no mask is used.
        mask_to_output: (2, 3) float64, `mask` -> crop of the output size.
    """

    image: Image
    to_input: Matrix
    to_output: Matrix
    mask: Image | None
    mask_to_output: Matrix | None

    @property
    def nbytes(self) -> int:
        """Memory of the pixels."""
        return self.image.nbytes + (0 if self.mask is None else self.mask.nbytes)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What one face gives to a batch.

    Attributes:
        input: (input_size, input_size, 3) uint8 BGR, warped.
        output: (output_size, output_size, 3) uint8 BGR, not warped.
        mask: (output_size, output_size) uint8, or None.
    """

    input: Image
    output: Image
    mask: Image | None


def training_face(
    image: Image, matrix: Matrix, landmarks: np.ndarray, mask: Mask | None, plan: CropPlan
) -> TrainingFace:
    """Lay the training crop over a picture of a face.

    Args:
        image: (h, w, 3) uint8 BGR.
        matrix: (2, 3), frame -> `image`.
        landmarks: (68, 2) in frame pixels.
        mask: in frame coordinates, or None.
    """
    to_frame = geometry.invert(matrix)
    to_input, to_output = (
        geometry.compose(geometry.crop_matrix(landmarks, plan.face_type, size), to_frame)
        for size in (plan.input_size, plan.output_size)
    )
    finer = to_output if plan.output_size >= plan.input_size else to_input
    image, shrink = shrunk(image, finer)
    back = geometry.invert(shrink)
    to_input, to_output = geometry.compose(to_input, back), geometry.compose(to_output, back)
    if mask is None:
        return TrainingFace(image, to_input, to_output, None, None)
    frame_to_output = geometry.crop_matrix(landmarks, plan.face_type, plan.output_size)
    return TrainingFace(
        image, to_input, to_output, mask.image, geometry.compose(frame_to_output, geometry.invert(mask.matrix))
    )


def shrunk(image: Image, to_crop: Matrix, smallest: float = _KEPT_SCALE) -> tuple[Image, Matrix]:
    """Halve a picture, averaging, while its pixels are smaller than `smallest` of those of the crop taken from it.

    Returns:
        The picture, `image` itself when it is not too fine, and (2, 3) from `image` to it.
    """
    scale = geometry.scale_of(to_crop)
    matrix = np.eye(2, 3)
    while scale < smallest and min(image.shape[:2]) >= 4:
        height, width = image.shape[0] // 2, image.shape[1] // 2
        image = np.asarray(
            cv2.resize(image[: height * 2, : width * 2], (width, height), interpolation=cv2.INTER_AREA), np.uint8
        )
        matrix = geometry.compose(np.array([[0.5, 0, -0.25], [0, 0.5, -0.25]]), matrix)
        scale *= 2
    return image, matrix


def augmented(face: TrainingFace, plan: CropPlan, change: Draw) -> Sample:
    """Sample a face under a random change; every pixel is interpolated once."""
    image = recolor(face.image, change)
    transform = transform_matrix(change, plan.output_size)
    to_input = geometry.compose(_resized(transform, plan.input_size / plan.output_size), face.to_input)
    mask = None
    if face.mask is not None and face.mask_to_output is not None:
        mask = _cut_mask(face.mask, geometry.compose(transform, face.mask_to_output), plan.output_size)
    return Sample(
        _cut_warped(image, to_input, warp_map(change, plan.input_size)),
        _cut(image, geometry.compose(transform, face.to_output), plan.output_size),
        mask,
    )


def plain(face: TrainingFace, size: int, matrix: Matrix) -> Image:
    """(size, size, 3) uint8 BGR: the unchanged crop, for previews; `matrix` is one of the face's."""
    return _cut(face.image, matrix, size)


def _resized(transform: Matrix, scale: float) -> Matrix:
    """The same transform for a crop whose pixels are counted `scale` times as finely."""
    return np.column_stack([transform[:, :2], transform[:, 2] * scale])


def _cut_warped(image: Image, matrix: Matrix, places: FloatArray) -> Image:
    image, matrix = _prepared(image, matrix, _SAMPLED_SCALE)
    look_up = geometry.invert(matrix)
    crop = cv2.remap(image, cv2.transform(places, look_up), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop, np.uint8)


def _cut(image: Image, matrix: Matrix, size: int) -> Image:
    """A sharp crop that repeats the picture's edges."""
    return geometry.warp(*_prepared(image, matrix), size, border="replicate")


def _cut_mask(mask: Image, matrix: Matrix, size: int) -> Image:
    """A soft crop that is 0 outside the mask's picture."""
    return geometry.warp(*_prepared(mask, matrix, _SAMPLED_SCALE), size, interpolation="linear")


def _prepared(image: Image, matrix: Matrix, smallest: float = _KEPT_SCALE) -> tuple[Image, Matrix]:
    """The same crop of a picture that is not much finer than it."""
    image, shrink = shrunk(image, matrix, smallest)
    return image, geometry.compose(matrix, geometry.invert(shrink))
