"""Export stored masks as grey PNG pictures, to be painted in another program and imported again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from fspp_core.concurrency import ordered_map
from fspp_core.errors import ConfigError, MediaError
from fspp_core.files import long_path
from fspp_core.maskjobs.drawing import crop_of, of_face, quantised
from fspp_core.maskjobs.options import ExportOptions
from fspp_core.maskjobs.places import Entry, open_place
from fspp_core.maskjobs.ranges import frame_filter
from fspp_core.maskjobs.report import MaskReport
from fspp_core.maskjobs.sources import footage_of, frame_sizes
from fspp_core.media import write_image
from fspp_core.options import options_dict, parse_options
from fspp_core.progress import CancelFlag, Progress, ProgressEvent, check, ignore

FACE_SIZE = 512
_WRITERS = 2
_SHOWN = 3


def export_masks(
    place: Path | str,
    output: Path | str,
    options: ExportOptions,
    *,
    progress: Progress = ignore,
    cancel: CancelFlag | None = None,
) -> MaskReport:
    """Write a mask of every face as `FRAME_NUMBER.png`, for face crops by the name of the crop.

    Args:
        place: an alignments file, a folder with one, or a folder of face crops.
        output: folder for the pictures.

    Raises:
        FsppError: ConfigError, AlignmentsError, or MediaError such as for pictures that are there already.
    """
    started = time.perf_counter()
    options = parse_options(ExportOptions, options_dict(options), where="mask export: ")
    wanted, output = frame_filter(options.frames), Path(output)
    opened = open_place(place)
    if not options.mask:
        raise ConfigError(f"mask: name the one to export, of {', '.join(opened.stored) or 'none, as there is no mask'}")
    if not options.blank:
        opened.check_names([options.mask], "mask")
    entries = [entry for entry in opened.entries if wanted(entry.index)]
    chosen = [entry for entry in entries if options.blank or options.mask in entry.face.masks]
    _check_free(output, chosen, overwrite=options.overwrite)
    with footage_of(opened, options.media, any_footage=options.any_footage, needed=False) as reader:
        size_of = frame_sizes(reader)

        def write(entry: Entry) -> None:
            if options.space == "frame":
                values = of_face(entry, options.mask, None, size_of(entry))
            else:
                values = of_face(entry, options.mask, *crop_of(entry, options.face_type, options.size, FACE_SIZE))
            write_image(output / f"{entry.name}.png", quantised(values, options.depth))

        for done, _ in enumerate(ordered_map(write, chosen, _WRITERS), 1):
            progress(ProgressEvent(stage="export", done=done, total=len(chosen), unit="mask"))
            check(cancel)
    return MaskReport(
        place=opened.path,
        faces=len(entries),
        masks={options.mask: len(chosen)},
        skipped={options.mask: len(entries) - len(chosen)},
        output=output,
        seconds=time.perf_counter() - started,
    )


def _check_free(output: Path, entries: Sequence[Entry], *, overwrite: bool) -> None:
    if long_path(output).exists() and not long_path(output).is_dir():
        raise MediaError(f"{output}: is a file; give a folder for the pictures")
    if any(entry.crop is not None and entry.crop.path.parent.resolve() == output.resolve() for entry in entries):
        raise MediaError(f"{output}: is the folder of the face crops themselves, which would be lost; choose another")
    taken = [entry.name for entry in entries if long_path(output / f"{entry.name}.png").exists()]
    if taken and not overwrite:
        shown = ", ".join(f"{name}.png" for name in taken[:_SHOWN]) + ("…" if len(taken) > _SHOWN else "")
        raise MediaError(
            f"{output}: {len(taken)} pictures of these names lie there already ({shown}), which somebody may have "
            "painted; choose another folder, or give overwrite"
        )
