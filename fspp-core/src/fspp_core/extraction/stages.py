"""The stages between footage and journal, from decode to crop; each runs ahead of the next, in bounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

from fspp_core import geometry
from fspp_core.alignments import FaceCrop, MediaRecord, write_face_crop
from fspp_core.concurrency import background, ordered_map
from fspp_core.errors import ConfigError, FsppError
from fspp_core.extraction.aligning import Aligning
from fspp_core.extraction.cuts import Cuts
from fspp_core.extraction.detecting import Detecting
from fspp_core.extraction.filtering import filtering
from fspp_core.extraction.identity_filter import identity_filter
from fspp_core.extraction.importing import Importing, as_imported
from fspp_core.extraction.masking import Masking
from fspp_core.extraction.options import ExtractOptions
from fspp_core.extraction.plan import Tools
from fspp_core.extraction.recognizing import Recognizing
from fspp_core.extraction.resuming import context_of
from fspp_core.extraction.sharing import SharedDetector
from fspp_core.extraction.shots import Group, Shot, by_size
from fspp_core.extraction.tracking import Tracking
from fspp_core.interfaces import Detector
from fspp_core.media import MediaReader
from fspp_core.progress import Timings
from fspp_core.types import Crop

Groups = Generator[Group, None, None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stages:
    """The stages of one extraction.

    Attributes:
        tools: the components at work.
        options: of the extraction.
        media: the footage, as face crops name it.
        faces: folder of the face crops.
        imported: the faces to take instead of looking for them.
        timings: gets the seconds of "decode", "detect", "align", "filter", "identify", "mask", "crop"; they overlap.
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
        found, points = self.tools.detector, self.tools.aligner
        detector = None if found is None else SharedDetector(found)  # with a second pass that looks for boxes
        detect = self._detect(detector)
        align = as_imported if points is None else Aligning(aligner=points, options=self.options, detector=detector)
        sift = filtering(self.options, self.left_out)
        recognize = Recognizing(recognizers=self.tools.recognizers)
        pick = identity_filter(self.options, self.tools.recognizers, self.tools.references, self.left_out)
        mask = Masking(maskers=self.tools.maskers)
        groups = background(by_size(self._decoded(reader, wanted, done), self.options.batch_size), 1)
        detected = background(_to_do(self._each(groups, "detect", detect)), 1)
        aligned = self._each(detected, "align", align)
        sifted = aligned if sift is None else self._each(aligned, "filter", sift)
        identified = background(self._each(sifted, "identify", recognize), 1)
        picked = identified if pick is None else self._each(identified, "filter", pick)
        masked = background(self._each(picked, "mask", mask), 1)
        return ordered_map(self._saved, _singly(masked), self.options.workers)

    def _detect(self, detector: Detector | None) -> Callable[[Group], Group]:
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
                    shot = cuts(Shot.of(frame, context=frame.index in context))
                yield shot
        finally:
            if isinstance(frames, Generator):
                frames.close()

    def _each(self, groups: Groups, stage: str, work: Callable[[Group], Group]) -> Groups:
        with closing(groups), ExitStack() as end:
            end.callback(getattr(work, "close", lambda: None))  # some have something to say then
            for group in groups:
                try:
                    with self.timings.measure(stage):
                        worked = work(group)
                except FsppError as error:
                    error.add_note(f"in {stage}, frames {group[0].name} to {group[-1].name}")
                    raise
                yield worked

    def _saved(self, shot: Shot) -> Shot:
        """Write the crops of a frame; each file is there whole or not at all."""
        if not self.options.save_faces:
            return shot
        with self.timings.measure("crop"):
            for number, face in enumerate(shot.faces):
                matrix = geometry.crop_matrix(face.landmarks, self.options.face_type, self.options.size)
                image = geometry.warp(shot.image, matrix, self.options.size)
                crop = FaceCrop(
                    crop=Crop(image=image, matrix=matrix, face_type=self.options.face_type),
                    face=face,
                    frame_index=shot.index,
                    frame_name=shot.name,
                    face_index=number,
                    media=self.media,
                )
                write_face_crop(self.faces / crop.file_name, crop)
        return shot


def _to_do(groups: Groups) -> Groups:
    """Without the frames that were only there for others."""
    with closing(groups):
        for group in groups:
            if left := [shot for shot in group if not shot.context]:
                yield left


def _singly(groups: Groups) -> Generator[Shot, None, None]:
    with closing(groups):
        for group in groups:
            yield from group
