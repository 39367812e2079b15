"""The footage in a folder of videos and folders of pictures, and a name for each."""

from __future__ import annotations

import logging
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fspp_core.errors import MediaError
from fspp_core.files import long_path
from fspp_core.media import PICTURE_SUFFIXES
from fspp_core.media.folder import natural_key
from fspp_core.media.writer import VIDEO_SUFFIXES

LOG = logging.getLogger(__name__)

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Footage:
    """A video, or a folder of pictures.

    Attributes:
        name: tells it from all others in the folder, also where case does not count.
        path: where it is.
    """

    name: str
    path: Path


def footage_in(folder: Path) -> list[Footage]:
    """All footage directly below a folder, in natural order of its names; hidden files are passed over.

    A video is called by its name without the suffix. Where another has that name too, both keep their suffixes.

    Raises:
        MediaError: when there is no such folder, or nothing in it.
    """
    if not long_path(folder).is_dir():
        raise MediaError(f"{folder}: there is no such folder; give the folder that the videos lie in")
    names = sorted(
        (entry.name for entry in long_path(folder).iterdir() if not entry.name.startswith(".")), key=natural_key
    )
    paths = [folder / name for name in names]
    found = [path for path in paths if _is_footage(path)]
    others = [path.name for path in paths if path not in found and not long_path(path).is_dir()]
    if others:
        shown = ", ".join(others[:_SHOWN]) + ("…" if len(others) > _SHOWN else "")
        LOG.info("%s: %d files that are no videos are passed over: %s", folder, len(others), shown)
    if not found:
        hint = ""
        if any(_is_picture(path) for path in paths):
            hint = "; it holds pictures itself, and is footage of its own"
        raise MediaError(f"{folder}: there is no video in it, nor a folder of pictures{hint}")
    return list(_named(found))


def _is_footage(path: Path) -> bool:
    place = long_path(path)
    if place.is_dir():
        return any(_is_picture(entry) for entry in place.iterdir() if not entry.name.startswith("."))
    return path.suffix.lower() in VIDEO_SUFFIXES


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURE_SUFFIXES and path.is_file()


def _named(paths: list[Path]) -> Iterator[Footage]:
    def short(path: Path) -> str:
        return path.name if long_path(path).is_dir() else path.stem

    names = {path: {_folded(path.name), _folded(short(path))} for path in paths}
    taken = Counter(name for both in names.values() for name in both)
    for path in paths:
        yield Footage(short(path) if taken[_folded(short(path))] == 1 else path.name, path)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
