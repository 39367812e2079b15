"""The stages between footage and journal, from decode to crop; each runs ahead of the next, in bounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, TypeVar

from fspp_core import geometry
from fspp_core.alignments import FaceCrop, MediaRecord, write_face_crop
from fspp_core.concurrency import background, close, ordered_map
from fspp_core.errors import ConfigError, FsppError
from fspp_core.extraction.alignment.aligning import Aligning
from fspp_core.extraction.cuts import Cuts
from fspp_core.extraction.detection.detecting import Detecting
from fspp_core.extraction.detection.importing import Importing, as_imported
from fspp_core.extraction.detection.sharing import SharedDetector
from fspp_core.extraction.detection.tracking import Tracking
from fspp_core.extraction.filtering import filtering
from fspp_core.extraction.identity.identity_filter import identity_filter
from fspp_core.extraction.identity.recognizing import Recognizing
from fspp_core.extraction.masking import Masking
from fspp_core.extraction.options import ExtractOptions
from fspp_core.extraction.plan import Tools
from fspp_core.extraction.resuming import context_of
from fspp_core.extraction.shots import Group, Shot, by_size
from fspp_core.interfaces import Detector
from fspp_core.media import MediaReader
from fspp_core.progress import Timings
from fspp_core.types import Crop

T = TypeVar("T")
Groups = Generator[Group, None, None]
Work = Callable[[Group], Group]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stages:
    """The stages of one extraction.

    Attributes:
        tools: the components at work.
        options: of the extraction.
        media: the footage, as face crops name it.
        faces: folder of the face crops.
        imported: the faces to take instead of looking for them.
        timings: gets what "decode", "detect", "align", "filter", "identify", "identity filter", "mask" and "crop" do,
            those that are asked for, and how long "journal" waits for them; decode and detect count frames, the others
            faces. Some stages share a thread; then the first waits for what is before all of them, and the last for
            what is after.
        left_out: gets the number of faces that each filter left out, by its name.
    """

    tools: Tools
    options: ExtractOptions
    media: MediaRecord
    faces: Path
    timings: Timings
    imported: Importing | None = None
    left_out: Counter[str] = field(default_factory=Counter)

    def run(self, reader: MediaReader, wanted: range, done: Collection[int]) -> Generator[Shot, None, None]:
        """Frames whose faces are found and whose crops are on disk; in order, where all are of one size.

        Args:
            wanted: indices of the frames to look at; at least one of them is not done.
            done: indices of those that an earlier run has done.
        """
        stage = "decode"
        most = self.options.batch_size * self.options.detect_every  # so many of them get to the detector at once
        items: Iterable[Group] = by_size(self._decoded(reader, wanted, done), most)
        for steps in self._threads():
            items = self._ahead(items, stage, steps[0].name)
            for step in steps:
                stage, items = step.name, self._each(items, step)
        shots = _singly(self._ahead(items, stage, "crop"))
        return self._ahead(ordered_map(self._saved, shots, self.options.workers), "crop", "journal")

    def _threads(self) -> list[list[_Step]]:
        """What is done with groups of frames, by the threads it is done in; only what was asked for."""
        options, tools = self.options, self.tools
        detector = None if tools.detector is None else SharedDetector(tools.detector)  # two stages may look for boxes
        align: Work = as_imported
        if tools.aligner is not None:
            align = Aligning(aligner=tools.aligner, options=options, detector=detector)
        recognize = Recognizing(recognizers=tools.recognizers) if tools.recognizers else None
        pick = identity_filter(options, tools.recognizers, tools.references, self.left_out)
        mask = Masking(maskers=tools.maskers) if tools.maskers else None
        threads: list[list[tuple[str, Work | None, Callable[[Group], int]]]] = [
            [("detect", self._detect(detector), len)],
            [("align", align, _detections), ("filter", filtering(options, self.left_out), _faces)],
            [("identify", recognize, _faces), ("identity filter", pick, _faces), ("mask", mask, _faces)],
        ]
        asked_for = ([_Step(name, work, items) for name, work, items in steps if work] for steps in threads)
        return [steps for steps in asked_for if steps]

    def _ahead(self, items: Iterable[T], stage: str, reader: str) -> Generator[T, None, None]:
        """Let a stage run in a thread of its own, one item ahead of the stage that reads it."""
        return background(items, 1, starved=self.timings.starving(reader), blocked=self.timings.blocking(stage))

    def _detect(self, detector: Detector | None) -> Work:
        if self.imported is not None:
            return self.imported
        if detector is None:
            raise ConfigError("there is neither a detector nor anything to import; build the tools by the plan")
        detecting = Detecting(detector=detector, options=self.options)
        return detecting if self.options.detect_every == 1 else Tracking(detecting=detecting, options=self.options)

    def _decoded(self, reader: MediaReader, wanted: range, done: Collection[int]) -> Iterator[Shot]:
        """The frames to do, and those that are done but needed for them, in order."""
        context, cuts = context_of(wanted, done, self.options.detect_every), Cuts()
        passed_over = frozenset(done) - context
        first = next(index for index in wanted if index not in passed_over)
        frames = iter(reader.frames(first, self.options.stop, wanted.step))
        try:
            while True:
                with self.timings.measure("decode"):
                    frame = next(frames, None)
                    if frame is None:
                        return
                    if frame.index in passed_over:
                        continue
                    shot = cuts(replace(Shot.of(frame), context=frame.index in context))
                self.timings.count("decode", 1)
                yield shot
        finally:
            close(frames)

    def _each(self, groups: Groups, step: _Step) -> Groups:
        with closing(groups), ExitStack() as end:
            end.callback(close, step.work)  # some have something to say then
            for group in groups:
                try:
                    with self.timings.measure(step.name):
                        worked = step.work(group)
                except FsppError as error:
                    error.add_note(f"in {step.name}, frames {group[0].name} to {group[-1].name}")
                    raise
                self.timings.count(step.name, step.items(group))
                if left := [shot for shot in worked if not shot.context]:  # the first step is all that needs context
                    yield left

    def _saved(self, shot: Shot) -> Shot:
        """Write the crops of a frame; each file is there whole or not at all."""
        options = self.options
        if not options.save_faces:
            return shot
        with self.timings.measure("crop"):
            for number, face in enumerate(shot.faces):
                matrix = geometry.crop_matrix(face.landmarks, options.face_type, options.size)
                if geometry.scale_of(matrix) * options.min_scale > 100:
                    continue
                image = geometry.warp(shot.image, matrix, options.size)
                crop = FaceCrop(
                    crop=Crop(image=image, matrix=matrix, face_type=options.face_type),
                    face=face,
                    frame_index=shot.index,
                    frame_name=shot.name,
                    face_index=number,
                    media=self.media,
                )
                write_face_crop(self.faces / crop.file_name, crop)
        self.timings.count("crop", len(shot.faces))
        return shot


class _Step(NamedTuple):
    """What is done with groups of frames, under its name; and what it does of them, to be counted."""

    name: str
    work: Work
    items: Callable[[Group], int]


def _detections(group: Group) -> int:
    return sum(len(shot.detections) for shot in group)


def _faces(group: Group) -> int:
    return sum(len(shot.faces) for shot in group)


def _singly(groups: Groups) -> Generator[Shot, None, None]:
    with closing(groups):
        for group in groups:
            yield from group
