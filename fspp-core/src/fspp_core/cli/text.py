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


def brief(report: Mapping[str, Any]) -> dict[str, Any]:
    """A job's report without what was asked for, and without what only a profile shows."""
    left = {key: value for key, value in report.items() if key not in ("options", "components", "stages")}
    if "items" in left:
        left["items"] = {name: _line(item) for name, item in left["items"].items()}
    return left


def _line(item: Mapping[str, Any]) -> str:
    if "error" in item:
        return f"failed: {item['error']}"
    return f"{item['faces']} faces in {item['frames']} frames, {item['seconds']['all']:.1f} s"


def profile_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """What the stages of a job did, as tables: of the job, or of each of its items."""
    for name, item in report.get("items", {"": report}).items():
        stages = item.get("stages", {})
        if "error" in item:
            continue
        if name:
            yield f"{name}:"
        if stages:
            rows = [[stage, *(_shown(value) for value in row.values())] for stage, row in stages.items()]
            yield table(("stage", *(_words(key) for key in next(iter(stages.values())))), rows)
        else:
            yield "no stage had anything to do"


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
