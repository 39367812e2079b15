"""The folder beside an unfinished output: which job it belongs to and which parts are done, safe against a kill."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from fspp_core.errors import BusyError, MediaError
from fspp_core.files import atomic_write, long_path
from fspp_core.locking import lock

LOG = logging.getLogger(__name__)

_JOB = "job.json"
_LOCK = ".lock"
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
        self._output = output
        self._lock: BinaryIO | None = None

    def job(self) -> dict[str, Any] | None:
        """What an earlier run was making, None if there is none or it cannot be read."""
        try:
            job = json.loads((self.folder / _JOB).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return job if isinstance(job, dict) else None

    def begin(self, job: Mapping[str, Any], *, resume: bool) -> bool:
        """Make the folder this job's, and this run's alone; parts of another job are removed after saying so.

        Returns:
            Whether finished parts of the same job may be used.

        Raises:
            MediaError: when something else lies there.
            BusyError: when another run is writing the output.
        """
        wanted = json.loads(json.dumps(job))
        if self.job() is None and self.folder.exists() and any(self._foreign()):
            raise MediaError(f"{self.folder}: is in the way of unfinished parts; move it elsewhere")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._acquire()
        before = self.job()
        if before is not None:
            changed = sorted(k for k in {*before, *wanted} if before.get(k) != wanted.get(k))
            if resume and not changed:
                return True
            why = f"it was made with other {', '.join(changed)}" if changed else "resuming was not wanted"
            LOG.warning("%s: an unfinished run is thrown away and work starts afresh: %s", self.folder, why)
            self._clear()
        atomic_write(self.folder / _JOB, json.dumps(wanted, ensure_ascii=False, indent=1))
        return False

    def release(self) -> None:
        """Let another run have the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def remove(self) -> None:
        """Remove the folder with all parts."""
        if not self.folder.exists():
            return
        self._clear()
        self.release()
        (self.folder / _LOCK).unlink(missing_ok=True)
        self.folder.rmdir()

    def _acquire(self) -> None:
        file = (self.folder / _LOCK).open("ab")
        try:
            lock(file, self._output)
        except BusyError:
            file.close()
            raise
        self._lock = file

    def _clear(self) -> None:
        """Remove the parts; the job goes last, so that after a kill in between they are still ours."""
        job = self.folder / _JOB
        for file in self.folder.iterdir():
            if file.name not in (_JOB, _LOCK):
                file.unlink(missing_ok=True)
        job.unlink(missing_ok=True)

    def _foreign(self) -> list[Path]:
        return [file for file in self.folder.iterdir() if not file.name.startswith(".")]
