"""Frames under way through the stages, and how they are grouped for components that take several at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fspp_core.types import Detection, Face, Frame, Image

_GROUP_BYTES = 64_000_000  # pixels of a group; a few groups are in memory at once
_GROUPS_OPEN = 4  # sizes collected side by side, for folders whose sizes alternate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shot:
    """A frame and what has been found in it so far.

    Attributes:
        index: as in `Frame`.
        name: likewise.
        pts: likewise.
        image: (height, width, 3) uint8 BGR.
        detections: the faces kept, largest first.
        faces: the same with landmarks and masks, once they have them.
    """

    index: int
    name: str
    pts: int | None
    image: Image
    detections: tuple[Detection, ...] = ()
    faces: tuple[Face, ...] = ()

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
