"""What can be known to be wrong before the long work starts is said before it starts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fspp_core.alignments import Alignments
from fspp_core.errors import AlignmentsError, CheckpointError, FsppError, MediaError
from fspp_core.geometry import FACE_TYPES
from fspp_core.interfaces import SwapModel
from fspp_core.media import MediaReader
from fspp_core.models import Checkpoint
from fspp_core.types import Face

ALIGNMENTS_NAME = "alignments.json"
_SHOWN = 5


def find_alignments(path: Path) -> Path:
    """The alignments file that `path` is, or that lies in the folder `path`.

    Raises:
        AlignmentsError: when there is none.
    """
    file = path / ALIGNMENTS_NAME if path.is_dir() else path
    if not file.is_file():
        raise AlignmentsError(f"{file}: there are no alignments here; make them with: fspp extract MEDIA {file.parent}")
    return file


def check_places(media: Path, alignments: Path, model_dir: Path, output: Path) -> None:
    """Refuse an output that would be written over what it is made from.

    Raises:
        MediaError: naming both.
    """
    target = output.resolve()
    for what, path in (("footage", media), ("alignments", alignments), ("model folder", model_dir)):
        source = path.resolve()
        if target == source or (output.exists() and path.exists() and output.samefile(path)):
            raise MediaError(f"{output}: the output is the {what} itself, which would be lost; choose another place")
        if source.is_file() and source.parent == target and not target.suffix:
            raise MediaError(
                f"{output}: the output folder is the one that holds the {what}, {path.name}; choose an own folder for it"
            )
        if what == "model folder" and source in target.parents:
            raise MediaError(f"{output}: the output lies inside the {what} {path}; choose another place")


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
        "frames": (made_of.frame_count, info.frame_count),
        "size": (f"{made_of.width}x{made_of.height}", f"{info.width}x{info.height}"),
    }
    differs = [f"{theirs} {name} against {ours}" for name, (theirs, ours) in pairs.items() if theirs != ours]
    if differs:
        raise AlignmentsError(
            f"{path}: these are the alignments of {made_of.name!r}, not of {info.path.name!r}: {', '.join(differs)}; "
            "give the footage they were made of, or extract again"
        )
    if not any_footage and made_of.fingerprint != reader.fingerprint():
        raise AlignmentsError(
            f"{path}: these are the alignments of {made_of.name!r}; {info.path.name!r} has the same size and number of "
            "frames, but other content. Extract again, or, if it is the same film encoded anew, allow it with any_footage"
        )


def check_landmarks(faces: Mapping[int, list[Face]], path: Path) -> None:
    """Refuse faces that cannot be cut out.

    Raises:
        AlignmentsError: naming the first frames with such a face.
    """
    bad = [
        f"frame {index} face {number}"
        for index, those in faces.items()
        for number, face in enumerate(those)
        if not np.isfinite(face.landmarks).all() or np.ptp(face.landmarks, axis=0).max() < 1.0
    ]
    if bad:
        raise AlignmentsError(
            f"{path}: {len(bad)} faces have landmarks that are not finite or all in one place: {_list(bad)}; "
            "extract again, or remove these faces"
        )


def check_model(model: SwapModel, checkpoint: Checkpoint) -> str:
    """The face type a model was trained on.

    Raises:
        CheckpointError: when its checkpoint does not say, or says one that does not exist.
    """
    face_type = checkpoint.state.get("face_type")
    if face_type not in FACE_TYPES:
        raise CheckpointError(
            f"{checkpoint.path}: its state must name the crop the model was trained on, face_type; received {face_type!r}, "
            f"known are {', '.join(FACE_TYPES)}"
        )
    if model.input_size < 1 or model.output_size < 1:
        raise CheckpointError(
            f"{checkpoint.path}: its model has input size {model.input_size} and output size {model.output_size}"
        )
    return str(face_type)


def check_mask(mask: str, faces: Mapping[int, list[Face]], model: SwapModel, maskers: list[str], path: Path) -> bool:
    """Whether a mask of this name has to be made for some face.

    Args:
        maskers: names of the maskers installed.
        path: of the alignments, for the message.

    Raises:
        FsppError: when the name means nothing here: CheckpointError for `learned` without a mask in the model,
            AlignmentsError for a mask that is stored with some faces only and that no masker makes, or with none.
    """
    if mask == "none":
        return False
    if mask == "learned":
        if not model.has_mask:
            raise CheckpointError(
                "mask: the model predicts no mask, so there is no learned one; take extended, components or a stored mask"
            )
        return False
    lacking = [index for index, those in faces.items() if any(mask not in face.masks for face in those)]
    if not lacking:
        return False
    if mask in maskers:
        return True
    raise _no_mask(mask, faces, lacking, maskers, path)


def _no_mask(
    mask: str, faces: Mapping[int, list[Face]], lacking: list[int], maskers: list[str], path: Path
) -> FsppError:
    stored = sorted({name for those in faces.values() for face in those for name in face.masks})
    if mask in stored:
        return AlignmentsError(
            f"{path}: faces of {len(lacking)} frames have no mask {mask!r} stored (frames {_list(lacking)}), and no masker "
            "of that name is installed to make it; make it for them first, or choose another mask"
        )
    return AlignmentsError(
        f"mask: there is no {mask!r}. Stored in {path.name}: {', '.join(stored) or 'none'}; "
        f"maskers installed: {', '.join(maskers) or 'none'}; besides these there are learned and none"
    )


def _list(items: list[str] | list[int]) -> str:
    return ", ".join(str(item) for item in items[:_SHOWN]) + (", …" if len(items) > _SHOWN else "")
