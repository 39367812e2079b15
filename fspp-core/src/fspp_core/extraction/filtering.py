"""The filter stage: faces left out because their landmarks are no face's, or not of the size or tilt asked for."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from fspp_core import geometry
from fspp_core.extraction.options import ExtractOptions
from fspp_core.extraction.shots import Group, Shot
from fspp_core.geometry.faceswap import face_side, tilt
from fspp_core.types import Face

Fault = Callable[[Shot, Face], bool]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Filtering:
    """Leaves faces out; the first filter that a face fails counts it.

    Attributes:
        filters: by name, in the order they are tried, what says whether a face fails.
        left_out: gets the number of faces each filter left out, by its name.
    """

    filters: Mapping[str, Fault]
    left_out: Counter[str]

    def __call__(self, group: Group) -> Group:
        """The same frames with the faces that pass."""
        return sifted(group, self._failed, self.left_out)

    def _failed(self, shot: Shot, face: Face) -> str | None:
        return next((name for name, fault in self.filters.items() if fault(shot, face)), None)


def sifted(group: Group, failed: Callable[[Shot, Face], str | None], left_out: Counter[str]) -> Group:
    """The same frames with the faces that pass.

    Args:
        failed: names the filter that a face of a frame fails, None where it passes all.
        left_out: gets the number of faces left out, by filter.
    """

    def kept(shot: Shot) -> Shot:
        failures = [failed(shot, face) for face in shot.faces]
        left_out.update(name for name in failures if name is not None)
        faces = tuple(face for face, name in zip(shot.faces, failures, strict=True) if name is None)
        return shot if len(faces) == len(shot.faces) else replace(shot, faces=faces)

    return [kept(shot) for shot in group]


def filtering(options: ExtractOptions, left_out: Counter[str]) -> Filtering | None:
    """The stage with the filters that the options ask for, None where they ask for none."""
    wanted: dict[str, tuple[bool, Fault]] = {
        "features": (options.filter_features, _upside_down),
        "min_scale": (options.filter_min_scale > 0, partial(_smaller, options.filter_min_scale)),
        "max_scale": (options.filter_max_scale > 0, partial(_larger, options.filter_max_scale)),
        "distance": (options.filter_distance > 0, partial(_odd, options.filter_distance)),
        "roll": (options.filter_roll > 0, partial(_tilted, options.filter_roll)),
    }
    filters = {name: fault for name, (given, fault) in wanted.items() if given}
    return Filtering(filters=filters, left_out=left_out) if filters else None


def _upside_down(shot: Shot, face: Face) -> bool:
    return geometry.mouth_below_eyes(face.landmarks) < 0


def _share(shot: Shot, face: Face) -> float:
    """Side of the face against the frame's shorter side."""
    return face_side(face.landmarks) / float(min(shot.image.shape[:2]))


def _smaller(limit: float, shot: Shot, face: Face) -> bool:
    return _share(shot, face) < limit


def _larger(limit: float, shot: Shot, face: Face) -> bool:
    return _share(shot, face) > limit


def _odd(limit: float, shot: Shot, face: Face) -> bool:
    return 100 * geometry.mean_distance(face.landmarks) > limit


def _tilted(limit: float, shot: Shot, face: Face) -> bool:
    return math.degrees(abs(tilt(face.landmarks))) > limit
