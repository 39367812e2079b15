"""The second pass: each face is made upright by its first landmarks, aligned again on that crop, and mapped back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fspp_core import geometry
from fspp_core.errors import ConfigError, ShapeError
from fspp_core.extraction.alignment.plausible import better
from fspp_core.extraction.answers import check_count
from fspp_core.extraction.options import ExtractOptions
from fspp_core.geometry.affine import between_centers, transform_each, untransform_each
from fspp_core.interfaces import Aligner, CropAligner, CropDetector, Detector
from fspp_core.types import Detection, FloatArray, Image, Matrix

Mode = Literal["shifts", "detector", "realign"]

Seen = tuple[npt.NDArray[np.intp], npt.NDArray[Any]]
"""Which crops have an answer, (k,), and their landmarks (k, 68, 2) in the crops' pixels."""
Look = Callable[[Image, FloatArray], Seen]
"""What a second pass does with crops (n, side, side, 3), given the first landmarks (n, 68, 2) in their pixels."""

SHIFTS = np.array([(0, 0), (-1, -1), (1, -1), (1, 1), (-1, 1)], np.float32)
"""Where the five looks at a crop lie, in its pixels; DeepFaceLab's."""

_SIDE = 256  # of the crops, DeepFaceLab's; Faceswap's whole crop has the side the aligner wants
_FACES_AT_ONCE = 64  # bounds the crops in memory
_LEAST_SCALE, _MOST_SCALE = 1e-3, 1e3  # of a crop; beyond, the points are not those of a face
_LEAST_SPAN = 1.0  # pixels of the crop that landmarks span; below, there is nothing to lay a box around


def second_pass_of(options: ExtractOptions, aligner: Aligner) -> Mode | None:
    """The second pass that the options ask for, None for none.

    Raises:
        ConfigError: when the aligner cannot do it.
    """
    mode = options.second_pass
    if mode == "auto":
        mode = "shifts" if aligner.landmarks_origin == "detected" else "off"
    if mode == "realign" and not isinstance(aligner, CropAligner):
        raise ConfigError(
            f"second_pass: realign needs an aligner that takes whole crops, which {options.aligner!r} does not; choose "
            "shifts, detector or off, or another aligner, such as fan"
        )
    return None if mode == "off" else mode


class SecondPass:
    """Aligns faces again.

    Crops are drawn with linear interpolation: so DeepFaceLab's are (it asks for cubic in the wrong place), so are those
    that FAN learned from and cuts out itself, and their cost does not grow with the face. Unlike the peers' they are
    drawn where the points say, not a fraction of a pixel off by scale and turn.

    Args:
        mode: "shifts" looks at a full-face crop of 256 pixels five times, around the first landmarks; "detector" does
            so around the one box that the detector finds in the crop, and gives up where it finds none or several, as
            DeepFaceLab; "realign" looks once at a whole crop centred on the head, as Faceswap.
        aligner: a `CropAligner` for "realign".
        detector: needed for "detector".

    Raises:
        ConfigError: when one of them is missing.
    """

    def __init__(self, mode: Mode, aligner: Aligner, detector: Detector | None = None) -> None:
        self._face_type, self._side = "full", _SIDE
        self._look: Look
        if mode == "realign" and isinstance(aligner, CropAligner):
            self._face_type, self._side = "fs-head", aligner.crop_size
            self._look = partial(_whole_crops, aligner)
        elif mode == "detector" and detector is not None:
            self._look = partial(_around_boxes, aligner, detector)
        elif mode == "shifts":
            self._look = partial(_around_landmarks, aligner)
        else:
            raise ConfigError(f"second_pass: {mode} is not possible with these components")
        self.faces = 0
        """Faces so far."""
        self.kept = 0
        """Those of them that kept their first landmarks."""

    def __call__(self, pictures: Sequence[Image], landmarks: FloatArray) -> FloatArray:
        """Align faces again; up to 64 of them go through the aligner in one call.

        Args:
            pictures: of each face, (height, width, 3) uint8 BGR; one may be there many times.
            landmarks: (n, 68, 2) float32 of the first pass, in the pictures' pixels.

        Returns:
            (n, 68, 2) float32: of the second pass, or of the first where `plausible.better` refuses the second.
        """
        chosen = landmarks.copy()
        for first in range(0, len(landmarks), _FACES_AT_ONCE):
            part = slice(first, first + _FACES_AT_ONCE)
            second = self._again(pictures[part], landmarks[part])
            good = better(landmarks[part], second)
            chosen[part][good] = second[good]
            self.faces += len(good)
            self.kept += int((~good).sum())
        return chosen

    def _again(self, pictures: Sequence[Image], landmarks: FloatArray) -> FloatArray:
        """(n, 68, 2) in the pictures' pixels, NaN where the face cannot be made upright or is not found on the crop."""
        second = np.full_like(landmarks, np.nan)
        upright = [_upright(points, self._face_type, self._side) for points in landmarks]
        able = [(index, matrix) for index, matrix in enumerate(upright) if matrix is not None]
        if able:
            indices, matrices = np.array([index for index, _ in able]), np.stack([matrix for _, matrix in able])
            crops: Image = np.stack(
                [
                    geometry.warp(pictures[index], between_centers(matrix), self._side, interpolation="linear")
                    for index, matrix in able
                ]
            )
            found, points = self._look(crops, transform_each(landmarks[indices], matrices))
            with np.errstate(invalid="ignore"):  # landmarks that are not finite are refused later
                second[indices[found]] = untransform_each(points, matrices[found])
        return second


def five_looks(
    aligner: Aligner, pictures: Sequence[Image] | Image, faces: Sequence[Detection]
) -> npt.NDArray[np.float64]:
    """The mean of the landmarks around a box and around four a pixel aside, all in one call of the aligner.

    Args:
        pictures: of each face.
        faces: one in each picture.

    Returns:
        (n, 68, 2) float64 in the pictures' pixels.
    """
    looks = [[_moved(face, shift) for shift in SHIFTS] for face in faces]
    found = aligner.align(list(pictures), looks)
    check_count("the aligner in the second pass", found, faces)
    for landmarks in found:
        check_count("the aligner in the second pass", landmarks, SHIFTS)
    return np.asarray(np.stack(found).mean(axis=1, dtype=np.float64)) if found else np.empty((0, 68, 2))


def _moved(face: Detection, shift: FloatArray) -> Detection:
    keypoints = None if face.keypoints is None else face.keypoints + shift
    return Detection(box=face.box + np.tile(shift, 2), score=face.score, keypoints=keypoints)


def _upright(landmarks: FloatArray, face_type: str, side: int) -> Matrix | None:
    """The crop's matrix, None where the points are not those of a face."""
    try:
        matrix = geometry.crop_matrix(landmarks, face_type, side)
    except ShapeError:  # not finite, or all at one place
        return None
    usable = np.isfinite(matrix).all() and _LEAST_SCALE < geometry.scale_of(matrix) < _MOST_SCALE
    return matrix if usable else None


def _whole_crops(aligner: CropAligner, crops: Image, _: FloatArray) -> Seen:
    points = aligner.align_crops(crops)
    check_count("the aligner in the second pass", points, crops)
    return np.arange(len(crops)), points


def _around_boxes(aligner: Aligner, detector: Detector, crops: Image, _: FloatArray) -> Seen:
    find = detector.detect_crops if isinstance(detector, CropDetector) else detector.detect
    boxes = find(list(crops))
    check_count("the detector in the second pass", boxes, crops)
    seen = np.array([index for index, found in enumerate(boxes) if len(found) == 1], int)
    return seen, five_looks(aligner, crops[seen], [boxes[index][0] for index in seen])


def _around_landmarks(aligner: Aligner, crops: Image, landmarks: FloatArray) -> Seen:
    """Boxes around them, and the keypoints they have for aligners that go by these."""
    boxes = geometry.box_of(landmarks)
    keypoints = geometry.keypoints_of(landmarks).astype(np.float32)
    wide = (boxes[:, 2:] - boxes[:, :2]).min(axis=1) >= _LEAST_SPAN
    apart = np.ptp(keypoints, axis=1).max(axis=1) >= _LEAST_SPAN
    seen = np.flatnonzero(wide & apart)
    faces = [Detection(box=boxes[index], score=1.0, keypoints=keypoints[index]) for index in seen]
    return seen, five_looks(aligner, crops[seen], faces)
