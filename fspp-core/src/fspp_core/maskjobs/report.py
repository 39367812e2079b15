"""What a job on masks has done, for the caller and for `--json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskReport:
    """Outcome of a job on masks.

    Attributes:
        place: the alignments, or the folder of face crops.
        faces: faces looked at.
        masks: by mask, how many were made, shown, exported, imported, copied or removed.
        skipped: by mask, how many faces were passed over: they had it already, or not.
        output: what was written besides.
        also: the second place, which got the same masks.
        backup: what keeps the state from before.
        components: options of the maskers in use, by name.
        seconds: how long it took.
    """

    place: Path
    faces: int
    masks: Mapping[str, int]
    skipped: Mapping[str, int] = field(default_factory=dict)
    output: Path | None = None
    also: Path | None = None
    backup: tuple[Path, ...] = ()
    components: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready content."""
        return {
            "place": str(self.place),
            "faces": self.faces,
            "masks": dict(self.masks),
            "skipped": dict(self.skipped),
            "output": None if self.output is None else str(self.output),
            "also": None if self.also is None else str(self.also),
            "backup": [str(path) for path in self.backup],
            "components": {name: dict(values) for name, values in self.components.items()},
            "seconds": round(self.seconds, 3),
        }
