"""The stages between reader and writer: decode, cut, swap, blend, each running ahead of the next within bounds."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass

from fspp_core.concurrency import background, close, ordered_map
from fspp_core.conversion.faces import FrameJob, cut, evaluated, patches
from fspp_core.conversion.paste import paste
from fspp_core.conversion.plan import Plan
from fspp_core.conversion.smoothing import Smoothing
from fspp_core.conversion.swapping import Swapper
from fspp_core.media import MediaReader
from fspp_core.media.repaint import repaint
from fspp_core.progress import Timings
from fspp_core.types import Frame

_AHEAD = 4  # frames decoded ahead, and frames swapped ahead


@dataclass(frozen=True, slots=True, eq=False)
class Converted:
    """A frame ready to be written.

    Attributes:
        frame: itself as it was read when no face was swapped.
        faces: number of faces swapped in it.
    """

    frame: Frame
    faces: int


def converted(
    reader: MediaReader, start: int, plan: Plan, timings: Timings, *, keep_samples: bool
) -> Generator[Converted, None, None]:
    """The frames of the output from `start` on, in order.

    Args:
        timings: gets the seconds of "decode", "cut", "swap", "mask" and "blend"; stages overlap.
        keep_samples: whether untouched parts of a frame keep the very samples they were decoded to, for a video.
    """
    selection, recipe, workers = plan.selection, plan.recipe, plan.options.workers

    def cut_out(frame: Frame) -> FrameJob:
        with timings.measure("cut"):
            faces, first = selection.of_frame(frame.index, recipe.masks)
            return cut(frame, faces, first, recipe)

    def blend(job: FrameJob) -> Converted:
        if not job.faces:
            return Converted(job.frame, 0)
        with timings.measure("blend"):
            image, box = paste(job.frame.image, patches(job.faces, recipe))
            if box is None:
                return Converted(job.frame, len(job.faces))
            if keep_samples:
                return Converted(repaint(job.frame, image, box, reader.info), len(job.faces))
            return Converted(job.frame.with_image(image), len(job.faces))

    def look(job: FrameJob) -> FrameJob:
        with timings.measure("mask"):
            for face in job.faces:
                evaluated(face, recipe)
        return job

    # Masks are averaged with those of earlier frames, which a run that goes on makes again.
    lead_in = max(0, start - recipe.smooth)
    decoded = background(_timed(reader.frames(lead_in), timings), _AHEAD)
    jobs = ordered_map(cut_out, decoded, workers)
    swapped: Iterator[FrameJob] = background(Swapper(plan.network, plan.batch, recipe, timings).run(jobs), _AHEAD)
    if recipe.smooth:
        swapped = Smoothing(recipe.smooth, selection.shot).run(ordered_map(look, swapped, workers), start)
    return ordered_map(blend, swapped, workers)


def _timed(frames: Iterable[Frame], timings: Timings) -> Iterator[Frame]:
    iterator = iter(frames)
    try:
        while True:
            with timings.measure("decode"):
                frame = next(iterator, None)
            if frame is None:
                return
            yield frame
    finally:
        close(iterator)
