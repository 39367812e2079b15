"""Crops of many faces for components that work on crops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from fspp_core import geometry
from fspp_core.concurrency import batched
from fspp_core.extraction.shots import Group, Shot
from fspp_core.types import Face, Image, Matrix

Place = tuple[Shot, Face]

_AT_ONCE = 64  # crops a component gets at once


def batches(group: Group) -> Iterator[list[Place]]:
    """The faces of a group with their frames, in order, as many at a time as a component gets."""
    return batched(((shot, face) for shot in group for face in shot.faces), _AT_ONCE)


def cut_out(places: Sequence[Place], face_type: str, size: int, *, pixels: bool = True) -> tuple[Image, list[Matrix]]:
    """Crops (n, size, size, 3) uint8 BGR of at least one face, and their matrices, frame -> crop.

    Args:
        pixels: whether anybody looks at the crops; black ones that cannot be written to otherwise, which cost nothing.
    """
    matrices = [geometry.crop_matrix(face.landmarks, face_type, size) for _, face in places]
    if not pixels:
        return np.broadcast_to(np.uint8(0), (len(places), size, size, 3)), matrices
    crops: Image = np.stack(
        [geometry.warp(shot.image, matrix, size) for (shot, _), matrix in zip(places, matrices, strict=True)]
    )
    return crops, matrices
