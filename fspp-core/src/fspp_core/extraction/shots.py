"""Frames under way through the stages, and how they are grouped for components that take several at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fspp_core.types import Detection, Face, FloatArray, Frame, Image, LandmarksOrigin, Matrix

_GROUP_BYTES = 64_000_000  # pixels of a group; a few groups are in memory at once
_GROUPS_OPEN = 4  # sizes collected side by side, for folders whose sizes alternate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Turned:
    """A frame turned so that its faces stand upright.

    Attributes:
        image: (height, width, 3) uint8 BGR.
        matrix: (2, 3) float64, frame -> `image`, as `geometry.warp` takes it: between the middles of pixels.
    """

    image: Image
    matrix: Matrix


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shot:
    """A frame and what has been found in it so far.

    Attributes:
        index: as in `Frame`.
        name: likewise.
        pts: likewise.
        image: (height, width, 3) uint8 BGR.
        cut: whether another scene begins here, compared with the frame looked at before.
        context: whether an earlier run has done this frame, and it is here only for what comes after it; such frames
            end with the detect stage.
        turned: the picture that `detections` and `known` refer to; None for the frame itself.
        detections: the faces kept, largest first.
        known: landmarks (68, 2) float32 of each detection, None where the aligner is to find them; empty when all are.
        origins: where each of these is from; "detected" for those still to be found; empty when all are.
        faces: the faces in frame pixels, once they have landmarks; masks and descriptions follow.
    """

    index: int
    name: str
    pts: int | None
    image: Image
    cut: bool = False
    context: bool = False
    turned: Turned | None = None
    detections: tuple[Detection, ...] = ()
    known: tuple[FloatArray | None, ...] = ()
    origins: tuple[LandmarksOrigin, ...] = ()
    faces: tuple[Face, ...] = ()

    @property
    def picture(self) -> Image:
        """The picture that `detections` and `known` refer to."""
        return self.image if self.turned is None else self.turned.image

    @classmethod
    def of(cls, frame: Frame) -> Shot:
        """A frame as it was decoded; deep pixels are brought to 8 bits."""
        return cls(index=frame.index, name=frame.name, pts=frame.pts, image=frame.bgr8)


Group = list[Shot]


def by_size(shots: Iterable[Shot], most: int) -> Iterator[Group]:
    """Groups of up to `most` shots of one size; fewer where they are large, so that memory is bounded.

    Where all are of one size, they stay in order.
    """
    waiting: dict[tuple[int, ...], Group] = {}
    for shot in shots:
        size = shot.image.shape
        group = waiting.setdefault(size, [])
        group.append(shot)
        if len(group) >= min(most, _GROUP_BYTES // shot.image.nbytes):
            yield waiting.pop(size)
        elif len(waiting) > _GROUPS_OPEN:
            yield waiting.pop(next(iter(waiting)))  # the one that waits longest
    yield from waiting.values()
