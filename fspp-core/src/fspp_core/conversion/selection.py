"""Which faces of which frames are swapped, and the number each has among them all."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from fspp_core.alignments import Alignments, FaceRecord, from_record
from fspp_core.errors import AlignmentsError
from fspp_core.types import Face

if TYPE_CHECKING:
    from fspp_core.conversion.masking import MaskPlan

Place = tuple[int, int, FaceRecord]
"""Frame index, number of the face in the frame, the face."""


class Selection:
    """The faces to swap.

    Args:
        alignments: of the footage.
        start: first frame whose faces are swapped.
        stop: frame to stop at, None for the end.
        max_faces: take only that many of a frame, the largest; None for all.
    """

    def __init__(self, alignments: Alignments, *, start: int, stop: int | None, max_faces: int | None) -> None:
        end = alignments.media.frame_count if stop is None else stop
        self._chosen: dict[int, Sequence[tuple[int, FaceRecord]]] = {}
        for index in sorted(alignments.frames):
            numbered = list(enumerate(alignments.frames[index].faces))
            if max_faces is not None and len(numbered) > max_faces:
                numbered = sorted(numbered, key=lambda entry: -_area(entry[1]))[:max_faces]
                numbered.sort(key=lambda entry: entry[0])
            if numbered and start <= index < end:
                self._chosen[index] = numbered
        self._indices = list(self._chosen)
        self._cuts = [index for index in sorted(alignments.frames) if alignments.frames[index].cut is True]
        self._before = [0, *accumulate(len(self._chosen[index]) for index in self._indices)]

    @property
    def frames(self) -> int:
        """Number of frames in which faces are swapped."""
        return len(self._indices)

    @property
    def faces(self) -> int:
        """Number of faces swapped."""
        return self._before[-1]

    def __iter__(self) -> Iterator[Place]:
        for index, numbered in self._chosen.items():
            for number, record in numbered:
                yield index, number, record

    def of_frame(self, index: int, masks: MaskPlan) -> tuple[list[Face], int]:
        """The faces of one frame and the number of the first among all faces.

        Args:
            masks: says which stored masks are needed; the others stay undecoded.

        Raises:
            AlignmentsError: for a damaged mask, naming frame and face.
        """
        faces = []
        for number, record in self._chosen.get(index, ()):
            wanted = masks.stored(index, record.masks.keys())
            kept = {name: mask for name, mask in record.masks.items() if name in wanted}
            try:
                faces.append(from_record(msgspec.structs.replace(record, masks=kept)))
            except AlignmentsError as error:
                raise AlignmentsError(f"frame {index}, face {number}: {error}") from error
        return faces, self._before[bisect_left(self._indices, index)]

    def shot(self, index: int) -> int:
        """Number of the shot a frame belongs to: of the cuts up to it."""
        return bisect_right(self._cuts, index)


def _area(record: FaceRecord) -> float:
    """Area of the box around the landmarks, which aligners agree on better than detectors on boxes."""
    width, height = np.ptp(record.landmarks, axis=0)
    return float(width) * float(height)
