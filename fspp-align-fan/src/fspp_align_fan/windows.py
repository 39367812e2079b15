"""The square of a picture that the network sees of a face, and the way back from heat maps to the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from fspp_align_fan.network import INPUT_SIDE, MAP_SIDE
from fspp_align_fan.options import CropRule
from fspp_core.errors import ShapeError
from fspp_core.geometry import box_of, fit_keypoints
from fspp_core.types import Detection, FloatArray, Image

_SIDE = {"deepfacelab": 200 / 195, "face-alignment": 200 / 195, "faceswap": 0.8}  # in widths + heights of the box
_RAISED = {"deepfacelab": 0.0, "face-alignment": 0.12, "faceswap": 0.0}  # in heights of the box


_LARGEST = 8192  # pixels of a square that is laid out in memory


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Windows:
    """Squares in a picture's pixels.

    Attributes:
        centers: (n, 2) float64.
        sides: (n,) float64.
    """

    centers: npt.NDArray[np.float64]
    sides: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.sides)

    @property
    def matrices(self) -> npt.NDArray[np.float64]:
        """(n, 2, 3), picture -> input of the network, of the squares themselves as in `to_picture`."""
        scales = INPUT_SIDE / self.sides
        matrices = np.zeros((len(self), 2, 3))
        matrices[:, 0, 0] = matrices[:, 1, 1] = scales
        matrices[:, :, 2] = INPUT_SIDE / 2 - self.centers * scales[:, None]
        return matrices

    def to_picture(self, points: npt.NDArray[Any]) -> FloatArray:
        """Points (n, landmarks, 2) in cells of the heat maps, in the picture's pixels, float32.

        As in the peers: of the square itself, not of the whole pixels that are cut out.
        """
        shares = points.astype(np.float64) / MAP_SIDE - 0.5
        return (shares * self.sides[:, None, None] + self.centers[:, None]).astype(np.float32)


def windows_of(detections: Sequence[Detection], crop: CropRule, seed: Literal["keypoints", "box"]) -> Windows:
    """The square of each detection.

    With five keypoints, if they are asked for, the box is the one around the mean face laid over them, and raised.

    Raises:
        ShapeError: for a box without area or that is not finite, or keypoints that are not finite.
    """
    boxes = np.array([_checked(detection) for detection in detections], np.float64).reshape(-1, 4)
    raised = np.full(len(boxes), _RAISED[crop])
    shares = np.full(len(boxes), _SIDE[crop])
    known = [(n, d.keypoints) for n, d in enumerate(detections) if seed == "keypoints" and d.keypoints is not None]
    if known:
        rows = [number for number, _ in known]
        boxes[rows] = box_of(
            fit_keypoints(np.stack([_finite(keypoints, boxes[number]) for number, keypoints in known]))
        )
        # The mean face ends at the brows, where detectors' boxes go on up the forehead.
        raised[rows], shares[rows] = _RAISED["face-alignment"], _SIDE["face-alignment"]
    sizes = boxes[:, 2:] - boxes[:, :2]
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    centers[:, 1] -= raised * sizes[:, 1]
    return Windows(centers=centers, sides=sizes.sum(axis=1) * shares)


def cut(image: Image, center: npt.NDArray[np.float64], side: float, crop: CropRule) -> Image:
    """The square as the network takes it, (256, 256, 3) uint8; black outside the picture.

    As in the peers, whole pixels are cut out, from one input pixel inside the square's upper left corner.
    """
    height, width = image.shape[:2]
    corner = center - side / 2
    left, top = np.trunc(corner + side / INPUT_SIDE).astype(int).tolist()
    right, bottom = np.maximum(np.trunc(corner + side).astype(int), (left + 1, top + 1)).tolist()
    if right - left > _LARGEST:
        return _sampled(image, left, top, (right - left) / INPUT_SIDE)
    inside = image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if not inside.size:
        return np.zeros((INPUT_SIDE, INPUT_SIDE, 3), np.uint8)
    inside = cv2.copyMakeBorder(
        inside,
        max(-top, 0),
        max(bottom - height, 0),
        max(-left, 0),
        max(right - width, 0),
        cv2.BORDER_CONSTANT,
        value=(0, 0, 0),
    )
    interpolation = cv2.INTER_LINEAR
    if crop == "faceswap":
        interpolation = cv2.INTER_CUBIC if right - left < INPUT_SIDE else cv2.INTER_AREA
    return np.asarray(cv2.resize(inside, (INPUT_SIDE, INPUT_SIDE), interpolation=interpolation), np.uint8)


def _sampled(image: Image, left: int, top: int, step: float) -> Image:
    """The same of a square too large to be laid out."""
    shift = (step - 1) / 2  # from the centre of the first pixel to that of the first sample
    return np.asarray(
        cv2.warpAffine(
            image,
            np.array([[step, 0, left + shift], [0, step, top + shift]]),
            (INPUT_SIDE, INPUT_SIDE),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(0, 0, 0),
        ),
        np.uint8,
    )


def _checked(detection: Detection) -> list[float]:
    left, top, right, bottom = box = detection.box.tolist()
    if not (left < right and top < bottom and np.isfinite(box).all()):
        raise ShapeError(
            f"a detection has a box without area: {left:g}, {top:g}, {right:g}, {bottom:g}; "
            "left must be less than right and top less than bottom"
        )
    return list(box)


def _finite(keypoints: FloatArray, box: npt.NDArray[np.float64]) -> FloatArray:
    if keypoints.shape != (5, 2) or not np.isfinite(keypoints).all():
        raise ShapeError(
            f"the detection at {', '.join(f'{value:g}' for value in box)} has keypoints that are not five finite "
            f"points: {keypoints.tolist()}; use the aligner's option seed=box, or another detector"
        )
    return keypoints
