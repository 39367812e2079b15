"""The detect stage, and where it can the align stage, of faces that were found elsewhere."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from fspp_core import geometry
from fspp_core.errors import AlignmentsError
from fspp_core.extraction.alignment.aligning import IMPORTED
from fspp_core.extraction.detection.detecting import kept
from fspp_core.extraction.detection.import_file import ImportedFace, ImportFile
from fspp_core.extraction.options import ExtractOptions
from fspp_core.extraction.shots import Group, Shot
from fspp_core.media import MediaReader
from fspp_core.types import Detection, Face

LOG = logging.getLogger(__name__)

_SHOWN = 3

Faces = Mapping[int, Sequence[ImportedFace]]


def importing(file: ImportFile | None, options: ExtractOptions, reader: MediaReader) -> Importing | None:
    """The detect stage for a file of faces; None without one.

    Raises:
        AlignmentsError: as `faces_by_index`.
    """
    if file is None:
        return None
    return Importing(path=file.path, faces=faces_by_index(file, reader), options=options)


def faces_by_index(file: ImportFile, reader: MediaReader) -> Faces:
    """The faces of a file by the index of the frame they belong to.

    A frame is meant by its name, with or without an extension, or where no frame's name is a number, by its index. The
    frames of videos have no files: a name with an extension is one of Faceswap's there, and its number counts from 1.

    Raises:
        AlignmentsError: when the file belongs to footage of another size, names a frame twice, or names none there is.
    """
    info, media = reader.info, file.media
    if media is not None and info.kind != "folder" and (media.width, media.height) != (info.width, info.height):
        raise AlignmentsError(
            f"{file.path}: its faces are from footage of {media.width}x{media.height} pixels, {media.name!r}; "
            f"{info.path.name} has {info.width}x{info.height}"
        )
    names = {reader.name(index): index for index in range(info.frame_count)}
    stem = info.path.stem if info.kind == "video" else None
    by_number = not any(name.isdecimal() for name in names)
    keys: dict[int, str | int] = {}
    strays = []
    for key in file.frames:
        index = key if isinstance(key, int) else _index(key, names, stem, by_number)
        if index is None or not 0 <= index < info.frame_count:
            strays.append(str(key))
        elif index in keys:
            raise AlignmentsError(
                f"{file.path}: {keys[index]!r} and {key!r} are both frame {index}; give its faces once"
            )
        else:
            keys[index] = key
    if strays:
        shown = ", ".join(map(repr, strays[:_SHOWN])) + ("…" if len(strays) > _SHOWN else "")
        told = f"{file.path}: {info.path.name} has no frame {shown}"
        if not keys:
            raise AlignmentsError(
                f"{told}, nor any other that the file names; its frames are called {reader.name(0)!r} to "
                f"{reader.name(info.frame_count - 1)!r}"
            )
        LOG.warning("%s: %d of the %d frames named there are passed over", told, len(strays), len(file.frames))
    return {index: file.frames[key] for index, key in keys.items()}


def _index(key: str, names: Mapping[str, int], stem: str | None, by_number: bool) -> int | None:
    if key in names:
        return names[key]
    bare = PurePath(key)
    if stem is not None and bare.suffix:
        numbered = re.fullmatch(re.escape(stem) + r"_(\d+)", bare.stem)
        return int(numbered[1]) - 1 if numbered else None
    if by_number and key.isdecimal():
        return int(key)
    return names.get(bare.stem)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Importing:
    """Gives frames the faces of a file, those that were asked for; frames it does not name have none.

    Attributes:
        path: the file, for messages.
        faces: what is in it.
        options: of the extraction.
    """

    path: Path
    faces: Faces
    options: ExtractOptions

    def __call__(self, group: Group) -> Group:
        """The same frames with their detections, and landmarks where the file has them.

        Raises:
            AlignmentsError: for a box of which nothing lies in the frame.
        """
        return [self._given(shot) for shot in group]

    def _given(self, shot: Shot) -> Shot:
        faces = self.faces.get(shot.index, ())
        if shot.context or not faces:
            return shot
        detections = [self._clipped(face.detection, shot, number) for number, face in enumerate(faces)]
        given = {id(detection): face for detection, face in zip(detections, faces, strict=True)}
        wanted = kept(detections, self.options)
        return replace(
            shot,
            detections=wanted,
            known=tuple(given[id(detection)].landmarks for detection in wanted),
            origins=tuple(given[id(detection)].origin for detection in wanted),
        )

    def _clipped(self, detection: Detection, shot: Shot, number: int) -> Detection:
        height, width = shot.image.shape[:2]
        box = geometry.clip_boxes(detection.box, width, height)
        if not (box[:2] < box[2:]).all():
            raise AlignmentsError(
                f"{self.path}, frame {shot.name!r}, face {number}: its box "
                f"{', '.join(f'{side:g}' for side in detection.box)} lies outside the frame of {width}x{height} pixels"
            )
        return replace(detection, box=box)


def as_imported(group: Group) -> Group:
    """The align stage where every face has landmarks already."""
    return [
        replace(
            shot,
            faces=tuple(
                Face(
                    box=detection.box,
                    score=detection.score,
                    landmarks=landmarks,
                    landmarks_origin=origin,
                    detector=IMPORTED,
                    aligner=IMPORTED,
                    keypoints=detection.keypoints,
                )
                for detection, landmarks, origin in zip(shot.detections, shot.known, shot.origins, strict=True)
                if landmarks is not None
            ),
        )
        for shot in group
    ]
