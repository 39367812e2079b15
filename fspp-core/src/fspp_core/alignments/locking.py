"""One writer at a time: an operating-system lock that goes away with the process that holds it, however it ends."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import BinaryIO

from fspp_core.errors import AlignmentsError

_FAR_BYTE = 0x7FFF_FFF0  # Windows locks bytes, not files, and keeps others from reading them: one that is never used

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: BinaryIO) -> None:
        os.lseek(file.fileno(), _FAR_BYTE, os.SEEK_SET)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try_lock(file: BinaryIO) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def lock(file: BinaryIO, path: Path) -> None:
    """Lock the open `file` until it is closed. File systems that know no locks are used without.

    Raises:
        AlignmentsError: when another process, or another opening of the file, holds the lock.
    """
    try:
        _try_lock(file)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            raise AlignmentsError(f"{path}: another run is writing it; wait for that one, or stop it") from error
