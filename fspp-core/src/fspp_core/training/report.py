"""What a training leaves behind, for the caller and for `--json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainReport:
    """Outcome of `train`.

    Attributes:
        model: name of the model component.
        parameters: trainable weights of the model; 0 when nothing was left to do and it was not built.
        first_step: updates done before this run.
        steps: updates done in all.
        faces: number of faces by side; empty when nothing was left to do.
        losses: of the last step, by column of log.csv; empty when nothing was left to do.
        seconds: time by stage of this run: step, data wait, save, preview, prepare.
        devices: what the work was done on.
        versions: of the packages that matter.
        model_dir: the folder trained in.
        checkpoint: the newest checkpoint in it.
        log: log.csv in it.
    """

    model: str
    parameters: int
    first_step: int
    steps: int
    faces: Mapping[str, int]
    losses: Mapping[str, float]
    seconds: Mapping[str, float]
    devices: tuple[str, ...]
    versions: Mapping[str, str]
    model_dir: Path
    checkpoint: Path
    log: Path

    @property
    def data_wait(self) -> float:
        """Share of the loop's time in which the device waited for data, 0..1."""
        waited, worked = self.seconds.get("data wait", 0.0), self.seconds.get("step", 0.0)
        return waited / (waited + worked) if waited + worked else 0.0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready content."""
        return {
            "model": self.model,
            "parameters": self.parameters,
            "first_step": self.first_step,
            "steps": self.steps,
            "faces": dict(self.faces),
            "losses": dict(self.losses),
            "seconds": {stage: round(value, 3) for stage, value in self.seconds.items()},
            "data_wait": round(self.data_wait, 4),
            "devices": list(self.devices),
            "versions": dict(self.versions),
            "model_dir": str(self.model_dir),
            "checkpoint": str(self.checkpoint),
            "log": str(self.log),
        }
