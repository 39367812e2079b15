"""Remove stored masks by name, after a backup."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from pathlib import Path

from fspp_core.errors import ConfigError
from fspp_core.maskjobs.options import RemoveOptions
from fspp_core.maskjobs.places import Entry, Place, counted, writing
from fspp_core.maskjobs.ranges import frame_filter
from fspp_core.maskjobs.report import MaskReport
from fspp_core.options import options_dict, parse_options


def drop(place: Place, entries: Iterable[Entry], names: Collection[str]) -> None:
    """Take masks away from those of `entries` that have them, after a backup, and save."""
    having = [entry for entry in entries if entry.face.masks.keys() & set(names)]
    if having:
        place.back_up(having)
    for entry in having:
        place.put(entry, dict.fromkeys(names))
    place.save()


def remove_masks(place: Path | str, options: RemoveOptions) -> MaskReport:
    """Remove masks from faces.

    A backup is written first: a copy of the alignments; of face crops, their records as alignments, from which
    `copy_masks` brings the masks back.

    Args:
        place: an alignments file, a folder with one, or a folder of face crops.

    Raises:
        FsppError: ConfigError for names that no face has; AlignmentsError.
    """
    started = time.perf_counter()
    options = parse_options(RemoveOptions, options_dict(options), where="mask remove: ")
    wanted = frame_filter(options.frames)
    with writing(place) as [opened]:
        if not options.masks:
            raise ConfigError(f"masks: name at least one of {', '.join(opened.stored) or 'none, as there is no mask'}")
        opened.check_names(options.masks, "masks")
        entries = [entry for entry in opened.entries if wanted(entry.index)]
        removed = [name for entry in entries for name in options.masks if name in entry.face.masks]
        drop(opened, entries, options.masks)
    return MaskReport(
        place=opened.path,
        faces=len(entries),
        masks=counted(removed, options.masks),
        backup=tuple(opened.backups),
        seconds=time.perf_counter() - started,
    )
