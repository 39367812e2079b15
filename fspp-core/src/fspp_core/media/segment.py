"""Encode a run of frames into a file of its own that starts with a key frame and depends on nothing before it."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
from av.codec.context import Flags

from fspp_core.files import atomic_path
from fspp_core.media.pixels import to_frame
from fspp_core.media.plan import Plan
from fspp_core.types import Frame

_MILLI = Fraction(1, 1000)
_LEAD = 64
"""Added to presentation ranks in a segment file, so that no decoding time has to be negative."""
_TOP_FIELD_FIRST = frozenset({2, 4})


class SegmentEncoder:
    """One segment being written; Matroska, in which a frame's time is its rank, so that any tick can be kept beside.

    Used as a context manager: the file appears whole when the block ends well.
    """

    def __init__(self, path: Path, plan: Plan) -> None:
        self._plan = plan
        self._file: AbstractContextManager[Path] = atomic_path(path)
        self._container: Any = av.open(str(self._file.__enter__()), "w", format="matroska")
        self._stream = add_encoder(self._container, plan)
        self._ranks: dict[int, int] = {}
        self._packets = 0
        self._fields = _FieldFlagger(plan) if plan.field_order else None

    def write(self, frame: Frame, pts: int, native: av.VideoFrame | None) -> None:
        """Encode one frame at time `pts`; `native` are its own pixels where those are to be used as they are."""
        picture = native
        if picture is None:
            picture = to_frame(frame.image, self._plan.pixel_format, self._plan.color)
        picture.pts, picture.time_base = pts, self._plan.time_base
        picture.pict_type = 0  # else encoders repeat the source's choice of key frames
        tags = self._plan.color
        picture.color_primaries, picture.color_trc = tags.primaries, tags.transfer
        picture.colorspace, picture.color_range = tags.space, tags.range
        if self._fields is not None:
            picture = self._fields.flag(picture)
        self._ranks[pts] = len(self._ranks)
        self._mux(self._stream.encode(picture))

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:
            packet.pts = _LEAD + self._ranks[packet.pts]
            packet.dts = self._packets
            packet.duration = 1
            packet.time_base = _MILLI
            self._packets += 1
            self._container.mux(packet)

    def __enter__(self) -> SegmentEncoder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._mux(self._stream.encode())
                if self._packets != len(self._ranks):
                    raise OSError(f"the encoder gave {self._packets} packets for {len(self._ranks)} frames")
            self._container.close()
        except BaseException as failed:
            self._file.__exit__(type(failed), failed, failed.__traceback__)
            raise
        self._file.__exit__(kind, error, trace)


def add_encoder(container: Any, plan: Plan) -> Any:
    """A video stream in `container` that encodes by `plan`."""
    if plan.codec == "av1":
        os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 knows no other way to be told not to chat on stderr
    stream = container.add_stream(plan.encoder, rate=plan.rate, options=dict(plan.settings))
    coder = stream.codec_context
    coder.width, coder.height, coder.pix_fmt = plan.width, plan.height, plan.pixel_format
    coder.time_base = plan.time_base
    coder.sample_aspect_ratio = plan.aspect
    coder.color_primaries, coder.color_trc = plan.color.primaries, plan.color.transfer
    coder.colorspace, coder.color_range = plan.color.space, plan.color.range
    coder.thread_type, coder.thread_count = "AUTO", plan.threads
    if plan.field_order:
        coder.flags |= Flags.interlaced_dct | Flags.interlaced_me
        coder.field_order = plan.field_order
    return stream


def ranks_of(segment: Any) -> list[int]:
    """Presentation ranks of the packets of a segment file opened with PyAV, in coding order."""
    stream = segment.streams.video[0]
    times = [packet.pts for packet in segment.demux(stream) if packet.size]
    return [int(rank) for rank in np.argsort(np.argsort(times))]


class _FieldFlagger:
    """Marks frames as interlaced, which PyAV frames cannot be told directly."""

    def __init__(self, plan: Plan) -> None:
        self._graph = av.filter.Graph()
        source = self._graph.add_buffer(
            width=plan.width, height=plan.height, format=av.VideoFormat(plan.pixel_format), time_base=plan.time_base
        )
        mode = "tff" if plan.field_order in _TOP_FIELD_FIRST else "bff"
        self._graph.link_nodes(source, self._graph.add("setfield", mode), self._graph.add("buffersink")).configure()

    def flag(self, frame: av.VideoFrame) -> av.VideoFrame:
        self._graph.push(frame)
        marked: av.VideoFrame = self._graph.vpull()
        return marked
