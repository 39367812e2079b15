"""What the extraction of a whole folder of footage leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fspp_core.extraction.report import ExtractReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One piece of footage.

    Attributes:
        name: of its folder in the output folder.
        media: where it is.
        output: the folder written to.
        outcome: what was done, or why it failed.
    """

    name: str
    media: Path
    output: Path
    outcome: ExtractReport | str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready content: that of the report, or "error"."""
        if isinstance(self.outcome, ExtractReport):
            return self.outcome.to_dict()
        return {"media": str(self.media), "output": str(self.output), "error": self.outcome}


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReport:
    """Outcome of `extract_all`.

    Attributes:
        folder: what the footage lies in.
        output: the folder written to.
        report: the file that holds this report as JSON.
        items: all of the footage, in natural order of the names.
        seconds: that it took.
    """

    folder: Path
    output: Path
    report: Path
    items: tuple[Item, ...]
    seconds: float

    @property
    def done(self) -> list[ExtractReport]:
        """Reports of what did not fail."""
        return [item.outcome for item in self.items if isinstance(item.outcome, ExtractReport)]

    @property
    def failed(self) -> list[str]:
        """Names of what failed."""
        return [item.name for item in self.items if isinstance(item.outcome, str)]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready content."""
        return {
            "folder": str(self.folder),
            "output": str(self.output),
            "report": str(self.report),
            "frames": sum(report.frames for report in self.done),
            "faces": sum(report.faces for report in self.done),
            "failed": self.failed,
            "seconds": self.seconds,
            "items": {item.name: item.to_dict() for item in self.items},
        }
