"""How footage is written: codec, quality, pixel format, picture format. Light: the command line imports it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fspp_core.options import option


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeOptions:
    """Settings of the writer; the defaults are visually lossless."""

    codec: Literal["h264", "h265", "vp9", "av1", "ffv1", "prores"] = option("h264", "Video codec.", group="video")
    crf: int | None = option(
        None,
        "Quality of h264, h265, vp9 and av1, lower is better and 0 is lossless; none takes a visually lossless value "
        "for the codec.",
        minimum=0,
        maximum=63,
        group="video",
    )
    preset: str | None = option(
        None,
        "Speed of the encoder: ultrafast to veryslow for h264 and h265, 0 to 13 for av1, 0 to 8 for vp9; none takes a "
        "middle one.",
        group="video",
    )
    pixel_format: str | None = option(
        None,
        "Pixel format such as yuv420p or yuv422p10le; none keeps the source's as far as the codec can.",
        group="video",
    )
    rate: float = option(
        25.0, "Frames a second when a video is made from a folder of pictures.", exclusive_minimum=0, group="video"
    )
    audio: bool = option(True, "Copy sound and subtitles of the source.", group="video")
    segment_frames: int = option(
        120, "Frames a segment; a killed run loses at most the open segment.", minimum=2, maximum=100_000, group="video"
    )
    threads: int = option(0, "Threads of the encoder, 0 for as many as it likes.", minimum=0, group="video")
    picture_format: Literal["png", "jpg", "tiff", "webp"] = option(
        "png", "Format of pictures when a folder is written.", group="pictures"
    )
    quality: int = option(95, "Quality of jpg and webp pictures, 1 to 100.", minimum=1, maximum=100, group="pictures")
