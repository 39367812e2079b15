"""What can be known to be wrong before the long work starts is said before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fspp_core.conversion.selection import Selection
from fspp_core.errors import AlignmentsError, CheckpointError, ConfigError, MediaError
from fspp_core.files import atomic_path
from fspp_core.geometry import FACE_TYPES
from fspp_core.interfaces import SwapModel
from fspp_core.media import MediaInfo
from fspp_core.models import Checkpoint

_SHOWN = 5
_LEAST_FACE = 1.0  # pixels; landmarks nearer to each other than this are all one place


def check_places(media: Path, alignments: Path, model_dir: Path, output: Path) -> None:
    """Refuse an output that would be written over what it is made from, or that cannot be written.

    Raises:
        MediaError: naming both places, or what is in the way.
    """
    target = output.resolve()
    for what, path in (("footage", media), ("alignments", alignments), ("model folder", model_dir)):
        source = path.resolve()
        if target == source or (output.exists() and path.exists() and output.samefile(path)):
            raise MediaError(f"{output}: the output is the {what} itself, which would be lost; choose another place")
        if what == "footage" and source.is_file() and target == source.parent:
            raise MediaError(
                f"{output}: the output is the folder of the {what} {path.name}; choose a folder of its own"
            )
    try:
        with atomic_path(output.with_name(f".{output.stem[:40]}.try")) as trial:
            trial.write_bytes(b"")
            raise _Tried
    except _Tried:
        return
    except OSError as error:
        raise MediaError(f"{output}: nothing can be written there: {error.strerror or error}") from error


class _Tried(Exception):  # noqa: N818 - no error: it makes `atomic_path` leave nothing behind
    pass


def check_whole(info: MediaInfo, *, accept_damage: bool) -> None:
    """Refuse footage that is known to be cut off, unless that is accepted.

    Raises:
        MediaError: saying what is missing.
    """
    if info.damage and not accept_damage:
        raise MediaError(f"{info.path}: {info.damage}; copy or record it anew, or use what is there with accept_damage")


def check_range(info: MediaInfo, start: int, stop: int | None) -> None:
    """Refuse a range without frames.

    Raises:
        ConfigError: naming the numbers.
    """
    if start >= info.frame_count or (stop is not None and stop <= start):
        raise ConfigError(
            f"start, stop: there is no frame from {start} to before {info.frame_count if stop is None else stop}; "
            f"{info.path.name} has frames 0 to {info.frame_count - 1}"
        )


def check_landmarks(selection: Selection, path: Path) -> None:
    """Refuse faces that cannot be cut out.

    Raises:
        AlignmentsError: naming the first of them.
    """
    bad = [
        f"frame {index} face {number}"
        for index, number, face in selection
        if float(np.ptp(face.landmarks, axis=0).max()) < _LEAST_FACE
    ]
    if bad:
        raise AlignmentsError(
            f"{path}: {len(bad)} faces have all their landmarks in one place ({_list(bad)}); extract again, or remove "
            "these faces"
        )


def check_tracks(selection: Selection, path: Path, *, smooth: int) -> None:
    """Refuse to smooth masks along tracks that are not there.

    Raises:
        ConfigError: when no face has one.
    """
    if smooth and selection.faces and all(face.track is None for _, _, face in selection):
        raise ConfigError(
            f"mask_smooth: the faces of {path} have no tracks to smooth their masks along; extract again with tracks"
        )


def check_model(model: SwapModel, checkpoint: Checkpoint) -> str:
    """The face type a model was trained on.

    Raises:
        CheckpointError: when its checkpoint does not say, or says one that does not exist.
    """
    face_type = checkpoint.state.get("face_type")
    if face_type not in FACE_TYPES:
        raise CheckpointError(
            f"{checkpoint.path}: its state must name the crop the model was trained on as face_type, one of "
            f"{', '.join(FACE_TYPES)}; received {face_type!r}"
        )
    return str(face_type)


def _list(items: Sequence[str]) -> str:
    return ", ".join(items[:_SHOWN]) + (", …" if len(items) > _SHOWN else "")
