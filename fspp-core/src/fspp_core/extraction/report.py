"""What an extraction leaves behind, for the caller, for `--json`, and as a file in the output folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from fspp_core.errors import MediaError
from fspp_core.files import atomic_write

_PATHS = ("media", "output", "alignments", "report")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractReport:
    """Outcome of `extract`.

    Attributes:
        media: the footage.
        output: the folder written to.
        alignments: the alignments file in it.
        faces_folder: the folder of face crops in it, None when they were not asked for.
        report: the file that holds this report as JSON.
        frames: frames looked at.
        frames_with_faces: those in which a face was kept.
        frames_resumed: how many of all an earlier run had done.
        faces: faces kept.
        left_out: by the filters' names, the faces that each left out in this run; without those that left out none.
        options: all options of the extraction.
        components: options of the components in use, by name.
        seconds: time by stage of this run, "all" being the whole of it; stages overlap.
        stages: what each stage did in this run: "items" (frames for decode, detect and journal, faces for the others),
            "busy_s", "starved_s" waiting for the stage before, "blocked_s" waiting for the one after, and "items_per_s"
            of a thread that need not wait. Seconds of several threads add up.
        devices: what networks could run on; empty when no component has one.
        versions: of the packages that matter.
    """

    media: Path
    output: Path
    alignments: Path
    faces_folder: Path | None
    report: Path
    frames: int
    frames_with_faces: int
    frames_resumed: int
    faces: int
    left_out: Mapping[str, int]
    options: Mapping[str, Any]
    components: Mapping[str, Mapping[str, Any]]
    seconds: Mapping[str, float]
    stages: Mapping[str, Mapping[str, float]]
    devices: tuple[str, ...]
    versions: Mapping[str, str]

    @property
    def frames_per_second(self) -> float:
        """Speed of this run; 0 when an earlier one had done everything."""
        return (self.frames - self.frames_resumed) / self.seconds["all"] if self.seconds.get("all") else 0.0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready content."""
        record = {field.name: getattr(self, field.name) for field in fields(self)}
        record |= {name: str(record[name]) for name in _PATHS}
        record["faces_folder"] = None if self.faces_folder is None else str(self.faces_folder)
        record["components"] = {name: dict(values) for name, values in self.components.items()}
        record["frames_per_second"] = round(self.frames_per_second, 3)
        return record | {
            "left_out": dict(self.left_out),
            "options": dict(self.options),
            "seconds": dict(self.seconds),
            "stages": {stage: dict(row) for stage, row in self.stages.items()},
            "devices": list(self.devices),
            "versions": dict(self.versions),
        }


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Write a report as JSON.

    Raises:
        MediaError: when it cannot be written.
    """
    try:
        atomic_write(path, json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise MediaError(f"{path}: the report cannot be written: {error.strerror or error}") from error
