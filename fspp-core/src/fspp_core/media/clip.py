"""Write a clip from pictures and sound made in memory: for the demo and for tests that need footage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from fspp_core.errors import MediaError
from fspp_core.files import atomic_path
from fspp_core.media.info import ColorTags
from fspp_core.media.pixels import to_frame
from fspp_core.types import FloatArray, Image

AUDIO_RATE = 48_000
_AUDIO_BLOCK = 1024
_BT709 = ColorTags(primaries=1, transfer=1, space=1, range=1)


def write_clip(
    path: Path,
    images: Iterable[Image],
    *,
    rate: Fraction,
    sound: FloatArray | None = None,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
) -> Path:
    """Encode pictures, and a mono sound track if given, into a video file; nothing is left behind if it fails.

    Args:
        path: where to; the suffix chooses the container.
        images: (height, width, 3) uint8 BGR, all of one even size.
        rate: frames a second.
        sound: (samples,) float32 -1..1 at `AUDIO_RATE`, written as AAC.
        options: encoder options, by default visually lossless x264.

    Raises:
        MediaError: when there are no pictures, or the encoder refuses.
    """
    frames = iter(images)
    first = next(frames, None)
    if first is None:
        raise MediaError(f"{path}: a clip needs at least one picture, got none")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with atomic_path(path) as temporary, av.open(str(temporary), "w", format=_container(path)) as container:
            video: Any = container.add_stream(codec, rate=rate, options=options or {"crf": "14", "preset": "veryfast"})
            video.height, video.width = first.shape[:2]
            video.pix_fmt = "yuv420p"
            coder = video.codec_context
            coder.color_primaries, coder.color_trc = _BT709.primaries, _BT709.transfer
            coder.colorspace, coder.color_range = _BT709.space, _BT709.range
            audio: Any = container.add_stream("aac", rate=AUDIO_RATE, layout="mono") if sound is not None else None
            for image in (first, *frames):
                container.mux(video.encode(to_frame(image, "yuv420p", _BT709)))
            container.mux(video.encode())
            if sound is not None:
                for block in _blocks(sound):
                    container.mux(audio.encode(block))
                container.mux(audio.encode())
    except av.error.FFmpegError as error:
        raise MediaError(f"{path}: cannot encode the clip with {codec}: {error}") from error
    return path


def _blocks(sound: FloatArray) -> Iterator[av.AudioFrame]:
    for start in range(0, len(sound), _AUDIO_BLOCK):
        samples = np.ascontiguousarray(sound[None, start : start + _AUDIO_BLOCK], np.float32)
        block = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        block.sample_rate, block.pts, block.time_base = AUDIO_RATE, start, Fraction(1, AUDIO_RATE)
        yield block


def _container(path: Path) -> str | None:
    return {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}.get(path.suffix.lower())
