"""Masks that do not flicker: each is averaged with those of the same face in the frames around it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from fspp_core.concurrency import close
from fspp_core.conversion.faces import FrameJob
from fspp_core.types import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Marks:
    """What is remembered of a frame: its shot, and its faces' masks by track."""

    shot: int
    masks: dict[int, FloatArray] = field(default_factory=dict)


class Smoothing:
    """Averages masks along tracks, with weights that fall like a Gaussian bell to about a tenth at the window's end.

    Masks are averaged in the crops that their faces fill, so that a moving face does not smear. Faces without a track
    keep theirs. Nothing is averaged over a cut.

    Args:
        reach: frames to either side.
        shot_of: from a frame's index to the number of its shot.
    """

    def __init__(self, reach: int, shot_of: Callable[[int], int]) -> None:
        self._reach, self._shot_of = reach, shot_of
        away = np.arange(-reach, reach + 1) / max(reach, 1)
        self._weights = np.exp(-0.5 * (away * 2.1) ** 2).astype(np.float32)

    def run(self, jobs: Iterable[FrameJob], first: int) -> Iterator[FrameJob]:
        """The frames with smoothed masks, in order, `reach` of them later than they come.

        Args:
            jobs: consecutive frames whose faces' masks are evaluated.
            first: index of the first frame that is wanted; those before it only lend their masks.
        """
        waiting: deque[FrameJob] = deque()
        marks: deque[_Marks] = deque([_Marks(-1)] * self._reach, maxlen=2 * self._reach + 1)
        try:
            for job in jobs:
                waiting.append(job)
                marks.append(self._marks(job))
                if len(waiting) > self._reach:
                    yield from self._smoothed(waiting.popleft(), marks, first)
            while waiting:
                marks.append(_Marks(-1))
                if len(marks) == 2 * self._reach + 1:
                    yield from self._smoothed(waiting.popleft(), marks, first)
        finally:
            close(jobs)

    def _marks(self, job: FrameJob) -> _Marks:
        masks = {
            face.face.track: face.seen for face in job.faces if face.face.track is not None and face.seen is not None
        }
        return _Marks(self._shot_of(job.frame.index), masks)

    def _smoothed(self, job: FrameJob, marks: deque[_Marks], first: int) -> Iterator[FrameJob]:
        """The frame in the middle of the window, unless it is only there to lend its masks."""
        if job.frame.index < first:
            return
        shot = marks[self._reach].shot
        for face in job.faces:
            track = face.face.track
            around = [
                (weight, near.masks[track])
                for weight, near in zip(self._weights, marks, strict=True)
                if track is not None and near.shot == shot and track in near.masks
            ]
            if len(around) > 1:
                total = sum(weight for weight, _ in around)
                face.seen = np.zeros_like(around[0][1])
                for weight, mask in around:
                    face.seen += mask * np.float32(weight / total)
        yield job
