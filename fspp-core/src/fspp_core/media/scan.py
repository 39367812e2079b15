"""The frames of a video counted and timed from its packets, without decoding: fast and exact."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from fspp_core.errors import MediaError
from fspp_core.files import long_path


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scan:
    """Timing of every frame of a video stream.

    Attributes:
        pts: (n,) int64, presentation times in ticks, ascending; position is the frame's index.
        durations: (n,) int64 ticks; to the next frame, and of the last one as its packet says.
        keys: (k,) int64, presentation times of the frames where decoding can start, ascending.
        timed: False where the file has no usable times; then `pts` counts frames and nothing can be sought.
        damage: what is missing, empty when the file is whole.
    """

    pts: npt.NDArray[np.int64]
    durations: npt.NDArray[np.int64]
    keys: npt.NDArray[np.int64]
    timed: bool
    damage: str

    def __len__(self) -> int:
        return len(self.pts)


def open_video(path: Path) -> tuple[Any, Any]:
    """Open a video file for reading.

    Returns:
        The PyAV container and its first video stream that is no cover picture.

    Raises:
        MediaError: when the file is not there, is no video, or is cut off before its index.
    """
    try:
        container = av.open(str(long_path(path.resolve())), options={"protocol_whitelist": "file"})
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise MediaError(f"{path}: cannot be opened as a video: {_why(error)}") from error
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            if stream.codec_context is None:
                container.close()
                raise MediaError(f"{path}: no decoder for its video; see `fspp doctor` for those that are there")
            return container, stream
    container.close()
    raise MediaError(f"{path}: holds no video stream")


def _why(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    if "Invalid data" in text or "moov" in text:
        return f"{text}; it is no video, or was cut off before its index was written: record or copy it anew"
    return str(text)


def scan(path: Path) -> Scan:
    """The timing of a video; kept for the files asked about last.

    Raises:
        MediaError: when the file cannot be opened or holds no frame.
    """
    path = long_path(path.resolve())
    state = path.stat()
    return _scan(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=16)
def _scan(path: Path, _size: int, _changed: int) -> Scan:
    container, stream = open_video(path)
    with container:
        for other in container.streams:
            if other.index != stream.index:
                other.discard = av.stream.Discard.all
        packets, hidden, broken = _packets(container, stream)
        if not packets:
            raise MediaError(f"{path}: holds no whole video frame{f' ({broken})' if broken else ''}")
        damage = _shortfall(path, container, stream, packets, hidden) or broken
        return _timed(_without_lost_head(path, packets), stream, container.format.name, damage)


_Packets = list[tuple[int | None, int, bool]]


def _packets(container: Any, stream: Any) -> tuple[_Packets, int, str]:
    """(pts, duration, is key) of each packet that shows a frame in coding order, how many show none, and any fault."""
    packets: _Packets = []
    hidden = 0
    ready = False  # what comes before the first key frame cannot be decoded
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                return packets, hidden, f"is cut off after {len(packets)} frames"
            ready = ready or packet.is_keyframe
            if packet.is_discard or (packet.size and not ready):
                hidden += 1
            elif packet.size:
                packets.append((packet.pts, packet.duration or 0, packet.is_keyframe))
    except (av.error.FFmpegError, OSError) as error:
        return packets, hidden, f"cannot be read beyond frame {len(packets)}: {error}"
    return packets, hidden, ""


def _without_lost_head(path: Path, packets: _Packets) -> _Packets:
    """Drop leading pictures that a cut has made undecodable: shown before the first key frame, made from lost ones."""
    key = packets[0][0]
    leading = {pts for pts, _, _ in packets if pts is not None and key is not None and pts < key}
    if not leading or key is None:
        return packets
    container, stream = open_video(path)
    with container:
        try:
            for frame in container.decode(stream):
                leading.discard(frame.pts)
                if frame.pts is not None and frame.pts >= key:
                    break
        except (av.error.FFmpegError, OSError):
            return packets  # reading will say what is wrong
    return [packet for packet in packets if packet[0] not in leading]


def _timed(packets: _Packets, stream: Any, kind: str, damage: str) -> Scan:
    times = [pts for pts, _, _ in packets if pts is not None]
    guessed = kind == "avi" and stream.codec_context.has_b_frames  # AVI knows no presentation times
    if guessed or len(times) < len(packets) or len(set(times)) < len(times):
        return _untimed(packets, stream, damage)
    order = sorted(range(len(packets)), key=lambda i: packets[i][0] or 0)
    pts = np.array([packets[i][0] for i in order], np.int64)
    last = _last_duration(packets[order[-1]][1], 0 if damage else _end(stream) - int(pts[-1]), stream)
    durations = np.diff(pts, append=pts[-1] + (last or _usual_step(pts, stream)))
    keys = np.array(sorted(p for p, _, key in packets if key and p is not None), np.int64)
    return Scan(pts=pts, durations=durations, keys=keys, timed=True, damage=damage)


def _last_duration(packet: int, header: int, stream: Any) -> int:
    """How long the last frame is shown: by its packet, or by the header where that says clearly something else.

    Packets know only the time to the next one decoded; headers are often rounded to milliseconds.
    """
    rounding = Fraction(1, 1000) / stream.time_base
    return packet if packet and (header <= 0 or abs(header - packet) <= rounding) else max(0, header)


def _end(stream: Any) -> int:
    """When the last frame ends, as the file's header says; 0 when it does not."""
    promised = _seconds(stream.metadata.get("DURATION", ""))
    if promised is not None:
        return round(promised / Fraction(stream.time_base))
    if stream.duration and "mp4" in stream.container.format.name:
        return int(stream.duration + (stream.start_time or 0))
    return 0


def _usual_step(pts: npt.NDArray[np.int64], stream: Any) -> int:
    if len(pts) > 1:
        return int(np.median(np.diff(pts)))
    rate, base = stream.average_rate, stream.time_base
    return max(1, round(1 / (rate * base))) if rate and base else 1


def _untimed(packets: _Packets, stream: Any, damage: str) -> Scan:
    step = _usual_step(np.zeros(0, np.int64), stream)
    pts = np.arange(len(packets), dtype=np.int64) * step
    return Scan(pts=pts, durations=np.full(len(pts), step, np.int64), keys=pts[:1], timed=False, damage=damage)


def _shortfall(path: Path, container: Any, stream: Any, packets: _Packets, hidden: int) -> str:
    """What the header promises beyond what is there."""
    kind = container.format.name
    listed = len(stream.index_entries) if "mp4" in kind else stream.frames if kind == "avi" else 0
    if listed > len(packets) + hidden:
        return f"is cut off: {len(packets)} of {listed - hidden} frames are there"
    if "matroska" in kind:
        promised, found = _matroska_bytes(path), path.stat().st_size
        if found < promised:
            return f"is cut off: {found} of {promised} bytes are there"
    return ""


def _matroska_bytes(path: Path) -> int:
    """How long a Matroska file says it is, 0 when it does not: its header, then one segment that holds everything."""
    with path.open("rb") as file:
        head = file.read(1024)
    at = 4
    header, width = _matroska_size(head, at)
    at += width + header
    if not head.startswith(b"\x1a\x45\xdf\xa3") or head[at : at + 4] != b"\x18\x53\x80\x67":
        return 0
    segment, width = _matroska_size(head, at + 4)
    unknown = 2 ** (7 * width) - 1
    return 0 if segment == unknown else at + 4 + width + segment


def _matroska_size(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable width, whose leading zero bits say how wide it is; and that width in bytes."""
    if at >= len(data) or not data[at]:
        return 0, 1
    width = 9 - data[at].bit_length()
    return int.from_bytes(data[at : at + width], "big") - (1 << 7 * width), width


def _seconds(text: str) -> Fraction | None:
    """Matroska's "00:00:01.334000000" in seconds."""
    try:
        hours, minutes, seconds = text.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
    except ValueError:
        return None
