"""Frame ranges as people write them: 0-99,150."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from fspp_core.errors import ConfigError

_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


def frame_filter(text: str) -> Callable[[int], bool]:
    """What tells whether a frame lies in the ranges of `text`; empty text takes all.

    Raises:
        ConfigError: for anything that is no range, naming it.
    """
    if not text.strip():
        return lambda _: True
    spans = [_span(part.strip()) for part in text.split(",")]
    return lambda index: any(first <= index <= last for first, last in spans)


def _span(part: str) -> tuple[int, int]:
    found = _RANGE.fullmatch(part)
    if found is None:
        raise ConfigError(f"frames: {part!r} is no frame or range of frames; write such as 0-99,150")
    first, last = int(found[1]), int(found[2] or found[1])
    if last < first:
        raise ConfigError(f"frames: {part!r} ends before it begins; write {last}-{first}")
    return first, last


def compact(wanted: Iterable[int], among: Iterable[int]) -> str:
    """Numbers in as few ranges as they need where only those of `among` count, such as every other frame.

    Args:
        wanted: a part of `among`.
        among: rising.
    """
    chosen, spans = set(wanted), list[list[int]]()
    open_ = False
    for index in among:
        if index in chosen:
            if open_:
                spans[-1][1] = index
            else:
                spans.append([index, index])
        open_ = index in chosen
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in spans)
