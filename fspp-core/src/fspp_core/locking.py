"""One writer at a time: an operating-system lock that goes away with the process that holds it, however it ends."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from fspp_core.errors import BusyError
from fspp_core.files import long_path

LOCK_NAME = "lock"
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
        BusyError: when another process, or another opening of the file, holds the lock.
    """
    try:
        _try_lock(file)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            raise BusyError(f"{path}: another run is writing it; wait for that one, or stop it") from error


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keep a folder to this run while the block runs, by a lock file in it.

    The folder is made if need be, and taken away again when the block leaves nothing in it.

    Raises:
        BusyError: when another process holds it.
    """
    place = long_path(folder)
    found = place.exists()
    place.mkdir(parents=True, exist_ok=True)
    try:
        with (place / LOCK_NAME).open("ab") as file:
            lock(file, folder)
            yield
    finally:
        if not found and [path.name for path in place.iterdir()] == [LOCK_NAME]:
            (place / LOCK_NAME).unlink()
            place.rmdir()
