"""Finds the faces of one side: a folder of face crops, an extract's output, or alignments with their footage."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fspp_core import geometry
from fspp_core.alignments import Alignments, FaceRecord, from_record, read_face_crop, read_face_record
from fspp_core.alignments.places import ALIGNMENTS_NAME, FACES_NAME
from fspp_core.concurrency import ordered_map
from fspp_core.errors import AlignmentsError, FsppError, TrainingError
from fspp_core.media import open_media
from fspp_core.media.pictures import decode_image, encode_image
from fspp_core.progress import CancelFlag, Progress, ProgressEvent, check, ignore
from fspp_core.types import FloatArray, Image, Mask, Matrix

if TYPE_CHECKING:
    from fspp_core.training.faces import CropPlan
    from fspp_core.training.facesets import Budget

LOG = logging.getLogger(__name__)

_MARGIN = 1.5  # sides of the crop kept around a face from footage, so that it can be turned and shifted
_JPEG_QUALITY = 97
_REPORT_EVERY = 50


@dataclass(frozen=True, slots=True, eq=False)
class FaceRef:
    """A face that can be read.

    Attributes:
        name: for messages and previews.
        landmarks: (68, 2) float32 in frame pixels.
        matrix: (2, 3) float64, frame -> picture.
        size: width and height of the picture in pixels.
        read: gives the picture, (h, w, 3) uint8 BGR, and the stored masks by name; may be called from any thread.
        resident: the picture is in memory already.
        frame: index of its frame in the footage.
    """

    name: str
    landmarks: FloatArray
    matrix: Matrix
    size: tuple[int, int]
    read: Callable[[], tuple[Image, Mapping[str, Mask]]]
    resident: bool = False
    frame: int = 0


@dataclass(frozen=True, slots=True)
class FaceSource:
    """Where the faces of one side are.

    Attributes:
        path: a folder of face crops, or an alignments file.
        media: footage of the alignments; None for face crops.
    """

    path: Path
    media: Path | None


def locate(path: Path, media: Path | None) -> FaceSource:
    """Say what `path` is: a folder of face crops, the output folder of an extract, or an alignments file.

    Args:
        media: footage given by the user for alignments whose own has moved.

    Raises:
        TrainingError: when it is none of these or the footage is missing, saying what was looked for.
    """
    if not path.exists():
        raise TrainingError(f"{path}: no such file or folder; give a folder of face crops or an alignments file")
    if path.is_file():
        if path.suffix.lower() != ".json":
            raise TrainingError(f"{path}: expected a folder of face crops or an alignments file (.json)")
        return FaceSource(path, _footage(path, media))
    for folder in (path / FACES_NAME, path):
        if folder.is_dir() and any(_pictures(folder)):
            return FaceSource(folder, None)
    if (path / ALIGNMENTS_NAME).is_file():
        return FaceSource(path / ALIGNMENTS_NAME, _footage(path / ALIGNMENTS_NAME, media))
    raise TrainingError(
        f"{path}: found no face crops (*.png), neither here nor in {FACES_NAME}/, and no {ALIGNMENTS_NAME}; "
        "run fspp extract first"
    )


def _footage(alignments: Path, media: Path | None) -> Path:
    """The footage of an alignments file: as given, else where it was, else beside the file or its folder."""
    if media is not None:
        if not media.exists():
            raise TrainingError(f"{media}: no such file; it was given as the footage of {alignments}")
        return media
    recorded = Path(Alignments.load(alignments).media.name)
    tried = [recorded] if recorded.is_absolute() else []
    tried += [folder / recorded.name for folder in (alignments.parent, alignments.parent.parent)]
    for candidate in tried:
        if candidate.exists():
            return candidate
    looked = ", ".join(str(candidate) for candidate in tried)
    raise TrainingError(
        f"{alignments}: its footage {recorded.name!r} is not at {looked}; "
        "say where it is with source_media or target_media"
    )


def _pictures(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if path.suffix.lower() == ".png" and path.name[0] != ".")


def find_crops(folder: Path, *, workers: int, cancel: CancelFlag | None = None) -> list[FaceRef]:
    """The face crops of a folder, by name; pictures that are none are left out with a warning.

    Raises:
        TrainingError: when no picture is a face crop.
    """
    refs: list[FaceRef] = []
    faults: list[FsppError] = []
    for found in ordered_map(_try_record, _pictures(folder), workers):
        check(cancel)
        if isinstance(found, FsppError):
            faults.append(found)
        else:
            refs.append(found)
    if not refs:
        raise TrainingError(f"{folder}: none of {len(faults)} pictures is a face crop. The first: {faults[0]}")
    for fault in faults[:5]:
        LOG.warning("left out: %s", fault)
    if len(faults) > 5:
        LOG.warning("left out: %d more pictures of %s that are no face crops", len(faults) - 5, folder)
    return refs


def _try_record(path: Path) -> FaceRef | FsppError:
    try:
        record = read_face_record(path)
    except FsppError as error:
        return error
    size = (record.size, record.size)
    read = partial(_read_crop, path)
    return FaceRef(path.name, record.face.landmarks, record.matrix, size, read, frame=record.frame_index)


def _read_crop(path: Path) -> tuple[Image, Mapping[str, Mask]]:
    stored = read_face_crop(path)
    return stored.crop.image, stored.face.masks


def cut_faces(
    source: FaceSource,
    plan: CropPlan,
    budget: Budget,
    *,
    progress: Progress = ignore,
    cancel: CancelFlag | None = None,
) -> list[FaceRef]:
    """Cut the faces of an alignments file out of its footage, in one pass, unscaled, with room around them.

    Faces are kept in memory as pixels within the budget, beyond it as JPEG.

    Raises:
        AlignmentsError: when the footage is not the one the alignments were made of.
        TrainingError: when there is no face in them.
    """
    from fspp_core.training.faces import shrunk

    if source.media is None:
        raise TrainingError(f"{source.path}: alignments need their footage to train on")
    alignments = Alignments.load(source.path)
    wanted = sorted(index for index, frame in alignments.frames.items() if frame.faces)
    if not wanted:
        raise TrainingError(f"{source.path}: there is no face in these alignments; run fspp extract again")
    refs: list[FaceRef] = []
    with open_media(source.media) as reader:
        if alignments.media.fingerprint != reader.fingerprint():
            raise AlignmentsError(
                f"{source.media}: this is not the footage that {source.path} was made of (other fingerprint); "
                "extract from it, or give the right footage"
            )
        last = wanted[-1] + 1
        for frame in reader.frames(wanted[0], last):
            check(cancel)
            record = alignments.frames.get(frame.index)
            if record is None:
                continue
            for number, face in enumerate(record.faces):
                to_crop = geometry.crop_matrix(face.landmarks, plan.face_type, plan.largest)
                picture, matrix = _cut(frame.bgr8, to_crop, plan.largest)
                picture, shrink = shrunk(picture, geometry.compose(to_crop, geometry.invert(matrix)))
                matrix = geometry.compose(shrink, matrix)
                name = f"{record.name}_{number}"
                refs.append(_kept(name, frame.index, face, matrix, picture, budget))
            if frame.index % _REPORT_EVERY == 0:
                progress(ProgressEvent(stage="read faces", done=frame.index + 1, total=last, unit="frame"))
    progress(ProgressEvent(stage="read faces", done=last, total=last, unit="frame"))
    return refs


def _cut(image: Image, to_crop: Matrix, size: int) -> tuple[Image, Matrix]:
    """The part of a frame around the training crop, and (2, 3) from the frame to it."""
    height, width = image.shape[:2]
    corners = geometry.crop_corners(to_crop, size)
    middle = corners.mean(axis=0)
    reach = np.abs(corners - middle).max() * _MARGIN
    left, top = np.clip(np.floor(middle - reach), 0, (width - 2, height - 2)).astype(int)
    right, bottom = np.clip(np.ceil(middle + reach), (left + 2, top + 2), (width, height)).astype(int)
    return image[top:bottom, left:right].copy(), np.array([[1.0, 0.0, -left], [0.0, 1.0, -top]])


def _kept(name: str, frame: int, face: FaceRecord, matrix: Matrix, picture: Image, budget: Budget) -> FaceRef:
    size = (picture.shape[1], picture.shape[0])
    if budget.take(picture.nbytes):
        read = partial(_resident, picture, face)
        return FaceRef(name, face.landmarks, matrix, size, read, resident=True, frame=frame)
    packed = encode_image(picture, ".jpg", quality=_JPEG_QUALITY)
    return FaceRef(name, face.landmarks, matrix, size, partial(_decoded, packed, name, face), frame=frame)


def _resident(picture: Image, face: FaceRecord) -> tuple[Image, Mapping[str, Mask]]:
    return picture, _masks(face)


def _decoded(packed: bytes, name: str, face: FaceRecord) -> tuple[Image, Mapping[str, Mask]]:
    return _unpacked(packed, name), _masks(face)


def _masks(face: FaceRecord) -> Mapping[str, Mask]:
    return from_record(face).masks


def _unpacked(packed: bytes, name: str) -> Image:
    return np.asarray(decode_image(packed, Path(name)), np.uint8)
