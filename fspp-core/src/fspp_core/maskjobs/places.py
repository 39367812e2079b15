"""Where masks are stored: an alignments file, or a folder of face crops with their records."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from fspp_core.alignments import Alignments, FaceRecord, FrameRecord, MaskRecord, MediaRecord
from fspp_core.alignments.crops import StoredCrop, read_stored_crop, rewrite_stored_crop
from fspp_core.alignments.document import ADDED
from fspp_core.alignments.places import ALIGNMENTS_NAME, find_alignments
from fspp_core.errors import AlignmentsError, ConfigError, FsppError
from fspp_core.files import atomic_write, long_path
from fspp_core.locking import exclusive
from fspp_core.media.folder import natural_key
from fspp_core.types import Matrix

LOG = logging.getLogger(__name__)

Masks = Mapping[str, MaskRecord | None]
"""Masks to store by name; None for those to remove."""
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CropFile:
    """The picture a face was cut out to; fields as in `FaceCropRecord`."""

    path: Path
    matrix: Matrix
    size: int
    face_type: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """A face and where it comes from.

    Attributes:
        name: under which pictures of its masks are filed.
        index: of the frame.
        frame: name of the frame.
        number: which of the frame's faces it is.
        face: its record; masks are changed by `Place.put` only.
        media: the footage.
        crop: its face crop, None in alignments.
    """

    name: str
    index: int
    frame: str
    number: int
    face: FaceRecord
    media: MediaRecord
    crop: CropFile | None = None

    @property
    def key(self) -> tuple[str, int, bytes]:
        """Tells the face from all others, wherever it is stored and whatever was edited since."""
        return self.media.fingerprint, self.index, self.face.box.tobytes()


class Place(ABC):
    """Faces whose masks can be changed.

    Attributes:
        path: the alignments file, or the folder.
        entries: all faces, by frame.
        backups: what keeps the state from before the changes.
    """

    path: Path
    entries: list[Entry]

    def __init__(self) -> None:
        self.backups: list[Path] = []

    @property
    def stored(self) -> list[str]:
        """Names of all masks there are."""
        return sorted({name for entry in self.entries for name in entry.face.masks})

    def check_names(self, names: Iterable[str], option: str) -> None:
        """Refuse names of masks that no face has.

        Raises:
            ConfigError: naming those there are.
        """
        stored = self.stored
        for name in names:
            if name not in stored:
                near = get_close_matches(name, stored, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(stored) or 'none'}"
                raise ConfigError(f"{option}: no face in {self.path} has a mask {name!r}; {hint}")

    def put(self, entry: Entry, masks: Masks) -> None:
        """Store masks with a face, and remove those that are None."""
        kept = {name: mask for name, mask in entry.face.masks.items() if name not in masks}
        entry.face.masks = kept | {name: mask for name, mask in masks.items() if mask is not None}
        self._changed(entry)

    @abstractmethod
    def back_up(self, entries: Iterable[Entry]) -> None:
        """Keep the state of faces that are about to lose masks, once."""

    @abstractmethod
    def note(self, settings: Mapping[str, Any]) -> None:
        """Keep the options that masks are made with, by the masks' names."""

    @abstractmethod
    def save(self) -> None:
        """Bring everything to the disk."""

    def _kept(self, backup: Path) -> None:
        self.backups.append(backup)
        LOG.info("%s: what was there before is kept in %s", self.path, backup.name)

    @abstractmethod
    def _changed(self, entry: Entry) -> None: ...


class AlignmentsPlace(Place):
    """An alignments file; written whole by `save`."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        if long_path(path.with_name(f"{path.name}.journal")).exists():
            raise AlignmentsError(f"{path}: its extract was interrupted; run the same fspp extract again to finish it")
        self._seen = self._stamp()
        self.alignments = Alignments.load(path)
        self._dirty = False
        media = self.alignments.media
        self.entries = [
            Entry(name=f"{f.name}_{n}", index=i, frame=f.name, number=n, face=face, media=media)
            for i, f in sorted(self.alignments.frames.items())
            for n, face in enumerate(f.faces)
        ]

    def back_up(self, entries: Iterable[Entry]) -> None:
        """As `Place.back_up`: the file as it is."""
        if not self.backups:
            self._check_unchanged()
            backup = _free(self.path.with_name(f"{self.path.stem}.backup-{_now()}{self.path.suffix}"))
            atomic_write(backup, long_path(self.path).read_bytes())
            self._kept(backup)

    def note(self, settings: Mapping[str, Any]) -> None:
        """As `Place.note`."""
        added = self.alignments.settings.setdefault(ADDED, {})
        added["masks"] = added.get("masks", {}) | dict(settings)

    def save(self) -> None:
        """As `Place.save`.

        Raises:
            AlignmentsError: when another program has changed the file meanwhile; it is left as it is.
        """
        if self._dirty:
            self.back_up(())
            self._check_unchanged()
            self.alignments.save(self.path)
            self._seen, self._dirty = self._stamp(), False

    def _changed(self, entry: Entry) -> None:
        self._dirty = True

    def _check_unchanged(self) -> None:
        if self._stamp() != self._seen:
            raise AlignmentsError(
                f"{self.path}: another program has changed it since it was read; nothing was written over. "
                "Run the same again"
            )

    def _stamp(self) -> tuple[int, int]:
        try:
            found = long_path(self.path).stat()
        except OSError as error:
            raise AlignmentsError(f"{self.path}: cannot read alignments: {error.strerror}") from error
        return found.st_mtime_ns, found.st_size


class CropsPlace(Place):
    """A folder of face crops; each file is rewritten by `put`, its pixels untouched."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.path = folder
        names = sorted((p.name for p in long_path(folder).iterdir() if _is_crop(p)), key=natural_key)
        if not names:
            raise AlignmentsError(f"{folder}: there is neither {ALIGNMENTS_NAME} in it, nor a face crop (.png)")
        self._stored: dict[str, StoredCrop] = {}
        self.entries, faults = [], []
        for name in names:
            try:
                stored = read_stored_crop(folder / name)
            except FsppError as error:
                faults.append(str(error))
                continue
            self._stored[name] = stored
            crop = CropFile(path=folder / name, matrix=stored.matrix, size=stored.size, face_type=stored.face_type)
            self.entries.append(
                Entry(
                    name=Path(name).stem,
                    index=stored.frame_index,
                    frame=stored.frame_name,
                    number=stored.face_index,
                    face=stored.face,
                    media=stored.media,
                    crop=crop,
                )
            )
        if faults:
            raise AlignmentsError(listed(faults, "move what is no face crop out of the folder, or extract it again"))

    def back_up(self, entries: Iterable[Entry]) -> None:
        """As `Place.back_up`: their records as alignments, one file for each footage; `copy_masks` brings them back."""
        frames: dict[MediaRecord, dict[int, FrameRecord]] = {}
        for entry in entries:
            if entry.face.masks:
                of_media = frames.setdefault(entry.media, {})
                frame = of_media.setdefault(entry.index, FrameRecord(index=entry.index, name=entry.frame, faces=[]))
                frame.faces.append(entry.face)
        for media, of_media in frames.items():
            backup = _free(self.path / f"masks.backup-{_now()}.json")
            Alignments(media, {}, of_media.values()).save(backup)
            self._kept(backup)

    def note(self, settings: Mapping[str, Any]) -> None:
        """As `Place.note`; records of crops hold no settings."""

    def save(self) -> None:
        """As `Place.save`; nothing is held back."""

    def _changed(self, entry: Entry) -> None:
        if entry.crop is not None:
            rewrite_stored_crop(entry.crop.path, self._stored[entry.crop.path.name])


def open_place(path: Path | str) -> Place:
    """The alignments file `path`, that in the folder `path`, or else the face crops in that folder.

    Raises:
        AlignmentsError: when there is neither, or a file in it is no face crop.
    """
    path = Path(path)
    if long_path(path).is_dir() and not any(
        long_path(path / name).exists() for name in (ALIGNMENTS_NAME, f"{ALIGNMENTS_NAME}.journal")
    ):
        return CropsPlace(path)
    return AlignmentsPlace(find_alignments(path))


@contextmanager
def writing(*paths: Path | str) -> Iterator[list[Place]]:
    """Open places that are to be changed, and keep their folders to this run meanwhile. As `open_place`.

    Raises:
        BusyError: when another run is writing one of them.
    """
    folders = [(path if long_path(path).is_dir() else path.parent).resolve() for path in map(Path, paths)]
    with ExitStack() as stack:
        for folder in dict.fromkeys(folders):
            stack.enter_context(exclusive(folder))
        yield [open_place(path) for path in paths]


def listed(faults: list[str], remedy: str) -> str:
    """Faults as the lines of one message, the first few of them, with what to do."""
    more = [f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
    return "\n".join([*faults[:_SHOWN], *more, remedy])


def counted(names: Iterable[str], order: Iterable[str]) -> dict[str, int]:
    """How often each name of `order` is among `names`."""
    found = Counter(names)
    return {name: found[name] for name in order}


def _is_crop(path: Path) -> bool:
    return path.suffix.lower() == ".png" and not path.name.startswith(".") and path.is_file()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y%m%d-%H%M%S")


def _free(path: Path) -> Path:
    """`path`, or the first name like it that is not taken."""
    taken, number = path, 1
    while long_path(taken).exists():
        taken, number = path.with_stem(f"{path.stem}-{number}"), number + 1
    return taken
