"""Plain text for people: tables and reports."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Columns as wide as their content, the last one left as it is."""
    cells = [list(headings), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings) - 1)]
    lines = ["  ".join([*(f"{c:<{w}}" for c, w in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in cells]
    return "\n".join(lines)


def as_json(value: Any) -> str:
    """JSON as every command prints it."""
    return json.dumps(value, indent=2)


def report_lines(report: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """A job's report as indented lines, in its own order, empty entries left out."""
    width = max((len(_words(key)) for key in report), default=0)
    for key, value in report.items():
        if value is None or value in ({}, [], ""):
            continue
        if isinstance(value, Mapping):
            yield f"{indent}{_words(key)}:"
            yield from report_lines(value, indent + "  ")
        else:
            yield f"{indent}{_words(key):<{width}}  {_shown(value)}"


def _words(key: Any) -> str:
    return str(key).replace("_", " ")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
    if isinstance(value, list | tuple):
        return ", ".join(_shown(item) for item in value)
    return str(value)
