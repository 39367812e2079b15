"""Show stored masks: a contact sheet of faces, or full frames as pictures or a video."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from fspp_core.concurrency import batched
from fspp_core.errors import AlignmentsError, ConfigError, MediaError
from fspp_core.files import long_path
from fspp_core.geometry import crop_matrix
from fspp_core.maskjobs.drawing import shown
from fspp_core.maskjobs.mixing import Shown, shown_mask
from fspp_core.maskjobs.options import PreviewOptions
from fspp_core.maskjobs.places import Entry, Place, open_place
from fspp_core.maskjobs.ranges import frame_filter
from fspp_core.maskjobs.report import MaskReport
from fspp_core.maskjobs.sources import footage_of, sights
from fspp_core.media import PICTURE_SUFFIXES, MediaReader, open_writer, write_image
from fspp_core.options import options_dict, parse_options
from fspp_core.progress import CancelFlag, Progress, ProgressEvent, check, ignore
from fspp_core.sheet import Row, contact_sheet
from fspp_core.types import Image


def preview_masks(
    place: Path | str,
    output: Path | str,
    options: PreviewOptions | None = None,
    *,
    progress: Progress = ignore,
    cancel: CancelFlag | None = None,
) -> MaskReport:
    """Write pictures of masks.

    Args:
        place: an alignments file, a folder with one, or a folder of face crops.
        output: of faces a picture; of frames a folder, a picture of a single one, or a video.

    Raises:
        FsppError: ConfigError, AlignmentsError, or MediaError such as for an output that is there already.
    """
    started = time.perf_counter()
    options = parse_options(PreviewOptions, options_dict(options or PreviewOptions()), where="mask preview: ")
    wanted, output = frame_filter(options.frames), Path(output)
    opened = open_place(place)
    names = {name: shown_mask(name, opened) for name in _names(opened, options)}
    _check_output(opened, output, options)
    entries = [entry for entry in opened.entries if wanted(entry.index)]
    if not entries:
        raise AlignmentsError(f"{opened.path}: there is no face in the frames asked for")
    with footage_of(opened, options.media, any_footage=options.any_footage, needed=True) as reader:
        if options.on == "frames" and reader is not None:
            shown_entries: Sequence[Entry] = entries
            _frames(reader, entries, next(iter(names.values())), output, options, progress, cancel)
        else:
            places = np.linspace(0, len(entries) - 1, min(options.count, len(entries))).round().astype(int)
            shown_entries = [entries[at] for at in places]
            write_image(output, _sheet(shown_entries, reader, names, options, progress, cancel))
    return MaskReport(
        place=opened.path,
        faces=len(shown_entries),
        masks=dict.fromkeys(names, len(shown_entries)),
        output=output,
        seconds=time.perf_counter() - started,
    )


def _names(place: Place, options: PreviewOptions) -> tuple[str, ...]:
    """The masks to show."""
    stored = place.stored
    if not stored:
        raise AlignmentsError(f"{place.path}: no face has a mask; make some with: fspp mask add")
    names = options.masks or tuple(stored)
    if options.on == "frames" and len(names) > 1:
        raise ConfigError(f"masks: frames show one mask; choose from {', '.join(names)}")
    return names


def _check_output(place: Place, output: Path, options: PreviewOptions) -> None:
    if options.on == "frames" and place.entries and place.entries[0].crop is not None:
        raise ConfigError(f"on: {place.path} is a folder of face crops, which has no frames; give the alignments")
    if options.on == "faces" and output.suffix.lower() not in PICTURE_SUFFIXES:
        raise MediaError(f"{output}: the contact sheet is one picture; give it a name such as masks.png")
    there = long_path(output)
    if there.exists() and not options.overwrite and not (there.is_dir() and not any(there.iterdir())):
        raise MediaError(f"{output}: is there already; choose another name, or give overwrite")


def _sheet(
    entries: Sequence[Entry],
    reader: MediaReader | None,
    names: Mapping[str, Shown],
    options: PreviewOptions,
    progress: Progress,
    cancel: CancelFlag | None,
) -> Image:
    tiles: dict[tuple[str, int], Image] = {}
    for sight in sights(entries, reader):
        for entry in sight.entries:
            matrix = crop_matrix(entry.face.landmarks, options.face_type, options.size)
            crop = sight.cut(matrix, options.size)
            for name, mask_of in names.items():
                mask = mask_of(entry, matrix, options.size)
                tiles[name, id(entry)] = shown(crop, mask, options.style, options.color, options.opacity)
        progress(ProgressEvent(stage="preview", done=len(tiles) // len(names), total=len(entries), unit="face"))
        check(cancel)
    rows = [
        Row(f"{name}: {some[0].name}" + (f" … {some[-1].name}" if len(some) > 1 else ""), row)
        for some in batched(entries, options.columns)
        for name in names
        for row in [[tiles[name, id(entry)] for entry in some]]
    ]
    return contact_sheet(
        rows, cell=options.size, title=Path(entries[0].media.name).name, notes=[f"masks: {', '.join(names)}"]
    )


def _frames(
    reader: MediaReader,
    entries: Sequence[Entry],
    mask_of: Shown,
    output: Path,
    options: PreviewOptions,
    progress: Progress,
    cancel: CancelFlag | None,
) -> None:
    """Write the frames, all faces of one at once."""
    wanted = frame_filter(options.frames)
    faces = {index: list(group) for index, group in groupby(entries, lambda entry: entry.index)}
    total = sum(map(wanted, range(reader.info.frame_count)))
    done = 0
    with open_writer(output, like=reader, options=options.encode, resume=False) as writer:
        for frame in reader.frames():
            if not wanted(frame.index):
                continue
            height, width = frame.image.shape[:2]
            mask = np.zeros((height, width), np.float32)
            for entry in faces.get(frame.index, ()):
                np.maximum(mask, mask_of(entry, None, (width, height)), out=mask)
            writer.write(frame.with_image(shown(frame.image, mask, options.style, options.color, options.opacity)))
            done += 1
            progress(ProgressEvent(stage="preview", done=done, total=total, unit="frame"))
            check(cancel)
