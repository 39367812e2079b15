"""Text inside PNG files: put it in, and read it back without decoding pixels."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from fspp_core.errors import MediaError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXT_CHUNKS = (b"tEXt", b"zTXt", b"iTXt")
_KEYWORD_BYTES = 79
_MAX_TEXT_BYTES = 64 << 20  # nothing honest is longer; guards against zip bombs


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_text(png: bytes, text: Mapping[str, str]) -> bytes:
    """`png` with `text` added as iTXt chunks right after its header, where readers find it without reading pixels.

    Raises:
        MediaError: for a keyword PNG does not allow (1 to 79 Latin-1 characters).
    """
    head = len(SIGNATURE) + 25  # IHDR comes first and is 13 bytes of data
    chunks = []
    for key, value in text.items():
        keyword = key.encode("latin-1", "replace")
        if not 0 < len(keyword) <= _KEYWORD_BYTES or not key.isprintable() or keyword.decode("latin-1") != key:
            raise MediaError(f"{key!r} cannot name a text in a PNG: 1 to 79 printable Latin-1 characters are allowed")
        chunks.append(_chunk(b"iTXt", keyword + b"\0\0\0\0\0" + value.encode("utf-8")))
    return png[:head] + b"".join(chunks) + png[head:]


def replace_text(png: bytes, text: Mapping[str, str]) -> bytes:
    """`png` with `text` in place of what it had under the same keywords; all else stays, byte for byte.

    Raises:
        MediaError: as `with_text`.
    """
    kept, at = [png[: len(SIGNATURE)]], len(SIGNATURE)
    while at < len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        end = at + length + 12
        keyword = png[at + 8 : end].partition(b"\0")[0].decode("latin-1")
        if kind not in _TEXT_CHUNKS or keyword not in text:
            kept.append(png[at:end])
        at = end
    return with_text(b"".join(kept), text)


def read_text_chunks(file: BinaryIO, path: Path) -> dict[str, str]:
    """The texts of an open PNG file, by keyword; pixels are skipped, not read.

    Raises:
        MediaError: when the file is cut off or a text chunk is damaged.
    """
    found: dict[str, str] = {}
    for kind, data in _chunks(file, path):
        keyword, _, rest = data.partition(b"\0")
        key = keyword.decode("latin-1")
        try:
            if kind == b"tEXt":
                found[key] = rest.decode("latin-1")
            elif kind == b"zTXt":
                found[key] = _inflate(rest[1:]).decode("latin-1")
            else:
                packed = rest[0]
                _language, _, rest = rest[2:].partition(b"\0")
                _translated, _, rest = rest.partition(b"\0")
                found[key] = (_inflate(rest) if packed else rest).decode("utf-8")
        except (zlib.error, UnicodeDecodeError, IndexError) as error:
            raise MediaError(f"{path}: the text {key!r} in this PNG is damaged ({error})") from error
    return found


def _inflate(data: bytes) -> bytes:
    stream = zlib.decompressobj()
    plain = stream.decompress(data, _MAX_TEXT_BYTES)
    if stream.unconsumed_tail:
        raise zlib.error(f"longer than {_MAX_TEXT_BYTES} bytes")
    return plain


def _chunks(file: BinaryIO, path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Text chunks of a PNG as (kind, data), checked against their CRC."""
    if file.read(8) != SIGNATURE:
        raise MediaError(f"{path}: not a PNG file")
    while True:
        head = file.read(8)
        if len(head) < 8:
            raise _cut_off(path)
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return
        if kind not in _TEXT_CHUNKS:
            file.seek(length + 4, 1)
            continue
        data = file.read(length)
        check = file.read(4)
        if len(check) < 4:
            raise _cut_off(path)
        if struct.unpack(">I", check)[0] != zlib.crc32(kind + data):
            raise MediaError(f"{path}: a text chunk of this PNG is damaged (its checksum does not fit)")
        yield kind, data


def _cut_off(path: Path) -> MediaError:
    return MediaError(f"{path}: the PNG ends before its end mark; the file is cut off, make or copy it anew")


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height that the header of a PNG says; (0, 0) where there is none."""
    return struct.unpack_from(">II", png, 16) if len(png) >= 24 else (0, 0)
