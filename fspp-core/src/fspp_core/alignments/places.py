"""Where alignments lie, and whether they are of the footage they are used with."""

from __future__ import annotations

from pathlib import Path

from fspp_core.alignments.document import Alignments
from fspp_core.errors import AlignmentsError
from fspp_core.media import MediaReader

ALIGNMENTS_NAME = "alignments.json"
FACES_NAME = "faces"
"""What an extract calls its file and its folder of face crops."""


def find_alignments(path: Path) -> Path:
    """The alignments file that `path` is, or that lies in the folder `path`.

    Raises:
        AlignmentsError: when there is none.
    """
    file = path / ALIGNMENTS_NAME if path.is_dir() else path
    if file.is_file():
        return file
    if file.with_name(f"{file.name}.journal").exists():
        raise AlignmentsError(f"{file}: its extract was interrupted; run the same fspp extract again to finish it")
    raise AlignmentsError(f"{file}: there are no alignments; make them with: fspp extract MEDIA {file.parent}")


def check_footage(alignments: Alignments, path: Path, reader: MediaReader, *, any_footage: bool) -> None:
    """Refuse alignments of another piece of footage.

    Args:
        path: of the alignments, for the message.
        any_footage: whether equal size and number of frames are enough.

    Raises:
        AlignmentsError: naming what differs.
    """
    made_of, info = alignments.media, reader.info
    pairs = {
        "frames": (str(made_of.frame_count), str(info.frame_count)),
        "pixels": (f"{made_of.width}x{made_of.height}", f"{info.width}x{info.height}"),
    }
    differs = [f"{theirs} {unit} against {ours}" for unit, (theirs, ours) in pairs.items() if theirs != ours]
    if differs:
        raise AlignmentsError(
            f"{path}: these are the alignments of {made_of.name!r}, not of {info.path.name!r}: {', '.join(differs)}; "
            "give the footage they were made of, or extract again"
        )
    if not any_footage and made_of.fingerprint != reader.fingerprint():
        raise AlignmentsError(
            f"{path}: these are the alignments of {made_of.name!r}; {info.path.name!r} has the same size and number of "
            "frames but other content. Extract again or, if it is the same film encoded anew, allow it with any_footage"
        )
