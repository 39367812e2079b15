"""Write a video in segments, so that a kill loses at most the open one, and join them at the end."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
import numpy as np

from fspp_core.errors import MediaError
from fspp_core.files import atomic_path, atomic_write, remove_leftovers
from fspp_core.media.failures import AV_ERRORS, failure
from fspp_core.media.join import SourceTracks, Times, check_plan, container_of, join
from fspp_core.media.options import EncodeOptions
from fspp_core.media.orientation import turn_frame
from fspp_core.media.parts import Parts
from fspp_core.media.plan import plan_encoding
from fspp_core.media.reader import MediaReader
from fspp_core.media.scan import scan
from fspp_core.media.segment import SegmentEncoder
from fspp_core.media.video import VideoReader
from fspp_core.media.writer import MediaWriter
from fspp_core.types import Frame

LOG = logging.getLogger(__name__)

_FORMAT = 1


class VideoWriter(MediaWriter):
    """A video being written."""

    def __init__(
        self,
        path: Path,
        *,
        like: MediaReader,
        options: EncodeOptions,
        resume: bool,
        job: Mapping[str, Any],
        metadata: Mapping[str, str],
    ) -> None:
        self._path = path
        self._metadata = metadata
        self._like = like
        self._parts = Parts(path)
        container = container_of(path)
        before = self._parts.job() or {}
        self._plan = plan_encoding(
            like.info, options, threads=before.get("plan", {}).get("threads"), constant=_is_constant(like)
        )
        check_plan(self._plan, container, path)
        video = isinstance(like, VideoReader)
        self._tracks = SourceTracks(like.info.path, container) if video and options.audio else None
        whole_job = {
            "format": _FORMAT,
            "source": like.fingerprint(),
            "plan": self._plan.to_dict(),
            "versions": {"av": av.__version__, **{k: list(v) for k, v in av.library_versions.items()}},
            **job,
        }
        self._pts: list[int] = []
        self._durations: list[int] = []
        self._segments: list[Path] = []
        self._encoder: SegmentEncoder | None = None
        self._closed = False
        if self._parts.begin(whole_job, resume=resume):
            self._take_over()
        remove_leftovers(path.parent, path.name)
        self._safe = len(self._pts)
        if self._safe:
            LOG.info("%s: going on after %d frames of an earlier run", path, self._safe)

    @property
    def done(self) -> int:
        """As `MediaWriter.done`: frames of finished segments."""
        return self._safe

    def write(self, frame: Frame) -> None:
        """As `MediaWriter.write`."""
        if self._closed:
            raise MediaError(f"{self._path}: is finished; frame {frame.index} comes too late")
        plan = self._plan
        if frame.image.shape[:2] != (plan.height, plan.width):
            height, width = frame.image.shape[:2]
            raise MediaError(
                f"{self._path}: frame {frame.name} is {width}x{height}, the video {plan.width}x{plan.height}; a video "
                "has one size: write a folder of pictures, or make the pictures equal first"
            )
        pts, duration = self._time(frame)
        if self._pts and pts <= self._pts[-1]:
            raise MediaError(f"{self._path}: frame {frame.name} is shown at tick {pts}, not after {self._pts[-1]}")
        try:
            if self._encoder is None:
                place = self._parts.folder / f"{len(self._segments):06d}.mkv"
                self._encoder = SegmentEncoder(place, plan)
                self._segments.append(place)
            self._encoder.write(frame, pts, self._native(frame))
        except AV_ERRORS as error:
            raise failure(self._path, f"encoding frame {frame.name}", error) from error
        self._pts.append(pts)
        self._durations.append(duration)
        if len(self._pts) - self._safe >= plan.segment_frames:
            self._finish_segment()

    def close(self) -> None:
        """As `MediaWriter.close`."""
        if self._closed:
            return
        self._finish_segment()
        if not self._pts:
            self._parts.remove()
            raise MediaError(f"{self._path}: no frames were written")
        times = Times(np.array(self._pts, np.int64), self._lasting())
        try:
            with atomic_path(self._path) as temporary:
                join(temporary, self._plan, self._segments, times, self._tracks, self._metadata)
                _check(temporary, self._path, len(times.pts))
        except AV_ERRORS as error:
            raise failure(self._path, "joining its parts", error) from error
        self._closed = True
        self._parts.remove()

    def abort(self) -> None:
        """As `MediaWriter.abort`."""
        self._closed = True
        if self._encoder is not None:
            encoder, self._encoder = self._encoder, None
            stop = InterruptedError("stopped")
            encoder.__exit__(type(stop), stop, None)
        self._parts.release()

    def _native(self, frame: Frame) -> av.VideoFrame | None:
        """The frame's own pixels, if they can go into the output as they are."""
        native = frame.native
        if not isinstance(native, av.VideoFrame) or not isinstance(self._like, VideoReader):
            return None
        if native.format.name.replace("yuvj", "yuv") != self._plan.pixel_format:
            return None
        return turn_frame(native, self._like.orientation)

    def _time(self, frame: Frame) -> tuple[int, int]:
        """Presentation time and duration in ticks of the output."""
        if frame.pts is None or frame.time_base is None:
            return frame.index, 1
        scale = frame.time_base / self._plan.time_base
        return round(frame.pts * scale), round((frame.duration or 0) * scale)

    def _lasting(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Durations: to the next frame; of the last one as it says itself."""
        steps = np.diff(np.array(self._pts, np.int64))
        usual = int(np.median(steps)) if len(steps) else round(1 / (self._plan.rate * self._plan.time_base))
        return np.append(steps, self._durations[-1] or max(1, usual))

    def _finish_segment(self) -> None:
        if self._encoder is None:
            return
        encoder, self._encoder = self._encoder, None
        segment = self._segments[-1]
        try:
            encoder.__exit__(None, None, None)
            record = {
                "bytes": segment.stat().st_size,
                "pts": self._pts[self._safe :],
                "durations": self._durations[self._safe :],
            }
            atomic_write(segment.with_suffix(".json"), json.dumps(record))
        except AV_ERRORS as error:
            self._segments.pop()
            raise failure(self._path, "encoding", error) from error
        self._safe = len(self._pts)

    def _take_over(self) -> None:
        """Count the finished segments of an earlier run; one without its record, or of another size, ends the row."""
        while True:
            segment = self._parts.folder / f"{len(self._segments):06d}.mkv"
            try:
                record = json.loads(segment.with_suffix(".json").read_text("utf-8"))
                if segment.stat().st_size != record["bytes"]:
                    return
            except (OSError, ValueError):
                return
            self._segments.append(segment)
            self._pts.extend(record["pts"])
            self._durations.extend(record["durations"])


def _is_constant(like: MediaReader) -> bool:
    if not isinstance(like, VideoReader):
        return True
    steps = like.timing.durations[:-1]
    return bool(len(steps) == 0 or steps.max() - steps.min() <= 1)


def _check(file: Path, output: Path, frames: int) -> None:
    """Make sure, before it takes its name, that the file holds what was written."""
    found = scan(file)
    if len(found) != frames or found.damage:
        raise MediaError(
            f"{output}: {len(found)} of {frames} frames arrived in the file {found.damage}; see if the disk is full"
        )
