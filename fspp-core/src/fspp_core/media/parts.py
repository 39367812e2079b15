"""The folder beside an unfinished output: which job it belongs to and which parts are done, safe against a kill."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fspp_core.errors import MediaError
from fspp_core.files import atomic_write, long_path

LOG = logging.getLogger(__name__)

_JOB = "job.json"
_NAME_BYTES = 240


class Parts:
    """`<output>.parts/`: a `job.json` saying what is being made, and the finished parts.

    Attributes:
        folder: the folder.
    """

    def __init__(self, output: Path) -> None:
        name = output.name + ".parts"
        if len(name.encode()) > _NAME_BYTES:
            name = f"{hashlib.sha256(output.name.encode()).hexdigest()[:32]}.parts"
        self.folder = long_path(output.with_name(name))

    def job(self) -> dict[str, Any] | None:
        """What an earlier run was making, None if there is none or it cannot be read."""
        try:
            job = json.loads((self.folder / _JOB).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return job if isinstance(job, dict) else None

    def begin(self, job: Mapping[str, Any], *, resume: bool) -> bool:
        """Make the folder this job's; parts of another job are removed after saying so.

        Returns:
            Whether finished parts of the same job may be used.

        Raises:
            MediaError: when something else lies there.
        """
        wanted = json.loads(json.dumps(job))
        before = self.job()
        if before is None and self.folder.exists() and any(self._foreign()):
            raise MediaError(f"{self.folder}: is in the way of unfinished parts; move it elsewhere")
        if before is not None:
            changed = sorted(k for k in {*before, *wanted} if before.get(k) != wanted.get(k))
            if resume and not changed:
                return True
            why = f"it was made with other {', '.join(changed)}" if changed else "resuming was not wanted"
            LOG.warning("%s: an unfinished run is thrown away and work starts afresh: %s", self.folder, why)
            self.remove()
        self.folder.mkdir(parents=True, exist_ok=True)
        atomic_write(self.folder / _JOB, json.dumps(wanted, ensure_ascii=False, indent=1))
        return False

    def remove(self) -> None:
        """Remove the folder with all parts; the job goes last, so that after a kill in between it is still ours."""
        if not self.folder.exists():
            return
        job = self.folder / _JOB
        for file in self.folder.iterdir():
            if file != job:
                file.unlink(missing_ok=True)
        job.unlink(missing_ok=True)
        self.folder.rmdir()

    def _foreign(self) -> list[Path]:
        return [file for file in self.folder.iterdir() if not file.name.startswith(".")]
