"""The journal beside an alignments file in the making: a line for each frame done, so that a kill loses no more.

Each line is the CRC-32 of its JSON in eight hex digits, a space, and the JSON. The first holds the footage and the
settings, the others a frame each. Every line is handed to the operating system before `append` returns and synced to
the disk every few seconds. What a kill leaves half written at the end is cut off when the journal is opened again; a
line that a power failure damaged is passed over, so that its frame is done again. Nothing in it depends on time.
"""

from __future__ import annotations

import logging
import os
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import msgspec

from fspp_core.alignments.document import ADDED, Alignments
from fspp_core.alignments.migrations import SCHEMA_VERSION
from fspp_core.alignments.records import FrameRecord, MediaRecord, encoded, finite, to_array
from fspp_core.errors import AlignmentsError
from fspp_core.files import long_path, sync_folder
from fspp_core.locking import lock

LOG = logging.getLogger(__name__)

FORMAT = "fspp-alignments-journal"


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    schema_version: int
    media: MediaRecord
    settings: dict[str, Any]


class _Index(msgspec.Struct):
    index: int


_HEADER = msgspec.json.Decoder(_Header)
_INDEX = msgspec.json.Decoder(_Index)
_FRAME = msgspec.json.Decoder(FrameRecord, dec_hook=to_array)


class AlignmentsJournal:
    """Alignments in the making. Use `open`, then `append` each frame, then `finish`.

    Attributes:
        path: the alignments file to be.
        journal_path: the journal beside it.
        done: indices of the frames recorded so far, by this run or earlier ones.
    """

    def __init__(
        self, path: Path, journal_path: Path, file: BinaryIO, header: _Header, earlier: Alignments | None
    ) -> None:
        self.path = path
        self.journal_path = journal_path
        self.done: set[int] = set()
        self._file = file
        self._header = header
        self._earlier = earlier
        self._synced = time.monotonic()
        self._unsynced = False
        self._sync_every_s = 2.0

    @classmethod
    def open(
        cls, path: Path | str, media: MediaRecord, settings: dict[str, Any], *, sync_every_s: float = 2.0
    ) -> AlignmentsJournal:
        """Start the journal of the alignments file `path`, or go on with the one a stopped run left.

        A finished alignments file made of the same footage with the same settings counts as done.

        Args:
            path: the alignments file to be; the journal lies beside it.
            settings: options and versions the work is done with; plain JSON values.
            sync_every_s: seconds between two waits for the disk.

        Raises:
            BusyError: when another run is writing it.
            AlignmentsError: when what is there belongs to other footage or was made with other settings (naming
                them), is damaged, cannot be written, or another run is at work on it.
        """
        path = long_path(Path(path))
        journal_path = path.with_name(path.name + ".journal")
        header = _Header(FORMAT, SCHEMA_VERSION, media, finite(settings, "settings"))
        earlier = None
        if path.exists():
            earlier = Alignments.load(path)
            _check_same(path, header, earlier.media, earlier.settings)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = journal_path.open("a+b", buffering=0)
        except OSError as error:
            raise AlignmentsError(f"{journal_path}: cannot write the journal: {error.strerror}") from error
        try:
            lock(file, journal_path)
            journal = cls(path, journal_path, file, header, earlier)
            journal._sync_every_s = sync_every_s
            journal._recover()
        except BaseException:
            file.close()
            raise
        return journal

    def append(self, frame: FrameRecord) -> None:
        """Record a frame; when this returns, a kill of the process cannot lose it.

        Raises:
            AlignmentsError: when the frame is recorded already, or the disk is full; the journal stays whole.
        """
        if frame.index in self.done:
            raise AlignmentsError(f"{self.journal_path}: frame {frame.index} is recorded already")
        self._write(encoded(frame))
        self.done.add(frame.index)
        if time.monotonic() - self._synced >= self._sync_every_s:
            self._sync()

    def finish(self, complete: Callable[[Alignments], None] | None = None) -> Alignments:
        """Write the alignments file from all frames recorded, then remove the journal.

        Args:
            complete: changes what hangs on all frames together, such as tracks, just before the file is written; a
                finished file that stays as it is does not go through it again.

        Raises:
            AlignmentsError: when a line of the journal was damaged since, or the file cannot be written; the journal
                stays.
        """
        self._sync()
        base = self._earlier or Alignments(self._header.media, self._header.settings)
        alignments = Alignments(base.media, base.settings, base.frames.values())
        appended = 0
        for number, line in self._lines():
            try:
                frame = _FRAME.decode(line)
            except msgspec.MsgspecError as error:
                raise AlignmentsError(f"{self.journal_path}, line {number}: damaged: {error}") from error
            alignments.frames[frame.index] = frame
            appended += 1
        if missing := self.done - alignments.frames.keys():
            raise AlignmentsError(f"{self.journal_path}: the lines of {len(missing)} frames were damaged; run it again")
        alignments.frames = {index: alignments.frames[index] for index in sorted(alignments.frames)}
        if appended or self._earlier is None:
            if complete is not None:
                complete(alignments)
            alignments.save(self.path)
        self.close()
        self.journal_path.unlink(missing_ok=True)
        sync_folder(self.journal_path.parent)
        return alignments

    def close(self) -> None:
        """Let go of the journal and leave it for a later run. May be called twice."""
        if not self._file.closed:
            self._sync()
            self._file.close()

    def __enter__(self) -> AlignmentsJournal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _recover(self) -> None:
        """Take over what an earlier run wrote: cut a torn end off, check the header, collect the frames."""
        self._file.seek(0)
        data = self._file.read()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            LOG.warning("%s: dropped %d bytes of a frame that was not done", self.journal_path, len(data) - whole)
            self._file.truncate(whole)
        lines = data[:whole].split(b"\n")[:-1]
        first = _checked(lines[0]) if lines else None
        if first is None:
            if any(_checked(line) is not None for line in lines[1:]):
                raise AlignmentsError(
                    f"{self.journal_path}, line 1: damaged; delete the journal to start again, or restore it"
                )
            self._file.truncate(0)
            self._write(encoded(self._header))
            self._sync()
            sync_folder(self.journal_path.parent)
        else:
            self._check_header(first)
        if self._earlier is not None:
            self.done.update(self._earlier.frames)
        damaged = 0
        for line in lines[1:] if first is not None else ():
            content = _checked(line)
            if content is None:
                damaged += 1
            else:
                self.done.add(_INDEX.decode(content).index)
        if damaged:
            LOG.warning("%s: %d damaged lines; their frames will be done again", self.journal_path, damaged)

    def _check_header(self, content: bytes) -> None:
        try:
            found = _HEADER.decode(content)
        except msgspec.MsgspecError as error:
            raise AlignmentsError(
                f"{self.journal_path}, line 1: not a journal this fspp can go on with: {error}"
            ) from error
        if (found.format, found.schema_version) != (FORMAT, SCHEMA_VERSION):
            raise AlignmentsError(
                f"{self.journal_path}: a journal of schema_version {found.schema_version} cannot be gone on with by "
                f"this fspp ({SCHEMA_VERSION}); finish it with the fspp that began it, or delete it"
            )
        _check_same(self.journal_path, self._header, found.media, found.settings)
        self._header = found

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """The good lines after the header, as they are on disk, with their numbers."""
        try:
            file = self.journal_path.open("rb")
        except OSError as error:
            raise AlignmentsError(f"{self.journal_path}: cannot read the journal: {error.strerror}") from error
        with file:
            for number, line in enumerate(file, 1):
                content = _checked(line.removesuffix(b"\n"))
                if number > 1 and content is not None:
                    yield number, content

    def _write(self, content: bytes) -> None:
        line = memoryview(b"%08x %b\n" % (zlib.crc32(content), content))
        end = self._file.seek(0, os.SEEK_END)
        self._unsynced = True
        try:
            while line:
                line = line[self._file.write(line) :]
        except OSError as error:
            self._file.truncate(end)  # shrinking needs no space
            raise AlignmentsError(
                f"{self.journal_path}: cannot write: {error.strerror}; what was done before is safe; free some space "
                "and run it again"
            ) from error

    def _sync(self) -> None:
        if self._unsynced:
            os.fsync(self._file.fileno())
            self._unsynced = False
        self._synced = time.monotonic()


def _checked(line: bytes) -> bytes | None:
    """The JSON of a line whose checksum is right, else None."""
    checksum, _, content = line.partition(b" ")
    return content if checksum == b"%08x" % zlib.crc32(content) else None


def _check_same(path: Path, ours: _Header, media: MediaRecord, settings: dict[str, Any]) -> None:
    """Refuse to mix frames of two videos, or made in two ways."""
    if media.fingerprint != ours.media.fingerprint:
        raise AlignmentsError(
            f"{path}: belongs to other footage: {media.name!r} (fingerprint {media.fingerprint}), not "
            f"{ours.media.name!r} ({ours.media.fingerprint}); choose another output folder, or delete it"
        )
    if differing := _differences(settings | {ADDED: None}, ours.settings | {ADDED: None}, ""):
        shown = "; ".join(differing[:8]) + (f"; and {len(differing) - 8} more" if len(differing) > 8 else "")
        raise AlignmentsError(
            f"{path}: was made with other settings: {shown}. Use those again, choose another output folder, or "
            "delete it"
        )


def _differences(there: Any, now: Any, path: str) -> list[str]:
    if isinstance(there, dict) and isinstance(now, dict):
        keys = sorted({*there, *now})
        return [
            line for key in keys for line in _differences(there.get(key), now.get(key), f"{path}.{key}".lstrip("."))
        ]
    return [] if there == now else [f"{path} was {there!r}, is {now!r}"]
