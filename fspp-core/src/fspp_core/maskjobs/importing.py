"""Import masks from grey pictures that somebody painted: everything is read and checked before anything changes."""

from __future__ import annotations

import logging
import time
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from fspp_core import geometry
from fspp_core.alignments import MaskRecord
from fspp_core.alignments.faces import encode_mask
from fspp_core.concurrency import ordered_map
from fspp_core.errors import ConfigError, FsppError, MediaError
from fspp_core.files import long_path
from fspp_core.maskjobs.drawing import crop_of, placed, quantised
from fspp_core.maskjobs.options import ImportOptions
from fspp_core.maskjobs.places import Entry, Place, listed, writing
from fspp_core.maskjobs.report import MaskReport
from fspp_core.maskjobs.sources import footage_of, frame_sizes
from fspp_core.media import PICTURE_SUFFIXES, read_image
from fspp_core.media.folder import natural_key
from fspp_core.options import options_dict, parse_options
from fspp_core.progress import CancelFlag, Progress, ProgressEvent, check, ignore
from fspp_core.types import FloatArray, Matrix

LOG = logging.getLogger(__name__)

FROM_FRAME_SIZE = 256
_READERS = 2


def import_masks(
    place: Path | str,
    pictures: Path | str,
    options: ImportOptions,
    *,
    progress: Progress = ignore,
    cancel: CancelFlag | None = None,
) -> MaskReport:
    """Store pictures as masks of the faces they are named after.

    A picture is called as `export_masks` calls it: `FRAME_NUMBER.png`, or as the face crop; `FRAME.png` will do for the
    only face of a frame. White is inside; 8 and 16 bits are read. Nothing is changed unless all pictures fit.

    Args:
        place: an alignments file, a folder with one, or a folder of face crops.
        pictures: the folder they lie in.

    Raises:
        FsppError: MediaError for pictures that do not fit, each with what is wrong with it: an unknown name, two for
            one face, a wrong size, colours; ConfigError; AlignmentsError; Cancelled, with nothing changed.
    """
    started = time.perf_counter()
    options = parse_options(ImportOptions, options_dict(options), where="mask import: ")
    if not options.mask:
        raise ConfigError("mask: give the name that the masks get")
    folder = Path(pictures)
    with (
        writing(place) as [opened],
        footage_of(opened, options.media, any_footage=options.any_footage, needed=False) as reader,
    ):
        pairs = _matched(opened, folder)
        taken = [entry for entry, _ in pairs if options.mask in entry.face.masks]
        if taken and not options.replace:
            raise ConfigError(
                f"mask: {len(taken)} of these faces have a mask {options.mask!r} already, such as {taken[0].name}; "
                "choose another name, or give replace"
            )
        reading = _Reading(options, frame_sizes(reader), opened.path)
        masks, faults = [], []
        for done, found in enumerate(ordered_map(reading, pairs, _READERS), 1):
            if isinstance(found, str):
                faults.append(found)
            else:
                masks.append(found)
            progress(ProgressEvent(stage="import", done=done, total=len(pairs), unit="mask"))
            check(cancel)
        if faults:
            raise MediaError(listed(faults, "nothing was imported"))
        if cut_off := [entry.name for entry, _, off in masks if off]:
            LOG.warning(
                "%d masks reach beyond the crop they are stored for, which loses that part, such as %s; a face type "
                "that shows more, such as head, keeps it",
                len(cut_off),
                cut_off[0],
            )
        if taken:
            opened.back_up(taken)
        for entry, mask, _ in masks:
            opened.put(entry, {options.mask: mask})
        opened.save()
    return MaskReport(
        place=opened.path,
        faces=len(opened.entries),
        masks={options.mask: len(masks)},
        skipped={options.mask: len(opened.entries) - len(masks)},
        backup=tuple(opened.backups),
        seconds=time.perf_counter() - started,
    )


def _matched(place: Place, folder: Path) -> list[tuple[Entry, Path]]:
    """The pictures of a folder with the faces they are named after."""
    if not long_path(folder).is_dir():
        raise MediaError(f"{folder}: there is no such folder; give the one that the painted pictures lie in")
    names = sorted((p.name for p in long_path(folder).iterdir() if not p.name.startswith(".")), key=natural_key)
    files = [folder / name for name in names if Path(name).suffix.lower() in PICTURE_SUFFIXES]
    if not files:
        raise MediaError(f"{folder}: there are no pictures in it")
    known = _names(place)
    faults: list[str] = []
    by_face: dict[int, Path] = {}
    pairs = []
    for file in files:
        found = known.get(unicodedata.normalize("NFC", file.stem), [])
        if len(found) != 1:
            faults.append(_unknown(file, known, place) if not found else _ambiguous(file, found))
            continue
        [entry] = found
        if (other := by_face.setdefault(id(entry), file)) is not file:
            faults.append(f"{folder}: {other.name} and {file.name} are both for face {entry.number} of {entry.frame}")
        pairs.append((entry, file))
    if faults:
        raise MediaError(listed(faults, f"nothing was imported into {place.path}"))
    return pairs


def _names(place: Place) -> dict[str, list[Entry]]:
    """What pictures of each face may be called."""
    known: defaultdict[str, list[Entry]] = defaultdict(list)
    frames: defaultdict[tuple[str, int], list[Entry]] = defaultdict(list)
    for entry in place.entries:
        known[unicodedata.normalize("NFC", entry.name)].append(entry)
        frames[entry.media.fingerprint, entry.index].append(entry)
    if all(entry.crop is None for entry in place.entries):
        for faces in frames.values():
            if len(faces) == 1:
                known[unicodedata.normalize("NFC", faces[0].frame)].append(faces[0])
    return dict(known)


def _unknown(file: Path, known: dict[str, list[Entry]], place: Place) -> str:
    several = [f"{entry.name}.png" for entry in place.entries if entry.frame == file.stem]
    if len(several) > 1:
        return f"{file}: there are {len(several)} faces in this frame; call it {' or '.join(several)}"
    near = get_close_matches(file.stem, known, n=1)
    hint = f"did you mean {near[0]}.png?" if near else f"names are such as {next(iter(known), 'FRAME_0')}.png"
    return f"{file}: no face is called {file.stem!r}; {hint}"


def _ambiguous(file: Path, found: Sequence[Entry]) -> str:
    faces = " or ".join(f"face {entry.number} of {entry.frame}" for entry in found)
    return f"{file}: may be {faces}; call it {' or '.join(f'{entry.name}.png' for entry in found)}"


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads a picture and brings it to where it is stored."""

    options: ImportOptions
    frame_size: Callable[[Entry], tuple[int, int]]
    place: Path

    def __call__(self, pair: tuple[Entry, Path]) -> tuple[Entry, MaskRecord, bool] | str:
        """The face, its mask and whether some of that is cut off; or what is wrong with the picture."""
        entry, file = pair
        try:
            values = _grey(file)
            self._check_size(entry, file, values)
        except FsppError as error:
            return str(error)
        options = self.options
        if options.space == "frame":
            shown, default = None, FROM_FRAME_SIZE
        else:
            shown, default = crop_of(entry, options.face_type, len(values), 0)[0], len(values)
        matrix, size = crop_of(entry, options.face_type, options.size or default, 0)
        stored = placed(values, np.eye(2, 3) if shown is None else shown, matrix, size)
        png = encode_mask(quantised(stored, "8"), options.mask)
        off = shown is None and _reaches_beyond(values, matrix, size)
        return entry, MaskRecord(png=png, matrix=matrix), off

    def _check_size(self, entry: Entry, file: Path, values: FloatArray) -> None:
        height, width = values.shape
        crop = entry.crop
        if self.options.space == "frame":
            expected = self.frame_size(entry)
            hint = "paint over the whole frame, or import with space face"
        elif crop is not None and self.options.face_type in (None, crop.face_type):
            expected = (crop.size, crop.size)
            hint = "paint over the face crop, say the face_type that the picture shows, or import with space frame"
        else:
            expected = (width, width)
            hint = "face pictures are square; import with space frame what is painted over frames"
        if (width, height) != expected:
            raise MediaError(f"{file}: is {width}x{height} pixels, not {expected[0]}x{expected[1]}; {hint}")


def _grey(file: Path) -> FloatArray:
    """A grey picture as (height, width) float32 0..1."""
    image = read_image(file)
    if (image != image[..., :1]).any():
        y, x = np.argwhere((image != image[..., :1]).any(axis=2))[0]
        blue, green, red = image[y, x].tolist()
        raise MediaError(
            f"{file}: is not grey: the pixel at {x}, {y} is red {red}, green {green}, blue {blue}; save it as grey, "
            "white inside the face"
        )
    return (image[..., 0] / np.iinfo(image.dtype).max).astype(np.float32)


def _reaches_beyond(values: FloatArray, matrix: Matrix, size: int) -> bool:
    """Whether something painted on a frame lies outside the crop."""
    points = np.argwhere(values > 0.5)[:, ::-1].astype(np.float64)
    inside = geometry.transform(points, matrix)
    return bool(len(inside) and (inside.min() < -1 or inside.max() > size))
