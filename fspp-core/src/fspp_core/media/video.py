"""Read a video through PyAV: threads on, upright, in the right colours, every frame with its index and time."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from fspp_core.errors import MediaError
from fspp_core.files import long_path
from fspp_core.media.info import ColorTags, MediaInfo
from fspp_core.media.light import read_light
from fspp_core.media.orientation import Orientation, read_orientation
from fspp_core.media.pixels import assumed_space, depth, to_image
from fspp_core.media.reader import MediaReader
from fspp_core.media.scan import Scan, open_video, scan
from fspp_core.types import Frame

LOG = logging.getLogger(__name__)

_INTERLACED_ORDERS = range(2, 6)
_BLOCK_BYTES, _BLOCKS = 1 << 16, 16
_NEAR_FRAMES = 48
"""How many frames ahead decoding on is taken to be cheaper than seeking."""
_KEY_TRIES = 2
_DECODE_ERRORS = (av.error.FFmpegError, OSError, ValueError)


class VideoReader(MediaReader):
    """A video file. Each pass over the frames opens the file for itself, so that passes do not disturb each other.

    Attributes:
        orientation: what was done to the stored frames to make them upright.
    """

    def __init__(self, path: Path, *, accept_damage: bool = False) -> None:
        self._path = path
        self._accept = accept_damage
        self._lock = threading.Lock()
        self._cursor: Iterator[tuple[int, av.VideoFrame]] | None = None
        self._next = 0
        self._scan: Scan = scan(path)
        self._positions = {int(pts): i for i, pts in enumerate(self._scan.pts)}
        self._width = max(6, len(str(len(self._scan))))
        container, stream = open_video(path)
        with container:
            self.info, self.orientation = _probe(path, container, stream, self._scan)
        if self._scan.damage:
            LOG.warning("%s: %s", path, self._scan.damage)

    @property
    def timing(self) -> Scan:
        """Presentation time and duration of every frame."""
        return self._scan

    def frames(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        """As `MediaReader.frames`."""
        wanted = self.indices(start, stop, step)
        return self._frames(wanted, to_the_end=stop is None or stop > self.info.frame_count)

    def _frames(self, wanted: range, *, to_the_end: bool) -> Iterator[Frame]:
        if wanted:
            due = wanted.start  # the frame that has to come next for there to be no gap
            decoded = self._decode(wanted.start)
            try:
                for index, picture in decoded:
                    if index > due:
                        self._complain(f"damaged at frame {due}, which cannot be decoded")
                    due = max(due, index + 1)
                    if index in wanted:
                        yield self._frame(index, picture)
                    if index >= wanted[-1]:
                        break
            finally:
                decoded.close()  # type: ignore[attr-defined]
            if due <= wanted[-1]:
                self._complain(f"damaged from frame {due} on, which cannot be decoded")
        if to_the_end and self._scan.damage:
            self._complain(self._scan.damage)

    def frame(self, index: int) -> Frame:
        """As `MediaReader.frame`."""
        self.check_index(index)
        with self._lock:
            if self._cursor is None or not self._next <= index < self._next + _NEAR_FRAMES:
                self._rewind(index)
            cursor = self._cursor
            for found, picture in cursor or ():
                self._next = found + 1
                if found == index:
                    return self._frame(found, picture)
                if found > index:
                    break
            self._drop_cursor()
        raise MediaError(f"{self._path}: frame {index} cannot be decoded; the file is damaged there")

    def name(self, index: int) -> str:
        """The video's stem with the frame's number."""
        return f"{self._path.stem}_{index:0{self._width}d}"

    def fingerprint(self) -> str:
        """SHA-256 over the size and blocks from all over the file."""
        place = long_path(self._path)
        size = place.stat().st_size
        digest = hashlib.sha256(str(size).encode())
        with place.open("rb") as file:
            for block in range(_BLOCKS):
                file.seek(max(0, size - _BLOCK_BYTES) * block // (_BLOCKS - 1))
                digest.update(file.read(_BLOCK_BYTES))
        return digest.hexdigest()

    def close(self) -> None:
        """Let go of the file; passes still running end by themselves."""
        with self._lock:
            self._drop_cursor()

    def _drop_cursor(self) -> None:
        if self._cursor is not None:
            self._cursor.close()  # type: ignore[attr-defined]
        self._cursor = None

    def _rewind(self, index: int) -> None:
        self._drop_cursor()
        self._cursor, self._next = self._decode(index), 0

    def _complain(self, what: str) -> None:
        if not self._accept:
            raise MediaError(f"{self._path}: {what}; copy or record it anew, or accept the damage to use what is there")
        LOG.warning("%s: %s; going on with what is there", self._path, what)

    def _frame(self, index: int, picture: av.VideoFrame) -> Frame:
        return Frame(
            index=index,
            name=self.name(index),
            image=self.orientation.apply(to_image(picture, self.info.color)),
            pts=int(self._scan.pts[index]),
            time_base=self.info.time_base,
            duration=int(self._scan.durations[index]),
            native=picture,
        )

    def _decode(self, start: int) -> Iterator[tuple[int, av.VideoFrame]]:
        """Decoded pictures with their indices, from `start` on or a little before.

        Some containers seek to a place behind the one asked for: then an earlier key frame is tried, and the start of
        the file last.
        """
        for key in self._entries(start):
            container, stream = open_video(self._path)
            with container:
                stream.thread_type = "AUTO"
                for other in container.streams:
                    if other.index != stream.index:
                        other.discard = av.stream.Discard.all
                if key is not None:
                    container.seek(key, stream=stream)
                arrived = False
                for index, picture in self._indexed(self._pictures(container, stream)):
                    if not arrived and key is not None and index > start:
                        break
                    arrived = True
                    yield index, picture
                if arrived:
                    return

    def _entries(self, start: int) -> Iterator[int | None]:
        """Times of key frames to enter at for frame `start`, nearest first; None is the start of the file."""
        if self._scan.timed:
            nearest = int(np.searchsorted(self._scan.keys, self._scan.pts[start], side="right"))
            yield from (int(key) for key in self._scan.keys[max(1, nearest - _KEY_TRIES) : nearest][::-1])
        yield None

    def _indexed(self, pictures: Iterator[av.VideoFrame]) -> Iterator[tuple[int, av.VideoFrame]]:
        if not self._scan.timed:
            yield from zip(range(len(self._scan)), pictures, strict=False)
            return
        for picture in pictures:
            index = self._positions.get(picture.pts if picture.pts is not None else -1)
            if index is not None:
                yield index, picture

    def _pictures(self, container: Any, stream: Any) -> Iterator[av.VideoFrame]:
        """Decode until the end, or until damage: what the decoder still holds then comes out first."""
        try:
            for packet in container.demux(stream):
                if packet.is_corrupt:
                    break
                for picture in stream.decode(packet):
                    if picture.is_corrupt:
                        return
                    yield picture
            else:
                return
        except _DECODE_ERRORS as error:
            LOG.warning("%s: decoding stopped: %s", self._path, error)
        try:
            yield from stream.decode(None)
        except _DECODE_ERRORS:
            return


def _probe(path: Path, container: Any, stream: Any, timing: Scan) -> tuple[MediaInfo, Orientation]:
    """What the stream and its first frame say."""
    try:
        first = next(container.decode(stream))
    except (StopIteration, *_DECODE_ERRORS) as error:
        raise MediaError(f"{path}: its first frame cannot be decoded: {error or 'nothing came'}") from error
    coder = stream.codec_context
    tags = ColorTags(
        primaries=int(coder.color_primaries or 2),
        transfer=int(coder.color_trc or 2),
        space=int(coder.colorspace),
        range=int(coder.color_range),
    )
    orientation, square = read_orientation(first)
    if not square:
        LOG.warning("%s: asks to be shown at an angle that is no quarter turn; frames stay as they are stored", path)
    elif not orientation.upright:
        LOG.info("%s: frames are turned by %d degrees to be upright", path, orientation.rotation)
    width, height = first.width, first.height
    if tags.space == 2 and not first.format.is_rgb:
        assumed = "BT.709" if assumed_space(tags, width, height) == 1 else "BT.601"
        LOG.info("%s: does not say its YUV matrix; %s is taken, as players do", path, assumed)
    if tags.hdr:
        LOG.info(
            "%s: %s footage; values are kept as they are and its tags carried over, not tone-mapped", path, tags.hdr
        )
    if orientation.transpose:
        width, height = height, width
    base = stream.time_base
    ticks = int(timing.pts[-1] + timing.durations[-1] - timing.pts[0])
    aspect = stream.sample_aspect_ratio or Fraction(1)
    field_order = int(coder.field_order)
    info = MediaInfo(
        path=path.absolute(),
        kind="video",
        width=width,
        height=height,
        frame_count=len(timing),
        time_base=base,
        average_rate=stream.average_rate or Fraction(len(timing), max(1, ticks)) / base,
        duration_s=float(ticks * base),
        rotation=orientation.rotation,
        mirrored=orientation.mirrored,
        bit_depth=depth(first.format.name),
        pixel_format=first.format.name,
        color=tags,
        light=read_light(first),
        interlaced=field_order in _INTERLACED_ORDERS or bool(first.interlaced_frame),
        field_order=field_order,
        aspect=1 / aspect if orientation.transpose else aspect,
        codec=coder.name,
        audio_streams=len(container.streams.audio),
        damage=timing.damage,
    )
    return info, orientation
