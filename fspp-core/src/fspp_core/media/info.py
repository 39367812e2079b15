"""What is known about footage before its frames are read: size, timing, colour tags, sound."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

from fspp_core.media.light import Light

MediaKind = Literal["video", "folder", "picture"]

UNSPECIFIED = 2
"""H.273 code point for "not said", for primaries, transfer and space."""

_PRIMARIES = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020", 10: "smpte428",
    11: "smpte431", 12: "smpte432", 22: "ebu3213",
}  # fmt: skip
_TRANSFER = {
    1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear", 9: "log100", 10: "log316",
    11: "iec61966-2-4", 12: "bt1361e", 13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084",
    17: "smpte428", 18: "arib-std-b67",
}  # fmt: skip
_SPACE = {
    0: "rgb", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco", 9: "bt2020nc",
    10: "bt2020c", 14: "ictcp",
}  # fmt: skip
_RANGE = {1: "limited", 2: "full"}
_HDR_TRANSFERS = {16: "PQ", 18: "HLG"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColorTags:
    """What a file says about its colours, as code points of ITU-T H.273 (those of FFmpeg).

    Attributes:
        primaries: 2 when not said.
        transfer: 2 when not said; 16 is PQ and 18 is HLG.
        space: the YUV matrix, 2 when not said.
        range: 1 limited, 2 full, 0 when not said.
    """

    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    space: int = UNSPECIFIED
    range: int = 0

    @property
    def hdr(self) -> str | None:
        """ "PQ" or "HLG" for high dynamic range, else None."""
        return _HDR_TRANSFERS.get(self.transfer)

    def __str__(self) -> str:
        parts = (
            ("primaries", self.primaries, _PRIMARIES, UNSPECIFIED),
            ("transfer", self.transfer, _TRANSFER, UNSPECIFIED),
            ("space", self.space, _SPACE, UNSPECIFIED),
            ("range", self.range, _RANGE, 0),
        )
        said = [f"{what} {names.get(code, code)}" for what, code, names, unsaid in parts if code != unsaid]
        return ", ".join(said) or "no colour tags"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInfo:
    """Facts about footage.

    Attributes:
        path: absolute path of the file or folder.
        kind: "video", "folder" of pictures, or one "picture".
        width: of the upright frames, in pixels; of the first picture for folders, whose sizes may differ.
        height: likewise.
        frame_count: frames that can be read; exact, from a scan of the packets.
        time_base: seconds per tick of the presentation times; None for pictures.
        average_rate: frames a second on average; None for pictures.
        duration_s: from the start of the first frame to the end of the last; None for pictures.
        rotation: degrees clockwise by which the stored picture is turned to be upright; readers have done it.
        mirrored: whether the stored picture is mirrored as well.
        bit_depth: bits of a channel; deeper than 8 is read as uint16.
        pixel_format: FFmpeg's name for the stored pixels; "bgr24" or "bgr48le" for pictures.
        color: colour tags of the file.
        light: static HDR metadata of the first frame, empty when there is none.
        interlaced: whether frames are made of two fields; they are kept together as one frame.
        field_order: FFmpeg's code: 0 unknown, 1 progressive, 2 to 5 interlaced.
        aspect: width to height of a pixel, upright.
        codec: FFmpeg's name of the video codec, or the suffix of the pictures.
        audio_streams: number of sound tracks.
        names: for folders and pictures, the stems in reading order.
        damage: what is missing from the file, empty when it is whole.
    """

    path: Path
    kind: MediaKind
    width: int
    height: int
    frame_count: int
    time_base: Fraction | None = None
    average_rate: Fraction | None = None
    duration_s: float | None = None
    rotation: int = 0
    mirrored: bool = False
    bit_depth: int = 8
    pixel_format: str = "bgr24"
    color: ColorTags = field(default_factory=ColorTags)
    light: Light = field(default_factory=Light)
    interlaced: bool = False
    field_order: int = 0
    aspect: Fraction = Fraction(1)
    codec: str = ""
    audio_streams: int = 0
    names: tuple[str, ...] = field(default=(), repr=False)
    damage: str = ""

    def __str__(self) -> str:
        parts = [f"{self.path.name}: {self.kind}", f"{self.width}x{self.height}", f"{self.frame_count} frames"]
        if self.average_rate is not None and self.duration_s is not None:
            parts.append(f"{float(self.average_rate):.5g} per second, {self.duration_s:.3f} s")
        parts.append(f"{self.codec} {self.pixel_format}".strip())
        if self.kind == "video":
            parts.append(str(self.color) + (f" ({self.color.hdr} HDR)" if self.color.hdr else ""))
            parts.append(f"{self.audio_streams or 'no'} sound track{'s' if self.audio_streams > 1 else ''}")
        if self.rotation or self.mirrored:
            parts.append(f"turned by {self.rotation} degrees{' and mirrored' if self.mirrored else ''}")
        if self.interlaced:
            parts.append("interlaced")
        if self.damage:
            parts.append(self.damage)
        return ", ".join(parts)
