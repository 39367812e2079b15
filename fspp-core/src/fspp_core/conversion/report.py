"""What a conversion leaves behind, for the caller, for `--json`, and as a file beside the output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertReport:
    """Outcome of `convert`.

    Attributes:
        media: the footage converted.
        output: the video or folder written.
        report: the file that holds this report as JSON.
        frames: frames in the output.
        frames_swapped: those in which faces were swapped.
        frames_passed: those that passed through untouched.
        frames_resumed: how many of all an earlier, interrupted run had done.
        faces: faces swapped.
        model: name of the model component.
        checkpoint: folder of the checkpoint used.
        step: updates the checkpoint was trained for.
        face_type: crop the model works on.
        options: all options of the conversion.
        components: options of the components given by name.
        seconds: time by stage of this run, "all" being the whole of it; stages overlap.
        devices: what the network ran on.
        versions: of the packages that matter.
    """

    media: Path
    output: Path
    report: Path
    frames: int
    frames_swapped: int
    frames_passed: int
    frames_resumed: int
    faces: int
    model: str
    checkpoint: Path
    step: int
    face_type: str
    options: Mapping[str, Any]
    components: Mapping[str, Mapping[str, Any]]
    seconds: Mapping[str, float]
    devices: tuple[str, ...]
    versions: Mapping[str, str]

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> ConvertReport:
        """The report of a `to_dict`."""
        values = {field.name: record[field.name] for field in fields(cls)}
        values |= {name: Path(values[name]) for name in ("media", "output", "report", "checkpoint")}
        return cls(**{**values, "devices": tuple(values["devices"])})

    @property
    def frames_per_second(self) -> float:
        """Speed of this run; 0 when an earlier one had done everything."""
        return (self.frames - self.frames_resumed) / self.seconds["all"] if self.seconds.get("all") else 0.0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready content."""
        return {
            "media": str(self.media),
            "output": str(self.output),
            "report": str(self.report),
            "synthetic": True,
            "frames": self.frames,
            "frames_swapped": self.frames_swapped,
            "frames_passed": self.frames_passed,
            "frames_resumed": self.frames_resumed,
            "faces": self.faces,
            "frames_per_second": round(self.frames_per_second, 3),
            "model": self.model,
            "checkpoint": str(self.checkpoint),
            "step": self.step,
            "face_type": self.face_type,
            "options": dict(self.options),
            "components": {name: dict(values) for name, values in self.components.items()},
            "seconds": dict(self.seconds),
            "devices": list(self.devices),
            "versions": dict(self.versions),
        }
