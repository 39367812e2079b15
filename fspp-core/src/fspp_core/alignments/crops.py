"""Face crops: PNG files that carry their own record, so that a folder of faces can be sorted, pruned and read back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from fspp_core.alignments.document import HEAD, check_readable
from fspp_core.alignments.faces import from_record, to_record
from fspp_core.alignments.migrations import SCHEMA_VERSION
from fspp_core.alignments.records import FaceRecord, MediaRecord, RecordError, encoded, to_array
from fspp_core.errors import AlignmentsError
from fspp_core.media import read_image_and_text, read_text, write_image
from fspp_core.media.pictures import rewrite_text
from fspp_core.types import Crop, Face, Matrix

TEXT_KEY = "fspp"
FORMAT = "fspp-face"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FaceCropRecord:
    """What a face crop knows of itself.

    Attributes:
        face: the face, in frame pixels.
        matrix: (2, 3) float64, frame -> crop pixels.
        face_type: a name from `geometry.FACE_TYPES`.
        size: side of the crop in pixels.
        frame_index: of the frame it was cut from.
        frame_name: likewise.
        face_index: which of that frame's faces it is.
        media: the footage.
    """

    face: Face
    matrix: Matrix
    face_type: str
    size: int
    frame_index: int
    frame_name: str
    face_index: int
    media: MediaRecord


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FaceCrop:
    """A face cut out of a frame, with its record; fields as in `FaceCropRecord`."""

    crop: Crop
    face: Face
    frame_index: int
    frame_name: str
    face_index: int
    media: MediaRecord

    @property
    def file_name(self) -> str:
        """Name under which it is filed: frame and face."""
        return f"{self.frame_name}_{self.face_index}.png"


class StoredCrop(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, eq=False):
    """The record as it is stored, masks still packed; fields as in `FaceCropRecord`."""

    format: str
    schema_version: int
    face_type: str
    size: int
    matrix: npt.NDArray[Any]
    frame_index: int
    frame_name: str
    face_index: int
    media: MediaRecord
    face: FaceRecord

    def __post_init__(self) -> None:
        self.matrix = np.array(self.matrix, np.float64)
        if self.matrix.shape != (2, 3) or not np.isfinite(self.matrix).all():
            raise RecordError(f"matrix must be (2, 3) finite numbers; received {self.matrix.tolist()}")


_DECODER = msgspec.json.Decoder(StoredCrop, dec_hook=to_array)


def write_face_crop(path: Path | str, face_crop: FaceCrop) -> None:
    """Write a crop as PNG with its record in an iTXt chunk; the file is there whole or not at all.

    Raises:
        AlignmentsError: for a face that cannot be stored, or a crop that is not square.
        MediaError: when the file cannot be written.
    """
    crop = face_crop.crop
    if crop.image.shape[:2] != (crop.size, crop.size):
        raise AlignmentsError(f"{path}: a face crop must be square; received {crop.image.shape}")
    stored = StoredCrop(
        format=FORMAT,
        schema_version=SCHEMA_VERSION,
        face_type=crop.face_type,
        size=crop.size,
        matrix=crop.matrix,
        frame_index=face_crop.frame_index,
        frame_name=face_crop.frame_name,
        face_index=face_crop.face_index,
        media=face_crop.media,
        face=to_record(face_crop.face),
    )
    write_image(Path(path), crop.image, text={TEXT_KEY: encoded(stored).decode("utf-8")})


def read_face_record(path: Path | str) -> FaceCropRecord:
    """Read the record of a face crop without decoding its pixels.

    Raises:
        AlignmentsError: when the picture carries no record, or a damaged one (naming the field).
        MediaError: when it is not a readable picture.
    """
    return _record(Path(path), read_text(Path(path)))


def read_face_crop(path: Path | str) -> FaceCrop:
    """Read a face crop.

    Raises:
        AlignmentsError: when the picture carries no record, a damaged one, or was resized since.
        MediaError: when it is not a readable picture.
    """
    path = Path(path)
    image, text = read_image_and_text(path)
    record = _record(path, text)
    if image.shape != (record.size, record.size, 3) or image.dtype != np.uint8:
        raise AlignmentsError(
            f"{path}: its record says {record.size}x{record.size} 8-bit pixels, the picture has {image.shape} "
            f"{image.dtype}; it was changed after extraction, so its landmarks no longer fit: extract it again"
        )
    return FaceCrop(
        crop=Crop(image=image.astype(np.uint8, copy=False), matrix=record.matrix, face_type=record.face_type),
        face=record.face,
        frame_index=record.frame_index,
        frame_name=record.frame_name,
        face_index=record.face_index,
        media=record.media,
    )


def read_stored_crop(path: Path | str) -> StoredCrop:
    """The record of a face crop as it is stored; neither pixels nor masks are decoded. Errors as `read_face_record`."""
    return _stored(Path(path), read_text(Path(path)))


def rewrite_stored_crop(path: Path | str, stored: StoredCrop) -> None:
    """Give a face crop another record; its pixels stay, and the file changes whole or not at all.

    Raises:
        MediaError: when the file cannot be read or written.
    """
    rewrite_text(Path(path), {TEXT_KEY: encoded(stored).decode("utf-8")})


def _stored(path: Path, text: dict[str, str]) -> StoredCrop:
    if TEXT_KEY not in text:
        raise AlignmentsError(
            f"{path}: carries no fspp record; it was not made by fspp extract, or an editor dropped it"
        )
    try:
        check_readable(HEAD.decode(text[TEXT_KEY]), FORMAT, path)
        return _DECODER.decode(text[TEXT_KEY])
    except msgspec.MsgspecError as error:
        raise AlignmentsError(f"{path}: damaged record: {error}") from error


def _record(path: Path, text: dict[str, str]) -> FaceCropRecord:
    stored = _stored(path, text)
    try:
        face = from_record(stored.face)
    except AlignmentsError as error:
        raise AlignmentsError(f"{path}: {error}") from error
    return FaceCropRecord(
        face=face,
        matrix=stored.matrix,
        face_type=stored.face_type,
        size=stored.size,
        frame_index=stored.frame_index,
        frame_name=stored.frame_name,
        face_index=stored.face_index,
        media=stored.media,
    )
