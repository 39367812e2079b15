"""Copy masks between places that know the same faces: alignments to face crops, and back, and from backups."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from fspp_core.errors import AlignmentsError
from fspp_core.maskjobs.options import CopyOptions
from fspp_core.maskjobs.places import Entry, Place, counted, open_place, writing
from fspp_core.maskjobs.ranges import frame_filter
from fspp_core.maskjobs.report import MaskReport
from fspp_core.options import options_dict, parse_options


def copy_masks(source: Path | str, place: Path | str, options: CopyOptions | None = None) -> MaskReport:
    """Give the faces of `place` the masks that the same faces have in `source`.

    Faces are the same that are in the same frame of the same footage with the same box; landmarks may have been edited.

    Args:
        source: alignments, or a folder of face crops; a backup, too.
        place: likewise; it is changed.

    Raises:
        FsppError: ConfigError or AlignmentsError, such as when no face is in both.
    """
    started = time.perf_counter()
    options = parse_options(CopyOptions, options_dict(options or CopyOptions()), where="mask copy: ")
    wanted = frame_filter(options.frames)
    given = open_place(source)
    given.check_names(options.masks, "masks")
    names = options.masks or tuple(given.stored)
    entries = [entry for entry in given.entries if wanted(entry.index)]
    with writing(place) as [taking]:
        made, skipped = copied(entries, taking, names, replace=options.replace)
    return MaskReport(
        place=taking.path,
        faces=len(taking.entries),
        masks=counted(made, names),
        skipped=counted(skipped, names),
        backup=tuple(taking.backups),
        seconds=time.perf_counter() - started,
    )


def copied(
    entries: Sequence[Entry], taking: Place, names: Collection[str], *, replace: bool
) -> tuple[list[str], list[str]]:
    """Copy masks of `entries` to the same faces in `taking`, and save.

    Returns:
        Names of the masks copied, one for each, and of those not copied as there were some already.

    Raises:
        AlignmentsError: when no face is in both.
    """
    same: defaultdict[tuple[str, int, bytes], list[Entry]] = defaultdict(list)
    for entry in taking.entries:
        same[entry.key].append(entry)
    pairs = [(entry, twin) for entry in entries for twin in same.get(entry.key, ())]
    if entries and not pairs:
        raise AlignmentsError(
            f"{taking.path}: has none of these faces: it is of other footage, or was extracted anew; no mask was copied"
        )
    made: list[str] = []
    skipped: list[str] = []
    changes = []
    for entry, twin in pairs:
        there = {name: entry.face.masks[name] for name in names if name in entry.face.masks}
        kept = {name for name in there if name in twin.face.masks and not replace}
        skipped.extend(kept)
        if new := {name: mask for name, mask in there.items() if name not in kept}:
            changes.append((twin, new))
            made.extend(new)
    losing: Iterable[Entry] = [twin for twin, new in changes if twin.face.masks.keys() & new.keys()]
    if losing:
        taking.back_up(losing)
    for twin, new in changes:
        taking.put(twin, new)
    taking.save()
    return made, skipped
