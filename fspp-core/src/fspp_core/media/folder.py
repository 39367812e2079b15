"""Read one picture or a folder of pictures as footage, in natural order of names."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fspp_core.concurrency import ordered_map
from fspp_core.errors import MediaError
from fspp_core.files import long_path
from fspp_core.media.info import MediaInfo, MediaKind
from fspp_core.media.pictures import PICTURE_SUFFIXES, read_image
from fspp_core.media.reader import MediaReader
from fspp_core.types import Frame

LOG = logging.getLogger(__name__)

_DIGITS = re.compile(r"(\d+)")
_MAX_WORKERS = 4
_PROBE_BYTES = 4096


def natural_key(name: str) -> tuple[Any, ...]:
    """Sorts names as people count: frame2 before frame10; case does not matter but breaks ties."""
    parts = _DIGITS.split(unicodedata.normalize("NFC", name).casefold())
    return (*((int(p), "") if i % 2 else (0, p) for i, p in enumerate(parts)), (0, name))


class PictureReader(MediaReader):
    """Pictures on disk as footage without timing; they may differ in size and format."""

    def __init__(self, path: Path, kind: MediaKind, files: Sequence[Path]) -> None:
        self._files = files
        first = read_image(files[0])
        deep = first.dtype == np.uint16
        self.info = MediaInfo(
            path=path.absolute(),
            kind=kind,
            width=first.shape[1],
            height=first.shape[0],
            frame_count=len(files),
            bit_depth=16 if deep else 8,
            pixel_format="bgr48le" if deep else "bgr24",
            codec=files[0].suffix[1:].lower(),
            names=tuple(file.stem for file in files),
        )

    @classmethod
    def of_folder(cls, path: Path) -> PictureReader:
        """All pictures of a folder, not of its subfolders.

        Raises:
            MediaError: when there are none, or two share a stem and their frames would share a name.
        """
        entries = sorted(
            (e for e in long_path(path).iterdir() if e.is_file() and not e.name.startswith(".")),
            key=lambda e: natural_key(e.name),
        )
        files = [path / e.name for e in entries if e.suffix.lower() in PICTURE_SUFFIXES]
        if not files:
            raise MediaError(f"{path}: no pictures in this folder; known are {', '.join(sorted(PICTURE_SUFFIXES))}")
        if len(files) < len(entries):
            LOG.info("%s: %d files that are no pictures are passed over", path, len(entries) - len(files))
        seen: dict[str, Path] = {}
        for file in files:
            stem = unicodedata.normalize("NFC", file.stem).casefold()
            if stem in seen:
                raise MediaError(
                    f"{path}: {seen[stem].name!r} and {file.name!r} share the name {file.stem!r}, by which frames are "
                    "told apart; rename one or move it elsewhere"
                )
            seen[stem] = file
        return cls(path, "folder", files)

    @classmethod
    def of_file(cls, path: Path) -> PictureReader:
        """One picture as footage of one frame."""
        return cls(path, "picture", [path])

    def frames(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        """As `MediaReader.frames`; pictures are decoded in a few threads ahead."""
        workers = min(_MAX_WORKERS, os.cpu_count() or 1)
        return ordered_map(self._load, self.indices(start, stop, step), workers)

    def frame(self, index: int) -> Frame:
        """As `MediaReader.frame`."""
        self.check_index(index)
        return self._load(index)

    def name(self, index: int) -> str:
        """The stem of picture `index`."""
        return self.info.names[index]

    def close(self) -> None:
        """As `MediaReader.close`; pictures are not kept open."""

    def _load(self, index: int) -> Frame:
        file = self._files[index]
        return Frame(index=index, name=file.stem, image=read_image(file), native=file)

    def fingerprint(self) -> str:
        """SHA-256 over each picture's name, size and first bytes."""
        digest = hashlib.sha256()
        for file in self._files:
            place = long_path(file)
            digest.update(f"{unicodedata.normalize('NFC', file.name)}\0{place.stat().st_size}\0".encode())
            with place.open("rb") as stream:
                digest.update(stream.read(_PROBE_BYTES))
        return digest.hexdigest()
