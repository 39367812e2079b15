"""Detect on every k-th frame only and follow the faces in between; detect anew where one is lost."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field, replace

from fspp_core.extraction.detection.detecting import Detecting, kept
from fspp_core.extraction.detection.flow import Follower, levels_of
from fspp_core.extraction.detection.turning import turn_like
from fspp_core.extraction.options import ExtractOptions
from fspp_core.extraction.shots import Group, Shot, Turned

LOG = logging.getLogger(__name__)

_SIZES = 64  # sizes of frames whose last faces are remembered


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Seen:
    """What is known after a frame.

    Attributes:
        place: of the frame, among those that are looked at.
        followers: its faces, in the pixels of `turned` where that is set.
        turned: how the faces were found.
        expected: as many faces as were there before some were lost; until they are back, every frame is detected on.
    """

    place: int
    followers: tuple[Follower, ...]
    turned: Turned | None
    expected: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tracking:
    """The detect stage when not every frame is detected on; one object for all frames of a run, in their order.

    What it gives for a frame depends on the frames from the last one on that had to be detected on, and on nothing
    else: not on how the frames are grouped, nor on where a run was interrupted.
    """

    detecting: Detecting
    options: ExtractOptions
    _last: dict[tuple[int, ...], _Seen] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)

    def __call__(self, group: Group) -> Group:
        """The same frames with their detections. Those that have to be detected on are, all at once, beforehand."""
        size = group[0].image.shape
        last = self._last.pop(size, None)
        due = self._due(group, last)
        found = {shot.index: shot for shot in self.detecting.detect(due)} if due else {}
        self._counts["due"] += len(due)
        done = []
        for shot in group:
            detected = found.get(shot.index)
            if detected is None and last is not None:
                last, shot = self._follow(last, shot)
            elif detected is not None:
                last, shot = self._begin(detected), detected
            done.append(shot)
        if last is not None:
            self._last[size] = last
        if len(self._last) > _SIZES:
            del self._last[next(iter(self._last))]
        return done

    def close(self) -> None:
        """Say how often faces were lost."""
        LOG.info(
            "detected on %d frames that were due and %d more on which a face was lost; followed faces on %d",
            *(self._counts[kind] for kind in ("due", "lost", "followed")),
        )

    def _place(self, shot: Shot) -> int:
        return (shot.index - self.options.start) // self.options.every

    def _due(self, group: Group, last: _Seen | None) -> Group:
        """The frames whose turn it is, and those that do not follow on the one before."""
        due, before = [], None if last is None else last.place
        for shot in group:
            place = self._place(shot)
            if place % self.options.detect_every == 0 or shot.cut or before is None or before != place - 1:
                due.append(shot)
            before = place
        return due

    def _begin(self, shot: Shot, expected: int = 0) -> _Seen:
        levels = levels_of(shot.picture) if shot.detections else ()
        return _Seen(
            place=self._place(shot),
            followers=tuple(Follower.of(levels, detection) for detection in shot.detections),
            turned=shot.turned,
            expected=max(expected, len(shot.detections)),
        )

    def _follow(self, last: _Seen, shot: Shot) -> tuple[_Seen, Shot]:
        if len(last.followers) == last.expected:
            followed = shot if last.turned is None else replace(shot, turned=turn_like(shot.image, last.turned))
            levels = levels_of(followed.picture) if last.followers else ()
            followers = tuple(follower.follow(levels) for follower in last.followers)
            if all(follower.score >= self.options.track_score for follower in followers):
                faces = kept((follower.found(levels) for follower in followers), self.options)
                seen = replace(last, place=self._place(shot), followers=followers)
                self._counts["followed"] += bool(followers)
                return seen, replace(followed, detections=faces)
        self._counts["lost"] += 1
        [detected] = self.detecting.detect([shot])
        return self._begin(detected, last.expected), detected
