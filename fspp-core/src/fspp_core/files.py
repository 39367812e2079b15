"""Files that are either there whole or not at all: write beside, flush to the disk, rename over."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_STEM_BYTES = 180  # leaves room for the marks below in the 255 bytes that file systems give a name
_WINDOWS_PATH_CHARS = 240  # beyond this Windows wants the \\?\ form


_LEFTOVER = re.compile(r"\.(.*)\.[0-9a-f]{8}\.part(\.[^.]*)?")


def _short(stem: str) -> str:
    """As much of a file's stem as fits beside the marks of a temporary name."""
    return stem.encode("utf-8", "surrogateescape")[:_STEM_BYTES].decode("utf-8", "ignore")


def _beside(path: Path) -> Path:
    """A fresh name in the folder of `path`, hidden, of the same suffix and short enough for any file system."""
    return path.with_name(f".{_short(path.stem)}.{secrets.token_hex(4)}.part{path.suffix}")


def remove_leftovers(folder: Path, name: str | None = None) -> None:
    """Remove the temporary files that killed runs left in `folder`; only where no other process is writing.

    Args:
        name: of the one file whose temporaries go, None for those of all files.
    """
    wanted = None if name is None else (_short(Path(name).stem), Path(name).suffix)
    folder = long_path(folder)
    for file in folder.iterdir() if folder.is_dir() else ():
        found = _LEFTOVER.fullmatch(file.name)
        if found and (wanted is None or wanted == (found[1], found[2] or "")):
            file.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Make sure that the content of the file `path` is on the disk."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make sure that the names in `folder` are on the disk; Windows has no such call and needs none."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:  # some network file systems refuse it for folders; the rename has happened all the same
        pass
    finally:
        os.close(handle)


def long_path(path: Path) -> Path:
    r"""`path` in the form Windows needs once it is long (`\\?\C:\...`); elsewhere `path` itself."""
    text = str(path)
    if sys.platform != "win32" or text.startswith("\\\\?\\"):
        return path
    text = str(path.resolve())
    if len(text) < _WINDOWS_PATH_CHARS:
        return path
    return Path(f"\\\\?\\UNC\\{text[2:]}" if text.startswith("\\\\") else f"\\\\?\\{text}")


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to; it becomes `path` when the block ends well, and goes away when it does not.

    The temporary file lies in the folder of `path`, which is made if need be, and keeps its suffix. Its content is
    flushed to the disk before it is renamed over `path`, so that a crash leaves the old file or the new one.

    Args:
        path: the file to make or to replace.

    Raises:
        FileNotFoundError: when the block wrote nothing.
    """
    path = long_path(Path(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _beside(path)
    try:
        yield temporary
        sync(temporary)
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def atomic_write(path: Path, data: bytes | str) -> None:
    """Write `data` (text as UTF-8, line ends as they stand) so that `path` holds the old content or all of the new."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, in hex; the file is read piece by piece."""
    with long_path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
