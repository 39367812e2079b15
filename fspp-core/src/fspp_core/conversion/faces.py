"""One face on its way through a conversion: cut out for the network, and made into a patch for its frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from fspp_core.conversion.masking import MaskPlan
from fspp_core.conversion.paste import Patch
from fspp_core.errors import AlignmentsError, ShapeError
from fspp_core.geometry import compose, crop_matrix, invert, scale_of, transform, warp
from fspp_core.interfaces import ColorTransfer, Masker, looks_at_pixels
from fspp_core.masks.choosing import is_stored
from fspp_core.masks.evaluating import Layer, evaluate
from fspp_core.masks.expression import Full, Leaf, Named, Node, leaves
from fspp_core.masks.shape import MaskShape
from fspp_core.media.color import to_order
from fspp_core.types import DeepImage, Face, FloatArray, Frame, Image, Matrix

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
        masks: what of each face is seen.
        smooth: frames to either side over which masks are averaged along tracks; 0 leaves them alone.
        color: None leaves the colours alone.
        shape: what is done to masks.
        opacity: factor on the mask, 0..1.
    """

    face_type: str
    input_size: int
    output_size: int
    channel_order: str
    masks: MaskPlan
    smooth: int
    color: ColorTransfer | None
    shape: MaskShape
    opacity: float

    @property
    def mask_size(self) -> int:
        """Side at which masks are shaped."""
        return max(MASK_SIZE, self.output_size)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a masker looks at.

    Attributes:
        crop: (size, size, 3) uint8 BGR.
        matrix: (2, 3) float64, frame -> `crop`.
        landmarks: (68, 2) float32 in pixels of `crop`.
    """

    crop: Image
    matrix: Matrix
    landmarks: FloatArray

    def showing(self, swapped: FloatArray, matrix: Matrix) -> View:
        """The same view of the face with its swapped picture in place.

        Args:
            swapped: (size, size, 3) float32 BGR 0..1.
            matrix: (2, 3), frame -> `swapped`.
        """
        size, through = self.crop.shape[0], compose(self.matrix, invert(matrix))
        face = warp(swapped, through, size, border="replicate")
        inside = warp(np.ones(swapped.shape[:2], np.uint8), through, size, interpolation="nearest")[..., None] > 0
        crop = np.where(inside, np.rint(np.clip(face, 0.0, 1.0) * 255).astype(np.uint8), self.crop)
        return View(crop, self.matrix, self.landmarks)


@dataclass(slots=True, eq=False)
class FaceJob:
    """A face between its frame, the network and its frame again; the later fields are filled in on the way.

    Attributes:
        face: from the alignments.
        number: its place among all faces of the conversion.
        matrix: (2, 3) float64, frame -> crop of the model's output.
        input: (input_size, input_size, 3) float32 0..1 in the model's channel order; dropped once swapped.
        reference: (output_size, output_size, 3) float32 BGR 0..1, for the colours; None when they are left alone.
        mask: which masks make up its own.
        views: what maskers are to look at, by the mask they make of it; dropped once it is made.
        swapped: (output_size, output_size, 3) float32 BGR 0..1.
        layers: the masks that `mask` is made up of; dropped once it is evaluated.
        seen: (mask_size, mask_size) float32 0..1: `mask` evaluated, unshaped; None until then.
    """

    face: Face
    number: int
    matrix: Matrix
    input: FloatArray | None
    reference: FloatArray | None
    mask: Node = field(default_factory=Full)
    views: dict[Named, View] = field(default_factory=dict)
    swapped: FloatArray | None = None
    layers: dict[Leaf, Layer] = field(default_factory=dict)
    seen: FloatArray | None = None


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
        MissingMaskError: when it has not the masks it needs.
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
        mask = recipe.masks.node(frame.index, face.masks.keys())
        job = FaceJob(face, number, matrix, to_order(crop, recipe.channel_order), reference, mask)
        _gather_masks(job, frame, recipe.masks)
    except ShapeError as error:
        raise AlignmentsError(f"frame {frame.index} ({frame.name}): its face cannot be cut out: {error}") from error
    return job


def _gather_masks(job: FaceJob, frame: Frame, plan: MaskPlan) -> None:
    """Take the stored masks, and cut out what maskers have to look at."""
    stored = frozenset(job.face.masks)
    views: dict[str, View] = {}
    for leaf in leaves(job.mask):
        if is_stored(leaf, stored):
            job.layers[leaf] = Layer.of(job.face.masks[str(leaf)])
        elif isinstance(leaf, Named):
            if leaf.name not in views:
                views[leaf.name] = _view(frame, job.face, plan.maskers[leaf.name])
            job.views[leaf] = views[leaf.name]


def _view(frame: Frame, face: Face, masker: Masker) -> View:
    matrix = crop_matrix(face.landmarks, masker.face_type, masker.size)
    if looks_at_pixels(masker):
        crop = frame.with_image(warp(frame.image, matrix, masker.size)).bgr8
    else:
        crop = np.zeros((masker.size, masker.size, 3), np.uint8)
    return View(crop, matrix, transform(face.landmarks, matrix).astype(np.float32))


def _unit(image: DeepImage) -> FloatArray:
    return image.astype(np.float32) / np.float32(np.iinfo(image.dtype).max)


def patches(faces: Sequence[FaceJob], recipe: Recipe) -> list[Patch]:
    """Swapped faces of one frame, recoloured and masked, smallest first, so that the nearest lies on top."""
    if not faces:
        return []
    masks = [evaluated(job, recipe) for job in faces]
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


def evaluated(job: FaceJob, recipe: Recipe) -> FloatArray:
    """The unshaped mask of a face at the size masks are shaped at: (mask_size, mask_size) float32, 0..1."""
    if job.views:
        raise ShapeError(f"face {job.number} has not been through its maskers yet")
    if job.seen is None:
        job.seen = evaluate(job.mask, job.layers, _mask_matrix(job, recipe), recipe.mask_size)
        job.layers = {}
    return job.seen


def _made(value: T | None, job: FaceJob) -> T:
    if value is None:
        raise ShapeError(f"face {job.number} has not been through the network yet")
    return value
