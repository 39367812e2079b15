"""Write a clip from pictures and sound made in memory: for the demo and for tests that need footage."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from fspp_core.errors import MediaError
from fspp_core.files import atomic_path
from fspp_core.types import FloatArray, Image

AUDIO_RATE = 48_000
_AUDIO_BLOCK = 1024


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
            video = container.add_stream(codec, rate=rate, options=options or {"crf": "14", "preset": "veryfast"})
            video.height, video.width = first.shape[:2]
            video.pix_fmt = "yuv420p"
            audio = container.add_stream("aac", rate=AUDIO_RATE, layout="mono") if sound is not None else None
            for image in (first, *frames):
                container.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")))
            container.mux(video.encode())
            if audio is not None and sound is not None:
                for start in range(0, len(sound), _AUDIO_BLOCK):
                    block = av.AudioFrame.from_ndarray(
                        np.ascontiguousarray(sound[None, start : start + _AUDIO_BLOCK], np.float32),
                        format="fltp",
                        layout="mono",
                    )
                    block.sample_rate = AUDIO_RATE
                    block.pts = start
                    block.time_base = Fraction(1, AUDIO_RATE)
                    container.mux(audio.encode(block))
                container.mux(audio.encode())
    except av.error.FFmpegError as error:
        raise MediaError(f"{path}: cannot encode the clip with {codec}: {error}") from error
    return path


def _container(path: Path) -> str | None:
    return {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}.get(path.suffix.lower())
