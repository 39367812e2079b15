"""Static HDR metadata (SMPTE ST 2086, CTA-861.3): read from a decoded frame, handed to encoders that can carry it."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av

_MASTERING = struct.Struct("@22i")  # AVMasteringDisplayMetadata: ten rationals and two flags
_LEVELS = struct.Struct("@2I")  # AVContentLightMetadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """How bright and colourful the display was that footage was graded on, and the footage itself.

    Attributes:
        display: x and y of red, green, blue and white, then least and greatest luminance in cd/m2; empty if not said.
        levels: greatest brightness of a pixel and of a frame on average in cd/m2; empty if not said.
    """

    display: tuple[Fraction, ...] = ()
    levels: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.display or self.levels)

    def settings(self, codec: str) -> dict[str, str] | None:
        """Encoder options that carry it on, by FFmpeg's names; None for codecs that cannot."""
        if codec in ("h264", "h265"):
            entries = {}
            if self.display:
                entries["mastering-display" if codec == "h264" else "master-display"] = self._display(50_000, 10_000)
            if self.levels:
                entries["cll" if codec == "h264" else "max-cll"] = f"{self.levels[0]},{self.levels[1]}"
            return {"x264-params" if codec == "h264" else "x265-params": _joined(entries)}
        if codec == "av1":
            entries = {"mastering-display": self._display(None, None)} if self.display else {}
            if self.levels:
                entries["content-light"] = f"{self.levels[0]},{self.levels[1]}"
            return {"svtav1-params": _joined(entries)}
        return None

    def _display(self, chroma: int | None, luma: int | None) -> str:
        """In the letters that x264, x265 and SVT-AV1 share; in whole units, or as decimal numbers where None."""
        rx, ry, gx, gy, bx, by, wx, wy, least, most = self.display

        def pair(x: Fraction, y: Fraction, unit: int | None) -> str:
            return f"({float(x)},{float(y)})" if unit is None else f"({round(x * unit)},{round(y * unit)})"

        named = (("G", gx, gy), ("B", bx, by), ("R", rx, ry), ("WP", wx, wy))
        return "".join(name + pair(x, y, chroma) for name, x, y in named) + "L" + pair(most, least, luma)


def side_data(frame: av.VideoFrame, name: str) -> bytes | None:
    """Data that came along with a frame, by PyAV's name of its type, None if there is none."""
    found: Any = frame.side_data.get(name)
    return None if found is None else bytes(found)


def read_light(frame: av.VideoFrame) -> Light:
    """The static HDR metadata of a decoded frame; empty where it says nothing."""
    mastering, levels = side_data(frame, "MASTERING_DISPLAY_METADATA"), side_data(frame, "CONTENT_LIGHT_LEVEL")
    display: tuple[Fraction, ...] = ()
    if mastering is not None:
        *numbers, has_primaries, has_luminance = _MASTERING.unpack(mastering[: _MASTERING.size])
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
        if has_primaries and has_luminance and all(below for _, below in pairs):
            display = tuple(Fraction(above, below) for above, below in pairs)
    found = _LEVELS.unpack(levels[: _LEVELS.size]) if levels is not None else ()
    return Light(display=display, levels=tuple(found))


def merged(settings: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Encoder options of both; lists such as x265-params are put one behind the other."""
    result = dict(settings)
    for key, value in more.items():
        result[key] = f"{result[key]}:{value}" if key in result and key.endswith("-params") else value
    return result


def _joined(entries: Mapping[str, str]) -> str:
    return ":".join(f"{key}={value}" for key, value in entries.items())
