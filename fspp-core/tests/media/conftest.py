"""Small clips of every awkward kind, made with PyAV itself, independent of the code under test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

TICKS = 90_000
_X264 = {"g": "10", "crf": "10", "x264-params": "mbtree=0"}  # whose AVX-512 code makes other files from run to run
Make = Callable[..., Path]


def moving(count: int, width: int = 96, height: int = 64) -> list[npt.NDArray[np.uint8]]:
    """Pictures that all differ, smooth enough for lossy codecs, with no symmetry that could hide a wrong turn."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    pictures = []
    for i in range(count):
        blue = 255 * x / width
        green = 127 + 100 * np.sin((x + 3 * i) / 9) * np.cos(y / 11)
        red = (4 * i + 255 * y / height) % 256
        image = np.stack([blue, green, np.minimum(red, 255 - red) * 2], axis=2)
        image[: height // 4, : width // 3] = (20 + 5 * i, 230 - 5 * i, 40)
        pictures.append(np.clip(image, 0, 255).astype(np.uint8))
    return pictures


def write_clip(
    path: Path,
    *,
    pts: Sequence[int] = tuple(range(0, 40 * 3000, 3000)),
    last: int | None = None,
    time_base: Fraction = Fraction(1, TICKS),
    size: tuple[int, int] = (96, 64),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    container: str | None = None,
    muxer: dict[str, str] | None = None,
    setup: Callable[[Any], None] | None = None,
    tracks: int = 0,
    sound: str = "aac",
    metadata: dict[str, str] | None = None,
) -> Path:
    """Encode `moving` pictures shown at `pts`, with `tracks` sound tracks; `last` is the last frame's duration."""
    ticks = {"video_track_timescale": str(time_base.denominator), "movie_timescale": str(time_base.denominator)}
    settings = {**(ticks if path.suffix in (".mp4", ".mov") else {}), **(muxer or {})}
    with av.open(str(path), "w", format=container, container_options=settings) as output:
        output.metadata.update(metadata or {})
        stream: Any = output.add_stream(codec, rate=30, options=options or _X264)
        stream.width, stream.height, stream.pix_fmt = *size, pixel_format
        stream.time_base = stream.codec_context.time_base = time_base
        if setup is not None:
            setup(stream)
        sounds = [output.add_stream(sound, rate=48_000, layout="mono") for _ in range(tracks)]
        for number, track in enumerate(sounds):
            track.metadata["language"] = ("eng", "deu", "fra")[number]
        packets: list[Any] = []
        for image, time in zip(moving(len(pts), *size), pts, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format=pixel_format)
            frame.pts, frame.time_base = time, time_base
            packets += stream.encode(frame)
        packets += stream.encode()
        for packet in packets:
            if packet.pts == pts[-1] and last is not None:
                packet.duration = last
            output.mux(packet)
        for number, track in enumerate(sounds):
            _sing(output, track, number, float((pts[-1] - pts[0]) * time_base))
    return path


def _sing(output: Any, track: Any, number: int, seconds: float) -> None:
    tone = np.sin(np.arange(int(48_000 * seconds)) * (0.05 + 0.02 * number)).astype(np.float32)
    for start in range(0, len(tone) - 1023, 1024):
        kind = track.codec_context.format.name
        block = tone[None, start : start + 1024]
        if kind.startswith("s16"):
            block = (block * 20_000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format=kind, layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        output.mux(track.encode(frame))
    output.mux(track.encode())


VFR_STEPS = (3003, 1501, 4504, 3003, 9009, 1502, 3000, 6006)
VFR = tuple(int(t) for t in np.cumsum([0, *(VFR_STEPS * 5)])[:40])


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function from the name of a clip to its path; each is made when first asked for."""
    folder = tmp_path_factory.mktemp("clips")
    from av.codec.context import Flags

    def fields(stream: Any) -> None:
        stream.codec_context.flags |= Flags.interlaced_dct | Flags.interlaced_me

    def tags(primaries: int, transfer: int, space: int, full: int = 1) -> Callable[[Any], None]:
        def setup(stream: Any) -> None:
            coder = stream.codec_context
            coder.color_primaries, coder.color_trc, coder.colorspace, coder.color_range = (
                primaries,
                transfer,
                space,
                full,
            )

        return setup

    display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
    quiet = "log-level=error"
    recipes: dict[str, dict[str, Any]] = {
        "plain.mp4": {},
        "sound.mp4": {"tracks": 1, "metadata": {"title": "Größe", "comment": "of the source"}},
        "sounds.mkv": {"tracks": 3, "time_base": Fraction(1, 1000), "pts": tuple(range(0, 1320, 33))},
        "pcm.mov": {"tracks": 1, "sound": "pcm_s16le"},
        "vfr.mp4": {"pts": VFR, "last": 12_000},
        "vfr.mkv": {"pts": tuple(t // 90 for t in VFR), "time_base": Fraction(1, 1000), "last": 133},
        "late.mp4": {"pts": tuple(range(90_000, 90_000 + 40 * 3000, 3000))},
        "negative.mp4": {"pts": tuple(range(-9000, 31 * 3000, 3000))},
        "ntsc.mp4": {"pts": tuple(range(0, 40 * 1001, 1001)), "last": 1001, "time_base": Fraction(1, 24_000)},
        "intra.mov": {"codec": "mjpeg", "pixel_format": "yuvj420p", "options": {"qscale": "2"}},
        "stream.ts": {"container": "mpegts"},
        "old.avi": {"pts": tuple(range(40)), "time_base": Fraction(1, 30)},
        "raw.h264": {"container": "h264"},
        "faststart.mp4": {"muxer": {"movflags": "faststart"}},
        "plain.mkv": {"pts": tuple(range(0, 1320, 33)), "time_base": Fraction(1, 1000)},
        "right.mp4": {"setup": lambda s: s.set_display_rotation(-90)},
        "left.mp4": {"setup": lambda s: s.set_display_rotation(90)},
        "down.mp4": {"setup": lambda s: s.set_display_rotation(180)},
        "mirror.mp4": {"setup": lambda s: s.set_display_matrix([-65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30])},
        "slanted.mp4": {"setup": lambda s: s.set_display_rotation(30)},
        "fields.mp4": {"setup": fields, "options": {"x264-params": "tff=1", "crf": "10"}},
        "deep.mp4": {
            "codec": "libx265",
            "pixel_format": "yuv420p10le",
            "setup": tags(9, 16, 9),
            "options": {"x265-params": f"{quiet}:keyint=10:master-display={display}:max-cll=1000,400", "crf": "8"},
        },
        "hlg422.mkv": {
            "codec": "ffv1",
            "pixel_format": "yuv422p10le",
            "setup": tags(9, 18, 9),
            "options": {},
            "pts": tuple(range(0, 660, 33)),
            "time_base": Fraction(1, 1000),
        },
        "open_gop.mkv": {
            "codec": "libx265",
            "options": {"x265-params": f"{quiet}:keyint=10:min-keyint=10:open-gop=1:bframes=3:scenecut=0"},
            "pts": tuple(range(0, 1320, 33)),
            "time_base": Fraction(1, 1000),
        },
        "bt709.mp4": {"setup": tags(1, 1, 1)},
        "bt601full.mp4": {"setup": tags(5, 6, 5, 2)},
        "odd.mkv": {
            "codec": "ffv1",
            "options": {},
            "size": (75, 61),
            "pts": tuple(range(0, 660, 33)),
            "time_base": Fraction(1, 1000),
        },
        "rgb.mkv": {
            "codec": "ffv1",
            "options": {},
            "pixel_format": "bgr0",
            "pts": tuple(range(0, 660, 33)),
            "time_base": Fraction(1, 1000),
        },
    }

    def clip(name: str) -> Path:
        path = folder / name
        return path if path.exists() else write_clip(path, **recipes[name])

    return clip


@pytest.fixture(scope="session")
def make_clip() -> Make:
    """`write_clip`, for clips of a test's own."""
    return write_clip


@pytest.fixture(scope="session")
def pictures() -> Callable[..., list[npt.NDArray[np.uint8]]]:
    """`moving`, the pictures the clips show."""
    return moving


@pytest.fixture(scope="session")
def plain_decode() -> Callable[[Path], list[tuple[Fraction, npt.NDArray[Any]]]]:
    """A reader of its own: (seconds, first plane) of each frame as PyAV gives them, nothing turned or converted."""

    def decode(path: Path) -> list[tuple[Fraction, npt.NDArray[Any]]]:
        found = []
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                plane = frame.planes[0]
                samples = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size).copy()
                found.append((Fraction(frame.pts or 0) * frame.time_base, samples))
        return found

    return decode
