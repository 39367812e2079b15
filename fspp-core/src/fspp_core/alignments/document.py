"""The alignments file: valid JSON, one frame per line, read whole and typed, written whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from fspp_core.alignments.faces import from_record, to_record
from fspp_core.alignments.migrations import SCHEMA_VERSION, migrate
from fspp_core.alignments.records import FrameRecord, MediaRecord, encoded, finite, to_array
from fspp_core.errors import AlignmentsError
from fspp_core.files import atomic_path, long_path
from fspp_core.types import Face

FORMAT = "fspp-alignments"
ADDED = "added"
"""Table of the settings for what is added later, such as masks; it does not make the faces others."""

_FIRST_FRAME_LINE = 5
_END = b"\n"


class Head(msgspec.Struct):
    """What says how to read the rest."""

    format: str
    schema_version: int


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    schema_version: int
    media: MediaRecord
    settings: dict[str, Any]
    frames: list[FrameRecord]


HEAD = msgspec.json.Decoder(Head)
_DOCUMENT = msgspec.json.Decoder(_Document, dec_hook=to_array)


class Alignments:
    """The faces of some footage.

    Attributes:
        media: the footage.
        settings: options and versions they were made with; plain JSON values.
        frames: by index, the frames that were looked at.
    """

    def __init__(self, media: MediaRecord, settings: dict[str, Any], frames: Iterable[FrameRecord] = ()) -> None:
        self.media = media
        self.settings: dict[str, Any] = finite(settings, "settings")
        self.frames: dict[int, FrameRecord] = {}
        for frame in frames:
            if frame.index in self.frames:
                raise AlignmentsError(f"frame {frame.index} is there twice: {frame.name!r}")
            self.frames[frame.index] = frame

    @classmethod
    def load(cls, path: Path | str) -> Alignments:
        """Read an alignments file.

        Raises:
            AlignmentsError: when it is missing, damaged (naming line and field) or made by a newer fspp.
        """
        path = Path(path)
        try:
            data = long_path(path).read_bytes()
        except OSError as error:
            raise AlignmentsError(f"{path}: cannot read alignments: {error.strerror}") from error
        document = _decode(data, path)
        try:
            return cls(document.media, document.settings, document.frames)
        except AlignmentsError as error:
            raise AlignmentsError(f"{path}: {error}") from error

    def save(self, path: Path | str) -> None:
        """Write the file; the old one stays until the new one is whole. Equal alignments give equal bytes.

        Raises:
            AlignmentsError: when the file cannot be written; the old one is untouched.
        """
        settings = finite(self.settings, "settings")
        frames = [self.frames[index] for index in sorted(self.frames)]
        try:
            with atomic_path(Path(path)) as temporary, temporary.open("wb") as file:
                file.write(b'{"format":"%s","schema_version":%d,\n' % (FORMAT.encode(), SCHEMA_VERSION))
                file.write(b'"media":' + encoded(self.media) + b",\n")
                file.write(b'"settings":' + encoded(settings) + b",\n")
                file.write(b'"frames":[\n')
                for number, frame in enumerate(frames, 1):
                    file.write(encoded(frame) + (b",\n" if number < len(frames) else b"\n"))
                file.write(b"]}\n")
        except OSError as error:
            raise AlignmentsError(f"{path}: cannot write alignments: {error.strerror}; free some space") from error

    def faces(self, index: int) -> list[Face]:
        """The faces of frame `index`, masks decoded; none when it was not looked at.

        Raises:
            AlignmentsError: for a damaged mask, naming frame, face and mask.
        """
        frame = self.frames.get(index)
        faces = []
        for number, record in enumerate(frame.faces if frame else ()):
            try:
                faces.append(from_record(record))
            except AlignmentsError as error:
                raise AlignmentsError(f"frame {index}, face {number}: {error}") from error
        return faces

    def set_faces(self, index: int, faces: Sequence[Face], *, name: str | None = None, pts: int | None = None) -> None:
        """Replace the faces of frame `index`.

        Args:
            name: needed for a frame that is not there yet.
            pts: likewise, for videos.

        Raises:
            AlignmentsError: for a face that cannot be stored, or a new frame without a name.
        """
        known = self.frames.get(index)
        if name is None and known is None:
            raise AlignmentsError(f"frame {index} is new: give its name")
        self.frames[index] = FrameRecord(
            index=index,
            name=known.name if name is None and known else str(name),
            pts=known.pts if pts is None and known else pts,
            cut=known.cut if known else False,
            faces=[to_record(face) for face in faces],
        )

    @property
    def face_count(self) -> int:
        """Faces in all frames together."""
        return sum(len(frame.faces) for frame in self.frames.values())


def check_readable(head: Head, format_: str, path: Path) -> None:
    """Refuse what is of another format, or newer than this fspp.

    Raises:
        AlignmentsError: naming what was found.
    """
    if head.format != format_:
        raise AlignmentsError(f"{path}: format is {head.format!r}, not {format_!r}: not made by fspp for this use")
    if head.schema_version > SCHEMA_VERSION:
        raise AlignmentsError(
            f"{path}: made by a newer fspp (schema_version {head.schema_version}; this one reads up to "
            f"{SCHEMA_VERSION}): python -m pip install --upgrade fspp-core"
        )


def _decode(data: bytes, path: Path) -> _Document:
    try:
        head = HEAD.decode(data)
        check_readable(head, FORMAT, path)
        if head.schema_version == SCHEMA_VERSION:
            return _DOCUMENT.decode(data)
        plain = migrate(msgspec.json.decode(data))
        return msgspec.convert(plain, _Document, dec_hook=to_array)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise AlignmentsError(f"{path}{_place(str(error), data)}: damaged alignments: {error}") from error


def _place(fault: str, data: bytes) -> str:
    """Where in the file a fault lies, as ", line 7"; empty when that cannot be said."""
    if at := re.search(r"\(byte (\d+)\)", fault):
        return f", line {1 + data.count(_END, 0, int(at[1]))}"
    if "truncated" in fault:
        return f", line {1 + data.count(_END)}, its last"
    if frame := re.search(r"`\$\.frames\[(\d+)\]", fault):
        line = _FIRST_FRAME_LINE + int(frame[1])
        lines = data.split(_END, line)
        if len(lines) >= line and lines[line - 1].startswith(b'{"index":'):  # laid out as we do
            return f", line {line}"
    return ""
