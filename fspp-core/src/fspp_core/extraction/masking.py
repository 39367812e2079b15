"""The mask stage: stored masks for the faces of a group of frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fspp_core import geometry
from fspp_core.extraction.answers import check_count
from fspp_core.extraction.cutting import Place, batches, cut_out
from fspp_core.extraction.shots import Group
from fspp_core.interfaces import Masker
from fspp_core.types import Mask


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Masking:
    """Gives faces masks, by the maskers' names."""

    maskers: Mapping[str, Masker]

    def __call__(self, group: Group) -> Group:
        """The same frames, every face with a mask of each masker."""
        each = iter([masks for places in batches(group) for masks in self._masks(places)])
        return [replace(shot, faces=tuple(replace(face, masks=next(each)) for face in shot.faces)) for shot in group]

    def _masks(self, places: Sequence[Place]) -> list[dict[str, Mask]]:
        made: list[dict[str, Mask]] = [{} for _ in places]
        for name, masker in self.maskers.items():
            for masks, mask in zip(made, _masked(name, masker, places), strict=True):
                masks[name] = mask
        return made


def _masked(name: str, masker: Masker, places: Sequence[Place]) -> list[Mask]:
    crops, matrices = cut_out(places, masker.face_type, masker.size, pixels=getattr(masker, "looks_at_pixels", True))
    landmarks = np.stack(
        [geometry.transform(face.landmarks, matrix) for (_, face), matrix in zip(places, matrices, strict=True)]
    )
    values = masker.mask(crops, landmarks.astype(np.float32))
    check_count(f"masker {name!r}", values, places)
    images = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return [Mask(image=image, matrix=matrix) for image, matrix in zip(images, matrices, strict=True)]
