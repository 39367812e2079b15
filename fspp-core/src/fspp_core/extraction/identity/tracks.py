"""Tracks: numbers for the faces of one person over consecutive frames, by overlap of the boxes and likeness.

A pure function of the alignments in order, so that it does not matter how often the run was stopped.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fspp_core.alignments import Alignments, FaceRecord, FrameRecord
from fspp_core.extraction.options import ExtractOptions
from fspp_core.interfaces import Recognizer
from fspp_core.types import FloatArray

_GAP = 5  # frames looked at in a row that a person may be missing from
_REACH = 1.0  # how far a face may move from one frame to the next, in sides of its box
_OVERLAP_WEIGHT = 0.3  # against the likeness; more would lay two people into one track where a cut is missed
_EVEN_OVERLAP = 0.5  # the overlap that speaks neither for one person nor against it
_LEAST_OVERLAP = 0.3  # where there are no descriptions
_SAME_PERSON = 0.5  # where the recognizer suggests nothing

Box = tuple[float, float, float, float]


@dataclass(slots=True)
class _Track:
    number: int
    seen: int  # place of the last frame it was seen in, among those looked at
    box: Box
    vector: FloatArray | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracks:
    """Finds the faces that belong together.

    Attributes:
        recognizer: whose descriptions to compare; None to go by the boxes alone.
        same_person: the cosine from which two of them are one person, where the boxes overlap by half.
    """

    recognizer: str | None = None
    same_person: float = _SAME_PERSON

    def __call__(self, alignments: Alignments) -> None:
        """Number the faces of all frames, replacing the numbers they had."""
        frames = [alignments.frames[index] for index in sorted(alignments.frames)]
        for frame, numbers in zip(frames, self.numbers(frames), strict=True):
            for face, number in zip(frame.faces, numbers, strict=True):
                face.track = number

    def numbers(self, frames: Iterable[FrameRecord]) -> list[list[int]]:
        """Track numbers of the faces of each frame, from 0 in order of first appearance.

        In no frame two faces have one number. At a cut all tracks end; else one outlives a few frames without the face.

        Args:
            frames: those that were looked at, by rising index. Not modified.
        """
        tracks: list[_Track] = []
        found, count = [], 0
        for place, frame in enumerate(frames):
            tracks = [] if frame.cut else [track for track in tracks if place - track.seen <= _GAP + 1]
            faces = [(_box(face), self._vector(face)) for face in frame.faces]
            taken = self._matched(place, tracks, faces)
            numbers = []
            for face, (box, vector) in enumerate(faces):
                track = taken.get(face)
                if track is None:
                    track = _Track(count, place, box, vector)
                    tracks.append(track)
                    count += 1
                track.seen, track.box, track.vector = place, box, vector
                numbers.append(track.number)
            found.append(numbers)
        return found

    def _matched(
        self, place: int, tracks: Sequence[_Track], faces: Sequence[tuple[Box, FloatArray | None]]
    ) -> dict[int, _Track]:
        """The track of each face that has one, by the face's number: the surest pairs first."""
        pairs = []
        for number, (box, vector) in enumerate(faces):
            for track in tracks:
                surety = self._surety(track, place, box, vector)
                if surety > 0:
                    # Equally sure pairs go by their boxes, so that the order of faces does not matter.
                    pairs.append((-surety, box, track.box, number, track))
        pairs.sort(key=lambda pair: pair[:3])
        taken: dict[int, _Track] = {}
        gone: set[int] = set()
        for _, _, _, number, track in pairs:
            if number not in taken and track.number not in gone:
                taken[number] = track
                gone.add(track.number)
        return taken

    def _surety(self, track: _Track, place: int, box: Box, vector: FloatArray | None) -> float:
        """How much speaks for a face being the track's; 0 or less when too little does."""
        overlap = _overlap(track.box, box)
        if vector is None or track.vector is None or vector.shape != track.vector.shape:
            return overlap - _LEAST_OVERLAP
        if not overlap and _distance(track.box, box) > _REACH * (place - track.seen):
            return 0.0
        likeness = float(np.dot(track.vector, vector))
        return likeness - self.same_person + _OVERLAP_WEIGHT * (overlap - _EVEN_OVERLAP)

    def _vector(self, face: FaceRecord) -> FloatArray | None:
        stored = None if self.recognizer is None else face.identity.get(self.recognizer)
        return None if stored is None else np.frombuffer(stored, "<f4")


def tracks_of(options: ExtractOptions, recognizers: Mapping[str, Recognizer]) -> Tracks | None:
    """What finds the tracks of an extraction, by the first of its recognizers; None where none are asked for."""
    if not options.tracks:
        return None
    name = next(iter(options.recognizers), None)
    suggested = _SAME_PERSON if name is None else getattr(recognizers[name], "same_person", _SAME_PERSON)
    return Tracks(recognizer=name, same_person=suggested)


def _box(face: FaceRecord) -> Box:
    left, top, right, bottom = face.box.tolist()
    return left, top, right, bottom


def _overlap(a: Box, b: Box) -> float:
    """Intersection over union; plain numbers, because arrays of one pair cost fifty times as much."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def _distance(a: Box, b: Box) -> float:
    """Between the middles, in sides of the boxes."""
    side = (a[2] - a[0] + a[3] - a[1] + b[2] - b[0] + b[3] - b[1]) / 4
    apart = math.hypot(a[0] + a[2] - b[0] - b[2], a[1] + a[3] - b[1] - b[3]) / 2
    return apart / side if side > 0 else math.inf
