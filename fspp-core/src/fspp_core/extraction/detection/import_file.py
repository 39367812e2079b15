"""Read a file of faces found elsewhere: fspp's own alignments, or a plain JSON table from frame to faces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from fspp_core import geometry
from fspp_core.alignments import Alignments, MediaRecord
from fspp_core.alignments.document import FORMAT, HEAD
from fspp_core.alignments.records import to_array
from fspp_core.errors import AlignmentsError
from fspp_core.files import file_digest, long_path
from fspp_core.types import Detection, FloatArray, LandmarksOrigin

BOX_FIELDS, LANDMARKS_FIELDS, CORNER_FIELDS = ("box", "detected"), ("landmarks", "landmarks_2d"), ("x", "y", "w", "h")
FIELDS = (*BOX_FIELDS, *CORNER_FIELDS, "score", "keypoints", *LANDMARKS_FIELDS)
SCHEMA_KEY = "$schema"
_LARGEST = 1e7  # pixels; far beyond any picture


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImportedFace:
    """A face as the file has it.

    Attributes:
        detection: its box may reach out of the frame.
        landmarks: (68, 2) float32 in frame pixels; None where they are to be found.
        origin: where these are from.
    """

    detection: Detection
    landmarks: FloatArray | None
    origin: LandmarksOrigin = "detected"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImportFile:
    """What a file of faces holds.

    Attributes:
        path: the file.
        digest: of its content.
        frames: the faces by what the file calls a frame: its name, or in fspp's alignments of a video its index.
        media: the footage that fspp's alignments belong to; None for plain files.
    """

    path: Path
    digest: str
    frames: Mapping[str | int, tuple[ImportedFace, ...]]
    media: MediaRecord | None = None

    @property
    def complete(self) -> bool:
        """Whether every face has landmarks, so that no aligner is needed."""
        return all(face.landmarks is not None for faces in self.frames.values() for face in faces)


def read_import(path: Path) -> ImportFile:
    """Read and check a file of faces.

    Raises:
        AlignmentsError: when it cannot be read, or does not fit; the message names the file, the frame, the face by its
            number from 0, and the field.
    """
    try:
        data = long_path(path).read_bytes()
        digest = file_digest(path)
    except OSError as error:
        raise AlignmentsError(f"{path}: cannot read the faces to import: {error.strerror or error}") from error
    if _is_alignments(data):
        return _of_alignments(path, digest)
    try:
        table = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise AlignmentsError(f"{path}: the faces to import are no JSON: {error}") from error
    if not isinstance(table, dict):
        raise AlignmentsError(f"{path}: must be an object from frame to list of faces; received {_said(table)}")
    table.pop(SCHEMA_KEY, None)
    frames: dict[str | int, tuple[ImportedFace, ...]] = {}
    for name, faces in table.items():
        where = f"{path}, frame {name!r}"
        if not isinstance(faces, list):
            raise AlignmentsError(f"{where}: must be a list of faces, which may be empty; received {_said(faces)}")
        frames[name] = tuple(_face(face, f"{where}, face {number}") for number, face in enumerate(faces))
    return ImportFile(path=path, digest=digest, frames=frames)


def _is_alignments(data: bytes) -> bool:
    try:
        return HEAD.decode(data).format == FORMAT
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False


def _of_alignments(path: Path, digest: str) -> ImportFile:
    alignments = Alignments.load(path)
    video = alignments.media.kind == "video"
    frames: dict[str | int, tuple[ImportedFace, ...]] = {
        record.index if video else record.name: tuple(
            ImportedFace(
                detection=Detection(box=face.box, score=face.score, keypoints=face.keypoints),
                landmarks=face.landmarks,
                origin=face.landmarks_origin,
            )
            for face in record.faces
        )
        for record in alignments.frames.values()
    }
    return ImportFile(path=path, digest=digest, frames=frames, media=alignments.media)


def _face(face: Any, where: str) -> ImportedFace:
    if not isinstance(face, dict):
        raise AlignmentsError(f"{where}: must be an object with a box or landmarks; received {_said(face)}")
    for field in face:
        if field not in FIELDS:
            near = get_close_matches(field, FIELDS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(FIELDS)}"
            raise AlignmentsError(f"{where}: {field!r} is no field of a face; {hint}")
    landmarks = _landmarks(face, where)
    box = _box(face, where)
    if box is None:
        if landmarks is None:
            raise AlignmentsError(f"{where}: has neither a box nor landmarks; give one of them")
        box = geometry.box_of(landmarks)
    score = face.get("score", 1.0)
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise AlignmentsError(f"{where}, score: must be a number from 0 to 1; received {_said(score)}")
    keypoints = _points(face["keypoints"], (5,), f"{where}, keypoints") if "keypoints" in face else None
    return ImportedFace(
        detection=Detection(box=box, score=float(score), keypoints=keypoints),
        landmarks=landmarks,
    )


def _box(face: Mapping[str, Any], where: str) -> FloatArray | None:
    given = _one_of(face, BOX_FIELDS, where)
    corners = [field for field in CORNER_FIELDS if field in face]
    if given and corners:
        raise AlignmentsError(f"{where}: has both {given!r} and {corners[0]!r}; give the box once")
    if given:
        box, where = _numbers(face[given], (4,), f"{where}, {given}", "left, top, right, bottom"), f"{where}, {given}"
    elif corners:
        if missing := sorted({*CORNER_FIELDS} - {*corners}):
            raise AlignmentsError(f"{where}: a box by x, y, w and h lacks {', '.join(missing)}")
        x, y, width, height = _numbers([face[field] for field in CORNER_FIELDS], (4,), f"{where}, x to h", "numbers")
        box = np.array([x, y, x + width, y + height])
    else:
        return None
    if not (box[:2] < box[2:]).all():
        raise AlignmentsError(
            f"{where}: a box must have its left before its right and its top above its bottom; received "
            f"{', '.join(f'{side:g}' for side in box)}"
        )
    return box.astype(np.float32)


def _landmarks(face: Mapping[str, Any], where: str) -> FloatArray | None:
    given = _one_of(face, LANDMARKS_FIELDS, where)
    if given is None:
        return None
    points = _points(face[given], (68, 98), f"{where}, {given}")
    if np.ptp(points, axis=0).min() <= 0:
        raise AlignmentsError(f"{where}, {given}: the points lie on one line, or all at one place")
    return points if len(points) == 68 else geometry.landmarks_68_from_98(points).astype(np.float32)


def _one_of(face: Mapping[str, Any], names: tuple[str, ...], where: str) -> str | None:
    given = [name for name in names if name in face]
    if len(given) > 1:
        raise AlignmentsError(f"{where}: has both {given[0]!r} and {given[1]!r}, which mean the same; give one of them")
    return given[0] if given else None


def _points(value: Any, counts: tuple[int, ...], where: str) -> FloatArray:
    count = len(value) if isinstance(value, list) and len(value) in counts else counts[0]
    wanted = f"{' or '.join(map(str, counts))} points, x before y"
    return _numbers(value, (count, 2), where, wanted).astype(np.float32)


def _numbers(value: Any, shape: tuple[int, ...], where: str, wanted: str) -> npt.NDArray[np.float64]:
    try:
        array = to_array(np.ndarray, value)
    except (AlignmentsError, OverflowError):
        array = np.zeros(0)
    if array.shape != shape or not (np.abs(array) <= _LARGEST).all():
        raise AlignmentsError(f"{where}: must be {wanted}, in pixels; received {_said(value)}")
    return array


def _said(value: Any) -> str:
    """A value in a message: short, and for long lists their lengths."""
    if isinstance(value, list):
        rows = {len(row) for row in value if isinstance(row, list)}
        if len(value) > 4 or rows:
            return f"a list of {len(value)}" + (f" lists of {', '.join(map(str, sorted(rows)))}" if rows else "")
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else f"{text[:60]}…"
