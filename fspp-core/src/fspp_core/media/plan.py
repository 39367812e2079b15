"""Decide how footage is encoded: encoder, its settings, pixel format, tags; and say what that changes."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import Any

import av
import cv2

from fspp_core.errors import MediaError
from fspp_core.media.info import ColorTags, MediaInfo
from fspp_core.media.light import merged
from fspp_core.media.options import EncodeOptions
from fspp_core.media.pixels import assumed_space, depth, is_full

LOG = logging.getLogger(__name__)

ENCODERS = {
    "h264": "libx264",
    "h265": "libx265",
    "vp9": "libvpx-vp9",
    "av1": "libsvtav1",
    "ffv1": "ffv1",
    "prores": "prores_ks",
}
_GOOD_CRF = {"h264": 16, "h265": 18, "vp9": 18, "av1": 18}
_ODD_SIZES = frozenset({"vp9", "ffv1", "prores"})
_WITH_FIELDS = frozenset({"h264", "prores"})
_PICTURE_FORMATS = {"ffv1": ("bgr0", "gbrp16le"), "prores": ("yuv422p10le", "yuv422p10le")}
_MAX_THREADS = 16
_AVX2, _AVX_512F = 11, 13  # OpenCV's numbers of CPU features, which Python does not get by name


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything an encoder has to know; two equal plans make equal files of equal frames.

    Attributes:
        settings: options of the encoder by its own names.
        time_base: seconds per tick of the frames' times.
        rate: frames a second on average.
        threads: fixed, because the outcome of some encoders depends on it.
        constant: whether all frames last equally long.
    """

    codec: str
    encoder: str
    settings: Mapping[str, str]
    pixel_format: str
    width: int
    height: int
    color: ColorTags
    time_base: Fraction
    rate: Fraction
    aspect: Fraction
    field_order: int
    threads: int
    segment_frames: int
    constant: bool

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, fractions as text."""
        return {k: str(v) if isinstance(v, Fraction) else v for k, v in asdict(self).items()}


def plan_encoding(
    info: MediaInfo, options: EncodeOptions, *, threads: int | None = None, constant: bool = True
) -> Plan:
    """Choose how frames like those of `info` are encoded; what differs from the source goes into the log.

    Args:
        threads: those of an earlier run that is continued, None to choose.
        constant: whether the footage keeps one frame rate.

    Raises:
        MediaError: when the encoder is not there, or the pixel format cannot be.
    """
    encoder = ENCODERS[options.codec]
    pixel_format = _pixel_format(info, options, _formats(encoder, options.codec))
    rate = info.average_rate or Fraction(options.rate).limit_denominator(1001)
    interlaced = info.interlaced and options.codec in _WITH_FIELDS
    if info.interlaced:
        fate = "kept and flagged" if interlaced else f"woven into frames, which {options.codec} cannot flag as fields"
        LOG.warning("%s: interlaced; its two fields are %s", info.path, fate)
    return Plan(
        codec=options.codec,
        encoder=encoder,
        settings=_with_light(info, options.codec, _settings(options, pixel_format)),
        pixel_format=pixel_format,
        width=info.width,
        height=info.height,
        color=_color(info, pixel_format),
        time_base=info.time_base or 1 / rate,
        rate=rate,
        aspect=info.aspect,
        field_order=(info.field_order or 2) if interlaced else 0,
        threads=options.threads or threads or min(_MAX_THREADS, (os.cpu_count() or 1) * 3 // 2),
        segment_frames=options.segment_frames,
        constant=constant,
    )


def _formats(encoder: str, codec: str) -> list[str]:
    try:
        return [f.name for f in av.Codec(encoder, "w").video_formats or ()]
    except av.error.FFmpegError as error:
        raise MediaError(
            f"the encoder {encoder} for {codec} is not in this build of PyAV; take another codec, see `fspp doctor`"
        ) from error


def _settings(options: EncodeOptions, pixel_format: str) -> dict[str, str]:
    codec, preset = options.codec, options.preset
    crf = str(_GOOD_CRF.get(codec, 0) if options.crf is None else options.crf)
    lossless = options.crf == 0
    if codec == "h264":
        return {"preset": preset or "medium", **({"qp": "0"} if lossless else {"crf": crf}), **_steady_x264()}
    if codec == "h265":
        quiet = "log-level=error" + (":lossless=1" if lossless else "")
        return {"preset": preset or "medium", "crf": crf, "x265-params": quiet}
    if codec == "vp9":
        quality = {"lossless": "1"} if lossless else {"crf": crf, "b": "0"}
        return {"deadline": "good", "cpu-used": preset or "2", **quality}
    if codec == "av1":
        return {"preset": preset or "8", "crf": crf, **({"svtav1-params": "lossless=1"} if lossless else {})}
    if codec == "ffv1":
        return {"level": "3", "slicecrc": "1"}
    return {"profile": "4444" if "444" in pixel_format else "hq", "vendor": "apl0"}


def _steady_x264() -> dict[str, str]:
    """What makes x264 give the same file for the same frames: its AVX-512 code for macroblock trees does not."""
    wide = cv2.checkHardwareSupport(_AVX2) and cv2.checkHardwareSupport(_AVX_512F)
    return {"x264-params": "asm=avx2"} if wide else {}


def _with_light(info: MediaInfo, codec: str, settings: Mapping[str, str]) -> Mapping[str, str]:
    if not info.light:
        return settings
    more = info.light.settings(codec)
    if more is None:
        LOG.warning(
            "%s: %s cannot carry its HDR metadata (mastering display, light levels); left out", info.path, codec
        )
        return settings
    return merged(settings, more)


def _pixel_format(info: MediaInfo, options: EncodeOptions, known: Sequence[str]) -> str:
    asked = options.pixel_format
    if asked is not None:
        if asked not in known:
            raise MediaError(f"pixel_format {asked}: {options.codec} cannot; it can {', '.join(known)}")
        if options.codec not in _ODD_SIZES and _cuts(asked, info):
            raise MediaError(
                f"pixel_format {asked}: {options.codec} needs an even size for it, the footage has "
                f"{info.width}x{info.height}; leave pixel_format away, or take yuv444p, vp9 or ffv1"
            )
        return _said(info, asked)
    chosen = _nearest(info, options.codec, known)
    if options.codec not in _ODD_SIZES and _cuts(chosen, info):
        whole = _unsubsampled(chosen, known)
        if whole is None:
            raise MediaError(
                f"{info.path}: {options.codec} cannot keep the odd size {info.width}x{info.height}; "
                "take vp9, ffv1, h264 or h265"
            )
        LOG.warning(
            "%s: the size %dx%d is odd, which %s cannot be in %s; %s keeps the size, some players will not show it",
            *(info.path, info.width, info.height, options.codec, chosen, whole),
        )
        chosen = whole
    return _said(info, chosen)


def _nearest(info: MediaInfo, codec: str, known: Sequence[str]) -> str:
    source = info.pixel_format.replace("yuvj", "yuv")
    if info.kind != "video":
        shallow, deep = _PICTURE_FORMATS.get(codec, ("yuv420p", "yuv420p10le"))
        return deep if info.bit_depth > 8 and deep in known else shallow
    if source in known:
        return source
    plain = [name for name in known if not name.startswith(("yuva", "ya", "nv", "gbrap")) and "f" not in name]
    best, _loss = av.codec.find_best_pix_fmt_of_list(plain, source)
    return best.name if best is not None else plain[0]


def _said(info: MediaInfo, chosen: str) -> str:
    """`chosen`, after telling what it does to the footage."""
    if depth(chosen) < info.bit_depth:
        hdr = f"; {info.color.hdr} footage will show bands, take h265 or ffv1 to keep it" if info.color.hdr else ""
        LOG.warning("%s: %d bits become %d in %s%s", info.path, info.bit_depth, depth(chosen), chosen, hdr)
    elif chosen != info.pixel_format.replace("yuvj", "yuv"):
        LOG.info("%s: %s is written as %s", info.path, info.pixel_format, chosen)
    return chosen


def _cuts(pixel_format: str, info: MediaInfo) -> bool:
    """Whether chroma samples of this format do not divide the size."""
    if av.VideoFormat(pixel_format).is_rgb:
        return False
    shape = av.VideoFormat(pixel_format)
    return bool((shape.chroma_width(2) < 2 and info.width % 2) or (shape.chroma_height(2) < 2 and info.height % 2))


def _unsubsampled(pixel_format: str, known: Sequence[str]) -> str | None:
    for subsampled in ("420", "422", "440", "411", "410"):
        whole = pixel_format.replace(subsampled, "444")
        if whole != pixel_format and whole in known:
            return whole
    return None


def _color(info: MediaInfo, pixel_format: str) -> ColorTags:
    """The source's tags, made to fit where YUV becomes RGB, RGB becomes YUV, or a turned size would mislead players."""
    tags = info.color
    source_rgb, target_rgb = av.VideoFormat(info.pixel_format).is_rgb, av.VideoFormat(pixel_format).is_rgb
    if target_rgb:
        return replace(tags, space=0, range=2)
    if source_rgb:
        if info.kind != "video":
            tags = ColorTags(primaries=1, transfer=1)
        return replace(tags, space=9 if tags.primaries == 9 else 1, range=1)
    if is_full(tags, info.pixel_format):
        tags = replace(tags, range=2)
    if tags.space not in _YUV_SPACES and info.rotation % 180:
        tags = replace(tags, space=assumed_space(tags, info.height, info.width))
    return tags


_YUV_SPACES = frozenset({1, 4, 5, 6, 7, 9, 10})
