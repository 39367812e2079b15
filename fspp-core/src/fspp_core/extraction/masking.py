"""The mask stage: stored masks for the faces of a group of frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fspp_core import geometry
from fspp_core.extraction.answers import check_count
from fspp_core.extraction.cutting import Place, batches, cut_out
from fspp_core.extraction.shots import Group
from fspp_core.interfaces import Masker, looks_at_pixels
from fspp_core.types import FloatArray, Image, Mask, Matrix


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
    crops, matrices = cut_out(places, masker.face_type, masker.size, pixels=looks_at_pixels(masker))
    return masks_of(name, masker, crops, [face.landmarks for _, face in places], matrices)


def masks_of(
    name: str, masker: Masker, crops: Image, landmarks: Sequence[FloatArray], matrices: Sequence[Matrix]
) -> list[Mask]:
    """Let a masker mask a batch of at least one face.

    Args:
        name: the masker's, for messages.
        crops: (n, size, size, 3) uint8 BGR, as the masker wants them.
        landmarks: (68, 2) float32 of each face, in frame pixels.
        matrices: (2, 3) float64 of each crop, frame -> crop.

    Raises:
        PluginError: when it does not answer for every face.
    """
    points = [geometry.transform(face, matrix) for face, matrix in zip(landmarks, matrices, strict=True)]
    values = masker.mask(crops, np.stack(points).astype(np.float32))
    check_count(f"masker {name!r}", values, matrices)
    # One at a time they stay in the processor's cache, which is several times as fast.
    return [Mask(image=_stored(mask), matrix=matrix) for mask, matrix in zip(values, matrices, strict=True)]


def _stored(mask: FloatArray) -> Image:
    return np.rint(np.clip(mask, 0, 1) * 255).astype(np.uint8)
