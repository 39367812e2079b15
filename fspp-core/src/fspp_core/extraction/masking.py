"""The mask stage: stored masks for the faces of a group of frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fspp_core import geometry
from fspp_core.concurrency import batched
from fspp_core.extraction.answers import check_count
from fspp_core.extraction.shots import Group, Shot
from fspp_core.interfaces import Masker
from fspp_core.types import Face, Image, Mask

_FACES_AT_ONCE = 64  # crops a masker gets at once


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Masking:
    """Gives faces masks, by the maskers' names."""

    maskers: Mapping[str, Masker]

    def __call__(self, group: Group) -> Group:
        """The same frames, every face with a mask of each masker."""
        places = [(shot, face) for shot in group for face in shot.faces]
        masks: list[dict[str, Mask]] = [{} for _ in places]
        for name, masker in self.maskers.items():
            numbered = list(zip(places, masks, strict=True))
            for part in batched(numbered, _FACES_AT_ONCE):
                made = _masks(name, masker, [place for place, _ in part])
                for (_, of_face), mask in zip(part, made, strict=True):
                    of_face[name] = mask
        each = iter(masks)
        return [replace(shot, faces=tuple(replace(face, masks=next(each)) for face in shot.faces)) for shot in group]


def _masks(name: str, masker: Masker, places: Sequence[tuple[Shot, Face]]) -> list[Mask]:
    matrices = [geometry.crop_matrix(face.landmarks, masker.face_type, masker.size) for _, face in places]
    crops: Image = np.stack(
        [geometry.warp(shot.image, matrix, masker.size) for (shot, _), matrix in zip(places, matrices, strict=True)]
    )
    landmarks = np.stack(
        [geometry.transform(face.landmarks, matrix) for (_, face), matrix in zip(places, matrices, strict=True)]
    )
    values = masker.mask(crops, landmarks.astype(np.float32))
    check_count(f"masker {name!r}", values, places)
    images = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return [Mask(image=image, matrix=matrix) for image, matrix in zip(images, matrices, strict=True)]
