"""Put finished segments, sound and subtitles into one file without encoding anything again."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import numpy.typing as npt

from fspp_core.errors import MediaError
from fspp_core.files import long_path
from fspp_core.media.failures import AV_ERRORS
from fspp_core.media.plan import Plan
from fspp_core.media.scan import open_video
from fspp_core.media.segment import add_encoder, ranks_of

LOG = logging.getLogger(__name__)

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
_MILLISECONDS = frozenset({"matroska", "webm"})


class Times(NamedTuple):
    """When the frames of the output are shown: (n,) int64 ticks each, ascending."""

    pts: npt.NDArray[np.int64]
    durations: npt.NDArray[np.int64]


def container_of(path: Path) -> str:
    """PyAV's name of the container a suffix stands for.

    Raises:
        MediaError: for suffixes that are not written.
    """
    try:
        return CONTAINERS[path.suffix.lower()]
    except KeyError:
        known = ", ".join(CONTAINERS)
        raise MediaError(f"{path}: {path.suffix or 'no suffix'} is not written; take one of {known}") from None


class SourceTracks:
    """Sound, subtitles, chapters and titles of the source, copied packet by packet.

    Attributes:
        kept: indices of the streams that are copied.
    """

    def __init__(self, source: Path, container: str) -> None:
        self._source = source
        self.kept: list[int] = []
        opened, video = open_video(source)
        with opened:
            for stream in opened.streams:
                if stream.index == video.index:
                    continue
                if _fits(stream, container):
                    self.kept.append(stream.index)
                elif stream.type == "audio":
                    raise MediaError(
                        f"{source}: its sound ({stream.codec_context.name}) cannot go into {container}; write .mkv or "
                        ".mov, or leave the sound away with audio=false"
                    )
                else:
                    LOG.warning("%s: stream %d (%s) cannot go into %s and is left out", *(source, stream.index),
                                stream.type, container)  # fmt: skip

    def open(self, stack: ExitStack, output: Any) -> tuple[Any, dict[int, Any]]:
        """Add the copied streams to `output`; returns the opened source and its streams' twins by index."""
        source, _ = open_video(self._source)
        stack.enter_context(source)
        output.metadata.update(
            {k: v for k, v in source.metadata.items() if k not in ("major_brand", "minor_version", "compatible_brands")}
        )
        if source.chapters():
            output.set_chapters(source.chapters())
        twins = {}
        for index in self.kept:
            original = source.streams[index]
            twins[index] = twin = output.add_stream_from_template(original, opaque=True)
            twin.metadata.update({k: v for k, v in original.metadata.items() if k in ("language", "title")})
            twin.disposition = original.disposition
        for stream in source.streams:
            if stream.index not in twins:
                stream.discard = av.stream.Discard.all
        return source, twins


def _fits(stream: Any, container: str) -> bool:
    """Whether the muxer takes a stream of this kind, found out by trying."""
    if stream.type not in ("audio", "subtitle"):
        return False
    try:
        with av.open(BytesIO(), "w", format=container) as probe:
            probe.add_stream_from_template(stream, opaque=True)
            probe.start_encoding()
    except AV_ERRORS:
        return False
    return True


def check_plan(plan: Plan, container: str, path: Path) -> None:
    """Find out before hours of work whether the encoder and the container take these settings.

    Raises:
        MediaError: when they do not.
    """
    try:
        with av.open(BytesIO(), "w", format="matroska") as probe:
            stream = add_encoder(probe, plan)
            frame = av.VideoFrame(plan.width, plan.height, plan.pixel_format)
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.pts, frame.time_base = 0, plan.time_base
            packets = [*stream.encode(frame), *stream.encode()]
        if not packets:
            raise ValueError("it gives nothing back")
    except AV_ERRORS as error:
        raise MediaError(
            f"{path}: the encoder {plan.encoder} refuses {plan.width}x{plan.height} {plan.pixel_format} with "
            f"{dict(plan.settings)}: {error}"
        ) from error
    try:
        with av.open(BytesIO(), "w", format=container) as probe:
            add_encoder(probe, plan)
            probe.start_encoding()
    except AV_ERRORS as error:
        raise MediaError(f"{path}: {plan.codec} cannot go into {container}: {error}; take .mkv") from error
    if container in _MILLISECONDS and (1000 * plan.time_base).denominator != 1 and plan.time_base.numerator != 1:
        LOG.info("%s: %s keeps times in milliseconds; they are rounded", path, container)
    elif container in _MILLISECONDS and (plan.time_base * 1000).denominator != 1:
        LOG.warning(
            "%s: %s keeps times in milliseconds; finer ones are rounded, .mp4 or .mov keep them", path, container
        )


def join(
    output: Path,
    plan: Plan,
    segments: Sequence[Path],
    times: Times,
    tracks: SourceTracks | None,
    metadata: Mapping[str, str],
) -> None:
    """Write `output` from segments and the source's other tracks, with `metadata` over that of the source.

    A comment of the source is kept above the new one.

    Raises:
        MediaError: when segments do not belong together.
    """
    container = container_of(output)
    ticks = str(plan.time_base.denominator)
    settings = {"video_track_timescale": ticks, "movie_timescale": ticks} if container in ("mp4", "mov") else {}
    if container == "mp4":
        settings["movflags"] = "faststart"
    ranks = _all_ranks(segments)
    if len(ranks) != len(times.pts):
        raise MediaError(
            f"{output}: its parts hold {len(ranks)} frames instead of {len(times.pts)}; remove them and rerun"
        )
    decoding = decode_times(ranks, times)
    with ExitStack() as stack:
        target = stack.enter_context(av.open(str(long_path(output)), "w", format=container, container_options=settings))
        first = stack.enter_context(av.open(str(segments[0])))
        video = target.add_stream_from_template(first.streams.video[0], opaque=True)
        video.time_base = plan.time_base
        coder = video.codec_context
        coder.framerate = plan.rate if plan.constant else Fraction(0)
        coder.sample_aspect_ratio = plan.aspect
        coder.color_primaries, coder.color_trc = plan.color.primaries, plan.color.transfer
        coder.colorspace, coder.color_range = plan.color.space, plan.color.range
        if plan.codec == "h265" and container in ("mp4", "mov"):
            coder.codec_tag = "hvc1"  # what QuickTime plays
        streams = [_video_packets(segments, video, ranks, decoding, times, plan)]
        if tracks is not None:
            source, twins = tracks.open(stack, target)
            if twins:
                streams.append(_copied_packets(source, twins))
        told = target.metadata.get("comment")
        target.metadata.update(metadata)
        if told and "comment" in metadata:
            target.metadata["comment"] = f"{told}\n{metadata['comment']}"
        for _, packet in heapq.merge(*streams, key=lambda entry: entry[0]):
            target.mux(packet)


def decode_times(ranks: npt.NDArray[np.int64], times: Times) -> npt.NDArray[np.int64]:
    """Decoding times for frames coded in the order `ranks`: strictly ascending, none after its presentation time.

    The k-th coded frame is decoded when the frame shown `delay` places before it is shown; the first `delay` ones lie
    before the start, at even steps chosen so that the track lasts as long as its frames.
    """
    count = len(ranks)
    delay = int(np.max(np.arange(count) - ranks))
    tail = times.pts[-1] - times.pts[count - 1 - delay]
    step = max(1, int(tail) // delay) if delay else 0
    before = times.pts[0] - step * np.arange(delay, 0, -1)
    return np.concatenate([before, times.pts[: count - delay]])


def _all_ranks(segments: Sequence[Path]) -> npt.NDArray[np.int64]:
    """Presentation ranks of all packets in coding order; segments must share their parameter sets."""
    ranks: list[int] = []
    headers = set()
    for segment in segments:
        with av.open(str(segment)) as opened:
            headers.add(bytes(opened.streams.video[0].codec_context.extradata or b""))
            base = len(ranks)
            ranks.extend(base + rank for rank in ranks_of(opened))
    if len(headers) > 1:
        raise MediaError(f"{segments[0].parent}: segments were made by different encoders; remove the folder and rerun")
    return np.array(ranks, np.int64)


def _video_packets(
    segments: Sequence[Path],
    stream: Any,
    ranks: Iterable[int],
    decoding: npt.NDArray[np.int64],
    times: Times,
    plan: Plan,
) -> Iterator[tuple[float, Any]]:
    queue = zip(ranks, decoding, strict=True)
    for segment in segments:
        with av.open(str(segment)) as opened:
            for packet in opened.demux(opened.streams.video[0]):
                if not packet.size:
                    continue
                rank, dts = next(queue)
                packet.pts, packet.dts = int(times.pts[rank]), int(dts)
                packet.duration = int(times.durations[rank])
                packet.time_base = plan.time_base
                packet.stream = stream
                yield float(dts * plan.time_base), packet


def _copied_packets(source: Any, twins: dict[int, Any]) -> Iterator[tuple[float, Any]]:
    for packet in source.demux([source.streams[index] for index in twins]):
        time = packet.dts if packet.dts is not None else packet.pts
        if not packet.size or time is None:
            continue
        when = float(time * packet.time_base)
        packet.stream = twins[packet.stream_index]
        yield when, packet
