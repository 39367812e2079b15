"""What one conversion makes, told apart from any other: to go on after a kill, and to leave finished work alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fspp_core.conversion.plan import Plan
from fspp_core.conversion.report import ConvertReport
from fspp_core.errors import MediaError
from fspp_core.files import atomic_write, file_digest
from fspp_core.media.parts import Parts
from fspp_core.options import options_dict

_UNSEEN = frozenset({"workers", "overwrite", "any_footage", "accept_damage", "threads", "segment_frames"})
"""Options that do not change what is seen."""


def report_path(output: Path) -> Path:
    """Where the report of an output lies: beside it."""
    return output.with_name(f"{output.name}.report.json")


def job_of(plan: Plan) -> dict[str, Any]:
    """Everything the frames depend on beside the footage, as plain JSON."""
    checkpoint = plan.checkpoint
    return {
        "model": {
            "name": checkpoint.model_name,
            "options": dict(checkpoint.model_options),
            "face_type": plan.recipe.face_type,
            "weights": {part: checkpoint.files[f"{part}.safetensors"]["sha256"] for part in checkpoint.parts},
        },
        "alignments": file_digest(plan.alignments),
        "options": {name: value for name, value in options_dict(plan.options).items() if name not in _UNSEEN},
        "components": {name: dict(values) for name, values in plan.components.items()},
        "software": dict(plan.versions),
    }


def finished(output: Path, fingerprint: str, job: Mapping[str, Any]) -> ConvertReport | None:
    """The report of an output that this very job has made already, None if there is none such."""
    try:
        record = json.loads(report_path(output).read_text("utf-8"))
        if record["job"] != _digest(fingerprint, job) or record["bytes"] != _bytes(output):
            return None
        return ConvertReport.from_dict(record)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def check_free(output: Path, *, overwrite: bool) -> None:
    """Refuse an output that is there already, unless it is the unfinished work of an interrupted run.

    Raises:
        MediaError: naming it.
    """
    if overwrite or Parts(output).job() is not None:
        return
    if output.is_dir() and not any(output.iterdir()):
        return
    if output.exists():
        raise MediaError(f"{output}: is there already, and this very job has not made it; move it, or allow overwrite")


def write_report(report: ConvertReport, fingerprint: str, job: Mapping[str, Any]) -> None:
    """Write the report beside the output, with what `finished` goes by.

    Raises:
        MediaError: when the disk refuses.
    """
    record = {**report.to_dict(), "job": _digest(fingerprint, job), "bytes": _bytes(report.output)}
    try:
        atomic_write(report.report, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise MediaError(f"{report.report}: the report cannot be written: {error.strerror or error}") from error


def _digest(fingerprint: str, job: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps([fingerprint, job], sort_keys=True).encode()).hexdigest()


def _bytes(output: Path) -> int:
    """Size of the output: of the file, or of all files in the folder."""
    files = output.iterdir() if output.is_dir() else [output]
    return sum(file.stat().st_size for file in files if file.is_file())
