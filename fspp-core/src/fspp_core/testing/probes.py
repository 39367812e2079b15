"""Watch what a component does besides its work: network, files, heavy imports."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

HEAVY = ("tensorflow", "keras", "cv2", "torch", "jax")

_LOOKUPS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "create_connection")
_PATH_EVENTS = {"os.mkdir": 0, "os.rename": 1, "os.remove": 0, "os.rmdir": 0, "os.truncate": 0, "os.link": 1}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class _Writes:
    """Paths written to while somebody watches. Audit hooks cannot be taken off again, so there is one a process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.watching: list[list[Path]] = []
        self.installed = False

    def install(self) -> None:
        with self.lock:
            if not self.installed:
                sys.addaudithook(self.note)
                self.installed = True

    def note(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.watching:
            return
        if event == "open":
            path, mode, flags = args
            if not isinstance(path, str | bytes | os.PathLike):
                return
            if not (any(c in mode for c in "wxa+") if isinstance(mode, str) else bool((flags or 0) & _WRITING)):
                return
        elif event in _PATH_EVENTS:
            path = args[_PATH_EVENTS[event]]
            if not isinstance(path, str | bytes | os.PathLike):
                return
        else:
            return
        for seen in self.watching:
            seen.append(Path(os.path.abspath(os.fsdecode(path))))  # noqa: PTH100 - must not touch the disk


_WRITES = _Writes()


@contextmanager
def watched_writes(*homes: Path) -> Iterator[list[Path]]:
    """Fill the list given with the paths that are written, made or removed outside `homes` and the places all may use.

    Those are the temporary folder, fspp's own cache, Keras's settings, byte code and devices. Sees what Python opens,
    not what C libraries do.
    """
    import platformdirs

    seen: list[Path] = []
    strays: list[Path] = []
    keras_home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    free = [*homes, Path(tempfile.gettempdir()), Path(platformdirs.user_cache_dir("fspp", appauthor=False)), keras_home]
    free = [Path(os.path.abspath(p)) for p in free] + [p.resolve() for p in free] + [Path("/dev"), Path("/proc")]  # noqa: PTH100
    _WRITES.install()
    _WRITES.watching.append(seen)
    try:
        yield strays
    finally:
        _WRITES.watching[:] = [entry for entry in _WRITES.watching if entry is not seen]
        for path in dict.fromkeys(seen):
            if "__pycache__" not in path.parts and path.name != "nul" and not any(path.is_relative_to(f) for f in free):
                strays.append(path)


@contextmanager
def refused_network() -> Iterator[list[str]]:
    """Refuse every connection and name look-up; the list given fills with the attempts, also those that were caught."""
    attempts: list[str] = []

    def refuse(what: str) -> Any:
        def call(*args: Any, **_: Any) -> Any:
            target = next((a for a in args if isinstance(a, str | bytes | tuple)), "")
            attempts.append(f"{what}({target!r})")
            raise OSError(f"a component must not use the network: {what}({target!r})")

        return call

    with (
        mock.patch.multiple(
            socket.socket, connect=refuse("connect"), connect_ex=refuse("connect_ex"), sendto=refuse("sendto")
        ),
        mock.patch.multiple(socket, **{name: refuse(name) for name in _LOOKUPS}),
    ):
        yield attempts


@cache
def heavy_imports(statement: str) -> tuple[str, ...]:
    """Names of the heavy packages that `statement` imports in a fresh Python.

    Raises:
        RuntimeError: the statement fails there; the message ends with its traceback.
    """
    code = f"import sys\n{statement}\nprint('heavy:', *sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{statement!r} fails in a fresh Python:\n{done.stderr.strip()[-2000:]}")
    return tuple(next(line for line in done.stdout.splitlines() if line.startswith("heavy:")).split()[1:])
