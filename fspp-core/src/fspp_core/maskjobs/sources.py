"""The pictures that faces are seen in: frames of the footage, each decoded once, or the face crops."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from fspp_core.alignments import read_face_crop
from fspp_core.alignments.places import check_footage
from fspp_core.concurrency import ordered_map
from fspp_core.errors import AlignmentsError, ConfigError, FsppError
from fspp_core.geometry import compose, invert, warp
from fspp_core.maskjobs.places import AlignmentsPlace, Entry, Place
from fspp_core.media import MediaReader, open_media
from fspp_core.types import Image, Matrix

_GAP = 60  # frames that are rather decoded and thrown away than jumped over
_READERS = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sight:
    """A picture and the faces in it.

    Attributes:
        image: (height, width, 3) uint8 BGR.
        matrix: frame -> picture; None where it is the frame itself.
        entries: the faces.
    """

    image: Image
    matrix: Matrix | None
    entries: Sequence[Entry]

    def cut(self, matrix: Matrix, size: int) -> Image:
        """The part of it that the crop `matrix`, frame -> crop, shows; black where it shows nothing."""
        through = matrix if self.matrix is None else compose(matrix, invert(self.matrix))
        same = self.image.shape[:2] == (size, size) and np.allclose(through, np.eye(2, 3), rtol=0, atol=1e-3)
        return self.image if same else warp(self.image, through, size)


@contextmanager
def footage_of(place: Place, media: str | None, *, any_footage: bool, needed: bool) -> Iterator[MediaReader | None]:
    """Open the footage of alignments.

    Args:
        needed: whether it cannot be done without.

    Raises:
        ConfigError: when it is needed and not given, or given with face crops, which need none.
        AlignmentsError: when the alignments are of other footage.
    """
    if not isinstance(place, AlignmentsPlace):
        if media is not None:
            raise ConfigError(
                f"media: {place.path} is a folder of face crops, which are looked at themselves; leave it out"
            )
        yield None
        return
    if media is None:
        if needed:
            raise ConfigError(
                f"media: give the footage that {place.path} was made of ({place.alignments.media.name}), "
                "or a folder of face crops in place of the alignments"
            )
        yield None
        return
    with open_media(Path(media)) as reader:
        check_footage(place.alignments, place.path, reader, any_footage=any_footage)
        yield reader


def sights(entries: Sequence[Entry], reader: MediaReader | None) -> Generator[Sight, None, None]:
    """The pictures that show these faces, in order.

    Args:
        reader: of the frames; None for face crops.
    """
    if reader is None:
        yield from ordered_map(_crop, entries, _READERS)
        return
    groups = {index: list(group) for index, group in groupby(entries, lambda entry: entry.index)}
    for run in _runs(list(groups)):
        with closing(_frames(reader, run)) as frames:
            for frame in frames:
                if frame.index in groups:
                    yield Sight(image=frame.bgr8, matrix=None, entries=groups[frame.index])


def unseen(entries: Sequence[Entry]) -> Generator[Sight, None, None]:
    """These faces for those who do not look at them: nothing is decoded."""
    for entry in entries:
        yield Sight(image=np.zeros((1, 1, 3), np.uint8), matrix=None, entries=[entry])


def _frames(reader: MediaReader, run: range) -> Generator:  # type: ignore[type-arg]
    yield from reader.frames(run.start, run.stop)


def _runs(indices: Sequence[int]) -> Iterator[range]:
    """Ranges of frames to decode: long stretches without faces are jumped over."""
    first = 0
    for place in range(1, len(indices) + 1):
        if place == len(indices) or indices[place] - indices[place - 1] > _GAP:
            yield range(indices[first], indices[place - 1] + 1)
            first = place


def _crop(entry: Entry) -> Sight:
    if entry.crop is None:
        raise AlignmentsError(f"{entry.name}: has no face crop")
    try:
        crop = read_face_crop(entry.crop.path).crop
    except FsppError as error:
        error.add_note("nothing was changed in this file")
        raise
    return Sight(image=crop.image, matrix=crop.matrix, entries=[entry])


def frame_sizes(reader: MediaReader | None) -> Callable[[Entry], tuple[int, int]]:
    """What tells width and height of the frame a face is in; the footage is asked where its pictures may differ."""

    def size(entry: Entry) -> tuple[int, int]:
        if reader is not None and reader.info.kind == "folder":
            height, width = reader.frame(entry.index).image.shape[:2]
            return width, height
        return entry.media.width, entry.media.height

    return size
