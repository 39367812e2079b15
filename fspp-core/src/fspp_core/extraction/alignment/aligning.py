"""The align stage: landmarks for the detections of a group of frames, in the frames' own pixels."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from fspp_core import geometry
from fspp_core.extraction.alignment.normalizing import evened
from fspp_core.extraction.alignment.refeeding import align_refed
from fspp_core.extraction.alignment.second_pass import SecondPass, second_pass_of
from fspp_core.extraction.options import ExtractOptions
from fspp_core.extraction.shots import Group, Shot
from fspp_core.geometry.affine import between_points
from fspp_core.interfaces import Aligner, Detector
from fspp_core.types import Detection, Face, FloatArray, LandmarksOrigin

LOG = logging.getLogger(__name__)

IMPORTED = "import"
"""Stands for detector and aligner in faces that were imported."""

Place = tuple[Shot, int]  # a frame, and the number of a detection in it


def check_aligner(options: ExtractOptions, aligner: Aligner) -> None:
    """Refuse options of the align stage that the aligner cannot follow; warn of those that make no difference.

    Raises:
        ConfigError: when it cannot do the second pass that they ask for.
    """
    second_pass_of(options, aligner)
    if aligner.landmarks_origin == "fitted" and (options.refeed or options.normalization != "none"):
        LOG.warning(
            "aligner %r lays a mean face over the detector's keypoints: refeed and normalization make that no better; "
            "they are for aligners that look at the picture, such as fan",
            options.aligner,
        )


class Aligning:
    """Gives detected faces landmarks; imported ones keep theirs.

    All faces of a group go through the aligner in one call, jittered boxes of a re-feed included. Their means then go
    through the second pass together, once and not for each re-feed. What is found in a turned picture is mapped back to
    the frame.

    Raises:
        ConfigError: when the options ask for a second pass that the aligner cannot do.
    """

    def __init__(self, *, aligner: Aligner, options: ExtractOptions, detector: Detector | None = None) -> None:
        mode = second_pass_of(options, aligner)
        self._options = options
        self._origin = aligner.landmarks_origin
        self._aligner = evened(aligner, options.normalization)
        self._again = None if mode is None else SecondPass(mode, self._aligner, detector)

    def __call__(self, group: Group) -> Group:
        """The same frames with a face for each detection."""
        places = [
            (shot, number)
            for shot in group
            for number in range(len(shot.detections))
            if not shot.known or shot.known[number] is None
        ]
        found = iter(self._aligned(places))

        def face(shot: Shot, number: int) -> Face:
            known = shot.known[number] if shot.known else None
            imported = None if known is None else shot.origins[number] if shot.origins else "detected"
            return self._face(shot, shot.detections[number], next(found) if known is None else known, imported)

        def faces(shot: Shot) -> tuple[Face, ...]:
            all_of_it = [face(shot, number) for number in range(len(shot.detections))]
            return tuple(one for one in all_of_it if geometry.area(one.box) > 0)  # a turned picture has black corners

        return [replace(shot, faces=faces(shot)) for shot in group]

    def close(self) -> None:
        """Say how many faces kept the landmarks of the first pass."""
        again = self._again
        if again is not None and again.faces:
            LOG.info(
                "second pass: %d of %d faces kept the landmarks of the first, as those of the second were missing, not "
                "like a face, or too far off",
                again.kept,
                again.faces,
            )

    def _aligned(self, places: Sequence[Place]) -> FloatArray:
        """Landmarks (n, 68, 2) in the pictures the detections refer to."""
        if not places:
            return np.empty((0, 68, 2), np.float32)
        by_shot = [list(of_shot) for _, of_shot in groupby(places, key=lambda place: id(place[0]))]
        landmarks = np.concatenate(
            align_refed(
                f"aligner {self._options.aligner!r}",
                self._aligner,
                [of_shot[0][0].picture for of_shot in by_shot],
                [[shot.detections[number] for shot, number in of_shot] for of_shot in by_shot],
                [[(shot.index, number) for shot, number in of_shot] for of_shot in by_shot],
                self._options.refeed,
            )
        )
        return landmarks if self._again is None else self._again([shot.picture for shot, _ in places], landmarks)

    def _face(self, shot: Shot, detection: Detection, landmarks: FloatArray, imported: LandmarksOrigin | None) -> Face:
        box, keypoints = detection.box, detection.keypoints
        if shot.turned is not None:
            back = geometry.invert(between_points(shot.turned.matrix))
            height, width = shot.image.shape[:2]
            left, top, right, bottom = box.tolist()
            corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)
            box = geometry.clip_boxes(geometry.box_of(geometry.transform(corners, back)), width, height)
            landmarks = geometry.transform(landmarks, back)
            keypoints = None if keypoints is None else geometry.transform(keypoints, back)
        return Face(
            box=box,
            score=detection.score,
            landmarks=landmarks,
            landmarks_origin=imported or self._origin,
            detector=self._options.detector if self._options.import_from is None else IMPORTED,
            aligner=IMPORTED if imported else self._options.aligner,
            keypoints=keypoints,
        )
