"""One face on its way through a conversion: cut out for the network, and made into a patch for its frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from fspp_core.conversion.mask_shape import MaskShape
from fspp_core.conversion.paste import Patch
from fspp_core.errors import AlignmentsError, ShapeError
from fspp_core.geometry import compose, crop_matrix, invert, scale_of, transform, warp
from fspp_core.interfaces import ColorTransfer, Masker
from fspp_core.media.color import to_order
from fspp_core.types import DeepImage, Face, FloatArray, Frame, Image, Mask, Matrix

T = TypeVar("T")

MASK_SIZE = 256
"""Least side, in pixels, at which masks are shaped, so that their edges stay smooth on large faces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How every face of a conversion is treated.

    Attributes:
        face_type: crop the model works on, a name from `geometry.FACE_TYPES`.
        input_size: side of the model's input in pixels.
        output_size: side of its output.
        channel_order: the model's, "bgr" or "rgb".
        mask: name of a stored mask, or "learned" or "none".
        masker: makes the mask where none of that name is stored; None when all are, and for "learned" and "none".
        color: None leaves the colours alone.
        shape: what is done to masks.
        opacity: factor on the mask, 0..1.
    """

    face_type: str
    input_size: int
    output_size: int
    channel_order: str
    mask: str
    masker: Masker | None
    color: ColorTransfer | None
    shape: MaskShape
    opacity: float

    @property
    def mask_size(self) -> int:
        """Side at which masks are shaped."""
        return max(MASK_SIZE, self.output_size)


@dataclass(slots=True, eq=False)
class FaceJob:
    """A face between its frame, the network and its frame again; the later fields are filled in on the way.

    Attributes:
        face: from the alignments.
        number: its place among all faces of the conversion.
        matrix: (2, 3) float64, frame -> crop of the model's output.
        input: (input_size, input_size, 3) float32 0..1 in the model's channel order; dropped once swapped.
        reference: (output_size, output_size, 3) float32 BGR 0..1, for the colours; None when they are left alone.
        masker_crop: (size, size, 3) uint8 BGR for the masker, None when it is not needed.
        masker_matrix: (2, 3) float64, frame -> `masker_crop`.
        swapped: (output_size, output_size, 3) float32 BGR 0..1.
        mask: a mask made for this face: learned or by the masker, 0..1.
        mask_matrix: (2, 3) float64, frame -> `mask`.
    """

    face: Face
    number: int
    matrix: Matrix
    input: FloatArray | None
    reference: FloatArray | None
    masker_crop: Image | None = None
    masker_matrix: Matrix | None = None
    swapped: FloatArray | None = None
    mask: FloatArray | None = None
    mask_matrix: Matrix | None = None


@dataclass(slots=True, eq=False)
class FrameJob:
    """A frame and its faces on their way; no faces for a frame that passes through."""

    frame: Frame
    faces: list[FaceJob] = field(default_factory=list)


def cut(frame: Frame, faces: Sequence[Face], first_number: int, recipe: Recipe) -> FrameJob:
    """Cut the faces of a frame out of it.

    Args:
        first_number: place of the first one among all faces of the conversion.

    Raises:
        AlignmentsError: when a face's landmarks allow no crop.
    """
    return FrameJob(frame, [_cut(frame, face, first_number + i, recipe) for i, face in enumerate(faces)])


def _cut(frame: Frame, face: Face, number: int, recipe: Recipe) -> FaceJob:
    try:
        matrix = crop_matrix(face.landmarks, recipe.face_type, recipe.output_size)
        into_model = crop_matrix(face.landmarks, recipe.face_type, recipe.input_size)
        crop = _unit(warp(frame.image, into_model, recipe.input_size))
        reference = None
        if recipe.color is not None:
            same = recipe.output_size == recipe.input_size
            reference = crop if same else _unit(warp(frame.image, matrix, recipe.output_size))
        job = FaceJob(face, number, matrix, to_order(crop, recipe.channel_order), reference)
        if recipe.masker is not None and recipe.mask not in face.masks:
            job.masker_matrix = crop_matrix(face.landmarks, recipe.masker.face_type, recipe.masker.size)
            job.masker_crop = frame.with_image(warp(frame.image, job.masker_matrix, recipe.masker.size)).bgr8
    except ShapeError as error:
        raise AlignmentsError(f"frame {frame.index} ({frame.name}): its face cannot be cut out: {error}") from error
    return job


def _unit(image: DeepImage) -> FloatArray:
    return image.astype(np.float32) / np.float32(np.iinfo(image.dtype).max)


def patches(faces: Sequence[FaceJob], recipe: Recipe) -> list[Patch]:
    """Swapped faces of one frame, recoloured and masked, smallest first, so that the nearest lies on top."""
    if not faces:
        return []
    masks = [_mask(job, recipe) for job in faces]
    swapped = [_made(job.swapped, job) for job in faces]
    if recipe.color is not None:
        counted = [warp(m, _between(recipe, job), recipe.output_size) for m, job in zip(masks, faces, strict=True)]
        recolored = recipe.color.transfer(
            np.stack(swapped),
            np.stack([_made(job.reference, job) for job in faces]),
            np.clip(np.stack(counted), 0.0, 1.0),
        )
        swapped = list(recolored)
    made = []
    for job, face, mask in zip(faces, swapped, masks, strict=True):
        mask_matrix = _mask_matrix(job, recipe)
        face_px = scale_of(mask_matrix) / scale_of(crop_matrix(job.face.landmarks, "half", 1))
        shaped = recipe.shape.apply(mask, face_px) * np.float32(recipe.opacity)
        made.append(Patch(face=face, matrix=job.matrix, mask=shaped, mask_matrix=mask_matrix))
    return sorted(made, key=lambda patch: -scale_of(patch.matrix))


def _mask_matrix(job: FaceJob, recipe: Recipe) -> Matrix:
    """Frame -> the crop in which the mask is shaped."""
    return crop_matrix(job.face.landmarks, recipe.face_type, recipe.mask_size)


def _between(recipe: Recipe, job: FaceJob) -> Matrix:
    """The crop in which the mask is shaped -> the crop of the model's output."""
    return compose(job.matrix, invert(_mask_matrix(job, recipe)))


def _mask(job: FaceJob, recipe: Recipe) -> FloatArray:
    """The unshaped mask of a face at the size masks are shaped at: (mask_size, mask_size) float32, 0..1."""
    size = recipe.mask_size
    if recipe.mask == "none":
        return np.ones((size, size), np.float32)
    stored: Mask | None = None if recipe.mask == "learned" else job.face.masks.get(recipe.mask)
    if stored is not None:
        image, matrix = _unit(stored.image), stored.matrix
    else:
        image, matrix = _made(job.mask, job), _made(job.mask_matrix, job)
    through = compose(_mask_matrix(job, recipe), invert(matrix))
    return np.clip(warp(image, through, size), 0.0, 1.0)


def _made(value: T | None, job: FaceJob) -> T:
    if value is None:
        raise ShapeError(f"face {job.number} has not been through the network and the masker yet")
    return value


def masker_landmarks(job: FaceJob) -> FloatArray:
    """(68, 2) float32 landmarks in pixels of the masker's crop."""
    return transform(job.face.landmarks, _made(job.masker_matrix, job)).astype(np.float32)
