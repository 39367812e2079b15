"""Masks as they lie over pictures: through their matrices, tinted, cut out, or alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fspp_core import geometry
from fspp_core.alignments import MaskRecord
from fspp_core.alignments.faces import decode_mask
from fspp_core.errors import AlignmentsError
from fspp_core.geometry import compose, crop_matrix, invert, warp
from fspp_core.maskjobs.options import Style
from fspp_core.maskjobs.places import Entry
from fspp_core.types import FloatArray, Matrix


def stored_mask(entry: Entry, name: str) -> FloatArray:
    """The mask of a face as it is stored, (height, width) float32 0..1.

    Raises:
        AlignmentsError: when it is damaged, naming frame and face.
    """
    try:
        image = decode_mask(entry.face.masks[name].png, name)
    except AlignmentsError as error:
        raise AlignmentsError(f"frame {entry.frame}, face {entry.number}: {error}") from error
    return (image / 255).astype(np.float32)


def placed(values: FloatArray, matrix: Matrix, to: Matrix | None, size: int | tuple[int, int]) -> FloatArray:
    """A mask drawn where it lies.

    Args:
        values: (height, width) float32 0..1.
        matrix: frame -> mask.
        to: frame -> picture; None for the frame itself.
        size: side, or (width, height), of the picture.

    Returns:
        (height, width) float32 0..1; 0 where the mask has nothing. Where picture and mask are the same crop, `values`.
    """
    whole = (size, size) if isinstance(size, int) else size
    through = invert(matrix) if to is None else compose(to, invert(matrix))
    if whole == values.shape[::-1] and np.allclose(through, np.eye(2, 3), rtol=0, atol=1e-3):
        return values
    shrinks = geometry.scale_of(through) < 0.9
    drawn = warp(values, through, whole, interpolation="area" if shrinks else "cubic")
    return np.clip(drawn, 0.0, 1.0)


def of_face(entry: Entry, name: str, to: Matrix | None, size: int | tuple[int, int]) -> FloatArray:
    """The mask of a face over a picture; arguments and answer as for `placed`. Nothing where there is none."""
    record: MaskRecord | None = entry.face.masks.get(name)
    if record is None:
        width, height = (size, size) if isinstance(size, int) else size
        return np.zeros((height, width), np.float32)
    return placed(stored_mask(entry, name), record.matrix, to, size)


def crop_of(entry: Entry, face_type: str | None, size: int | None, default_size: int) -> tuple[Matrix, int]:
    """The crop that face pictures are of: the stated one, else the face's own crop, else a whole face.

    Returns:
        Its matrix, frame -> crop, and its side.
    """
    crop = entry.crop
    side = size or (crop.size if crop else default_size)
    if crop is not None and face_type in (None, crop.face_type):
        return crop.matrix * (side / crop.size), side
    return crop_matrix(entry.face.landmarks, face_type or "whole", side), side


def shown(image: npt.NDArray[Any], mask: FloatArray, style: Style, color: str, opacity: float) -> npt.NDArray[Any]:
    """A picture in the style of a preview.

    Args:
        image: (height, width, 3) uint8 or uint16 BGR. Not modified.
        mask: (height, width) float32 0..1.
        color: such as "#ff0000", red first.

    Returns:
        Shape and dtype of `image`.
    """
    full = float(np.iinfo(image.dtype).max)
    weight = mask[..., None]
    drawn: npt.NDArray[Any]
    if style == "mask":
        drawn = np.broadcast_to(weight * full, image.shape)
    elif style == "masked":
        drawn = image * weight
    else:
        tint = np.array([int(color[at : at + 2], 16) for at in (5, 3, 1)], np.float32) * (full / 255)
        drawn = image + weight * opacity * (tint - image)
    made: npt.NDArray[Any] = np.rint(np.clip(drawn, 0, full)).astype(image.dtype)
    return made


def quantised(values: FloatArray, depth: str) -> npt.NDArray[Any]:
    """A mask as the pixels of a picture of 8 or 16 bits."""
    kind = np.uint16 if depth == "16" else np.uint8
    return np.rint(values * np.iinfo(kind).max).astype(kind)
