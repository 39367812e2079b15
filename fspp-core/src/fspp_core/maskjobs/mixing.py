"""What a preview shows of a face: a stored mask, or an expression that mixes several."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fspp_core.alignments import from_record
from fspp_core.errors import AlignmentsError, ConfigError
from fspp_core.extraction.masking import masks_of
from fspp_core.geometry import crop_matrix
from fspp_core.maskjobs.drawing import of_face, placed
from fspp_core.maskjobs.places import Entry, Place
from fspp_core.masks import Layer, MissingMaskError, Sources, face_mask, parse_mask
from fspp_core.masks.choosing import DRAWN
from fspp_core.masks.expression import Leaf, Learned, Named
from fspp_core.registry import Registry, load_registry
from fspp_core.types import FloatArray, Matrix

Shown = Callable[[Entry, Matrix | None, int | tuple[int, int]], FloatArray]
"""Gives the mask of a face over a picture; arguments and answer as those of `drawing.placed` after its first two."""

_ON_FRAMES = ("head", 512)  # the crop in which expressions are mixed for frames


def shown_mask(text: str, place: Place, registry: Registry | None = None) -> Shown:
    """What gives a face's mask by the name of a stored one, or by an expression; black where a face lacks it.

    Besides stored masks, expressions take those that are drawn from landmarks alone.

    Raises:
        ConfigError: for an expression that cannot be read, a name that no face has, or a mask that only a model or its
            swapped face could give.
    """
    if text in place.stored:
        return lambda entry, to, size: of_face(entry, text, to, size)
    expression = parse_mask(text, where="masks")
    registry = registry or load_registry()
    drawn = DRAWN & {spec.name for spec in registry.specs("masker")}
    for leaf in expression.leaves:
        if isinstance(leaf, Learned) or (isinstance(leaf, Named) and leaf.swapped):
            raise ConfigError(f"masks: {leaf} in {text!r} is there in a conversion only; leave it out here")
    place.check_names([name for name in expression.names if name not in drawn], "masks")
    maskers = {name: registry.build("masker", name) for name in expression.names if name in drawn}

    def values(entry: Entry, to: Matrix | None, size: int | tuple[int, int]) -> FloatArray:
        try:
            face = from_record(entry.face)
        except AlignmentsError as error:
            raise AlignmentsError(f"frame {entry.frame}, face {entry.number}: {error}") from error

        def make(leaf: Leaf) -> Layer:
            masker = maskers[str(leaf)]
            matrix = crop_matrix(face.landmarks, masker.face_type, masker.size)
            black = np.broadcast_to(np.uint8(0), (1, masker.size, masker.size, 3))
            return Layer.of(masks_of(str(leaf), masker, black, [face.landmarks], [matrix])[0])

        if to is None or not isinstance(size, int):
            matrix, side = crop_matrix(face.landmarks, *_ON_FRAMES), _ON_FRAMES[1]
        else:
            matrix, side = to, size
        sources = Sources(maskers=frozenset(maskers))
        try:
            mixed = face_mask(expression, face, matrix, side, frame=entry.index, sources=sources, make=make)
        except MissingMaskError:
            mixed = np.zeros((side, side), np.float32)
        return placed(mixed, matrix, to, size)

    return values
