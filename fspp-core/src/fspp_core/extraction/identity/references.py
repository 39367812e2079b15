"""Reference pictures of the identity filters: which files, what tells them from others, and the faces in them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from fspp_core import geometry
from fspp_core.alignments.crops import TEXT_KEY, read_face_crop
from fspp_core.errors import ConfigError, FsppError
from fspp_core.extraction.identity.recognizing import embedded
from fspp_core.extraction.options import ExtractOptions
from fspp_core.extraction.shots import Group, Shot
from fspp_core.files import file_digest, long_path
from fspp_core.interfaces import Detector, Recognizer
from fspp_core.media import PICTURE_SUFFIXES, read_image, read_text
from fspp_core.types import Face, FloatArray, Frame

LOG = logging.getLogger(__name__)

_DIGEST = 16  # hex digits; enough to tell pictures apart, and short enough to be shown


def reference_files(options: ExtractOptions) -> dict[str, list[Path]]:
    """The pictures of `filter` and `nfilter`, those of folders included; an option without any is left out.

    Raises:
        ConfigError: for a file or folder that is not there or holds no picture, or when no recognizer could compare
            faces; all that is wrong at once.
    """
    given = {"filter": options.filter, "nfilter": options.nfilter}
    faults: list[str] = []
    if (options.filter or options.nfilter) and not options.recognizers:
        used = " and ".join(name for name, words in given.items() if words)
        faults.append(f"recognizers: {used} need one to compare faces by; name one, such as hog-color")
    files = {name: _pictures(name, words, faults) for name, words in given.items() if words}
    if faults:
        raise ConfigError("\n".join(faults))
    return files


def _pictures(option: str, words: Sequence[str], faults: list[str]) -> list[Path]:
    found = []
    for path in map(Path, words):
        if long_path(path).is_dir():
            inside = [file for file in sorted(long_path(path).iterdir()) if not file.name.startswith(".")]
            pictures = [path / file.name for file in inside if file.suffix.lower() in PICTURE_SUFFIXES]
            if not pictures:
                faults.append(f"{option}: {path}: there is no picture in this folder")
            found += pictures
        elif not long_path(path).is_file():
            faults.append(f"{option}: {path}: there is no such picture or folder")
        elif path.suffix.lower() not in PICTURE_SUFFIXES:
            known = ", ".join(sorted(PICTURE_SUFFIXES))
            faults.append(f"{option}: {path}: is no picture by its name; known are {known}")
        else:
            found.append(path)
    return found


def digests(files: Mapping[str, Sequence[Path]]) -> dict[str, list[str]]:
    """What the pictures are by their content, wherever they lie and however they are called.

    Raises:
        ConfigError: for a file that cannot be read.
    """
    try:
        return {name: sorted({file_digest(path)[:_DIGEST] for path in paths}) for name, paths in files.items()}
    except OSError as error:
        raise ConfigError(f"filter, nfilter: {error.filename}: cannot be read: {error.strerror or error}") from error


def reference_vectors(
    files: Mapping[str, Sequence[Path]],
    detector: Detector | None,
    align: Callable[[Group], Group] | None,
    name: str,
    recognizer: Recognizer,
) -> dict[str, FloatArray]:
    """Describe the face of each picture, in ordinary pictures the largest.

    Args:
        files: as from `reference_files`.
        detector: finds faces in ordinary pictures; None where none runs, so that only face crops will do.
        align: the align stage; likewise.
        name: of the recognizer.
        recognizer: describes the faces.

    Returns:
        (n, d) float32 of unit length by option.

    Raises:
        FsppError: naming the picture, such as one without a face.
    """

    def vector(option: str, path: Path) -> FloatArray:
        try:
            return np.asarray(embedded(name, recognizer, [_face_in(path, detector, align)])[0])
        except FsppError as error:
            error.add_note(f"in the reference picture {path} of {option}")
            raise

    return {option: np.stack([vector(option, path) for path in paths]) for option, paths in files.items()}


def _face_in(path: Path, detector: Detector | None, align: Callable[[Group], Group] | None) -> tuple[Shot, Face]:
    if TEXT_KEY in read_text(path):
        crop = read_face_crop(path)
        landmarks = geometry.transform(crop.face.landmarks, crop.crop.matrix)
        shot = Shot(index=0, name=path.stem, pts=None, image=crop.crop.image)
        return shot, replace(crop.face, landmarks=landmarks)
    if detector is None or align is None:
        raise ConfigError(
            f"{path}: faces are imported, so that nothing runs that could find the one in it; give face crops made by "
            "fspp instead"
        )
    shot = Shot.of(Frame(index=0, name=path.stem, image=read_image(path)))
    found = sorted(detector.detect([shot.image])[0], key=lambda face: -float(geometry.area(face.box)))
    if not found:
        raise ConfigError(f"{path}: there is no face in this picture; give one that shows a face larger, upright")
    if len(found) > 1:
        LOG.warning("%s: there are %d faces in this reference picture; the largest is taken", path, len(found))
    aligned = align([replace(shot, detections=(found[0],))])[0]
    if not aligned.faces:
        raise ConfigError(f"{path}: the aligner makes nothing of the face in this picture; give another")
    return aligned, aligned.faces[0]
