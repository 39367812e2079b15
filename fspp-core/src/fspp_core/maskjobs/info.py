"""Which frames have which masks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from fspp_core.maskjobs.places import AlignmentsPlace, Entry, open_place
from fspp_core.maskjobs.ranges import compact
from fspp_core.media.png import size_of


def masks_info(place: Path | str) -> dict[str, Any]:
    """What masks the faces of alignments or face crops have, ready for JSON.

    Ranges of frames run over the frames that have faces: 0-9 are all of these from 0 to 9. Face crops of several pieces
    of footage are counted together, by the numbers of their frames.

    Returns:
        "place", "kind" ("alignments" or "faces"), "frames" with faces, "faces", and "masks": by name "faces", "sizes"
        (how many of each), "frames" in which all faces have it, "partly" those in which some have, and "missing" those
        in which none has.

    Raises:
        AlignmentsError: when there is neither, or it is damaged.
    """
    opened = open_place(place)
    frames: dict[int, list[Entry]] = {}
    for entry in opened.entries:
        frames.setdefault(entry.index, []).append(entry)
    order = sorted(frames)
    masks = {}
    for name in opened.stored:
        having = {index: sum(name in entry.face.masks for entry in frames[index]) for index in order}
        sizes = Counter(
            "{}x{}".format(*size_of(entry.face.masks[name].png)) for entry in opened.entries if name in entry.face.masks
        )
        masks[name] = {
            "faces": sum(having.values()),
            "sizes": dict(sorted(sizes.items())),
            "frames": compact([i for i in order if having[i] == len(frames[i])], order),
            "partly": compact([i for i in order if 0 < having[i] < len(frames[i])], order),
            "missing": compact([i for i in order if not having[i]], order),
        }
    return {
        "place": str(opened.path),
        "kind": "alignments" if isinstance(opened, AlignmentsPlace) else "faces",
        "frames": len(order),
        "faces": len(opened.entries),
        "masks": masks,
    }
