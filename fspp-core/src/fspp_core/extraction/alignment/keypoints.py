"""The aligner that needs no network: the mean face laid over the detector's five keypoints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fspp_core.concurrency import consecutive
from fspp_core.errors import ShapeError
from fspp_core.geometry import fit_keypoints
from fspp_core.options import NoOptions
from fspp_core.types import Detection, FloatArray, Image, LandmarksOrigin


class KeypointsAligner:
    """68 landmarks fitted to five keypoints: the face's place, size, tilt and turn, not its own shape."""

    landmarks_origin: LandmarksOrigin = "fitted"

    def __init__(self, options: NoOptions) -> None:
        pass

    def align(self, images: Sequence[Image], detections: Sequence[Sequence[Detection]]) -> list[FloatArray]:
        """Find landmarks; see `fspp_core.interfaces.Aligner`. The pictures are not looked at.

        Raises:
            ShapeError: for a box without area, or a detection without keypoints.
        """
        if len(images) != len(detections):
            raise ShapeError(f"received {len(images)} pictures and detections of {len(detections)}")
        keypoints = [_keypoints(detection) for found in detections for detection in found]
        landmarks = fit_keypoints(np.stack(keypoints) if keypoints else np.empty((0, 5, 2)))
        return [landmarks[part] for part in consecutive(map(len, detections))]


def _keypoints(detection: Detection) -> FloatArray:
    left, top, right, bottom = detection.box.tolist()
    if not (left < right and top < bottom):
        raise ShapeError(f"a detection has a box without area: {left:g}, {top:g}, {right:g}, {bottom:g}")
    if detection.keypoints is None:
        raise ShapeError(
            f"the detection at {left:g}, {top:g}, {right:g}, {bottom:g} has no keypoints, which the aligner keypoints "
            "fits; choose a detector that gives them, such as mtcnn, or an aligner that needs none"
        )
    return detection.keypoints
