"""The recognise stage: descriptions of who it is, stored with the faces of a group of frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from fspp_core.errors import PluginError
from fspp_core.extraction.cutting import Place, batches, cut_out
from fspp_core.extraction.shots import Group
from fspp_core.interfaces import Recognizer
from fspp_core.types import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recognizing:
    """Describes faces, by the recognizers' names."""

    recognizers: Mapping[str, Recognizer]

    def __call__(self, group: Group) -> Group:
        """The same frames, every face with what each recognizer says of it."""
        if not self.recognizers:
            return group
        identities = iter([identity for places in batches(group) for identity in self._identities(places)])
        return [
            replace(shot, faces=tuple(replace(face, identity=next(identities)) for face in shot.faces))
            for shot in group
        ]

    def _identities(self, places: list[Place]) -> list[dict[str, FloatArray]]:
        made: list[dict[str, FloatArray]] = [{} for _ in places]
        for name, recognizer in self.recognizers.items():
            for identity, vector in zip(made, embedded(name, recognizer, places), strict=True):
                identity[name] = vector
        return made


def embedded(name: str, recognizer: Recognizer, places: list[Place]) -> FloatArray:
    """What a recognizer says of at least one face: (n, d) float32.

    Raises:
        PluginError: when it answers in another shape, or with numbers that are not finite.
    """
    crops, _ = cut_out(places, recognizer.face_type, recognizer.size)
    vectors = np.asarray(recognizer.embed(crops), np.float32)
    if vectors.ndim != 2 or len(vectors) != len(places) or not np.isfinite(vectors).all():
        raise PluginError(
            f"recognizer {name!r} gave {vectors.shape} numbers for {len(places)} faces, or some that are not finite; "
            "run: fspp plugins check"
        )
    return vectors
