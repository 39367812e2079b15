"""Which encoders and decoders this build of PyAV has, for `fspp doctor`."""

from __future__ import annotations

from dataclasses import dataclass

import av

from fspp_core.media.plan import ENCODERS

_DECODERS = {
    "h264": "h264",
    "h265": "hevc",
    "vp9": "vp9",
    "av1": "libdav1d",
    "ffv1": "ffv1",
    "prores": "prores",
    "mpeg4": "mpeg4",
    "mpeg2": "mpeg2video",
    "mjpeg": "mjpeg",
    "dnxhd": "dnxhd",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecInfo:
    """One codec.

    Attributes:
        name: fspp's name, as in `EncodeOptions.codec`.
        encoder: FFmpeg's encoder, None when it is not there or fspp does not write this codec.
        decoder: FFmpeg's decoder, None when it is not there.
        pixel_formats: what the encoder takes.
    """

    name: str
    encoder: str | None
    decoder: str | None
    pixel_formats: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}: read by {self.decoder or 'nothing'}, written by {self.encoder or 'nothing'}"


def codecs() -> list[CodecInfo]:
    """The codecs fspp cares about, and what this machine can do with them."""
    return [_info(name) for name in _DECODERS]


def _info(name: str) -> CodecInfo:
    encoder, decoder = ENCODERS.get(name), _DECODERS[name]
    formats = _find(encoder, "w") if encoder else None
    return CodecInfo(
        name=name,
        encoder=encoder if formats is not None else None,
        decoder=decoder if _find(decoder, "r") is not None else None,
        pixel_formats=formats or (),
    )


def _find(codec: str, mode: str) -> tuple[str, ...] | None:
    """The pixel formats of a codec, None when it is not in this build."""
    try:
        return tuple(f.name for f in av.Codec(codec, mode).video_formats or ())  # type: ignore[arg-type]
    except av.error.FFmpegError:
        return None
