"""The procedure DeepFaceLab follows for a frame, written anew from a description of it: one thing after another.

Whatever it does, it does for one picture at a time: seven network runs for a face, six decodings of 68 heat maps in
Python loops, boxes decoded and suppressed in Python loops, the face written as JPEG, read back and written again with
its record. The networks are fspp's own, with the same weights, so that only the procedure differs. The boxes that
random weights find are computed in full and then replaced by what is known of the frame, here as on fspp's side.
"""

from __future__ import annotations

import math
import pickle
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from extract_material import Known, upright_box
from stopwatch import Stopwatch

from fspp_core import geometry
from fspp_core.types import FloatArray, Image

Run = Callable[[FloatArray], Any]
_SHIFTS = ((0, 0), (-1, -1), (1, -1), (1, 1), (-1, 1))
_SIZE, _QUALITY, _SECOND = 512, 90, 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """The procedure with everything it needs.

    Attributes:
        s3fd: runs the detector's network: (1, height, width, 3) to twelve maps.
        fan: runs the aligner's network: (1, 256, 256, 3) to heat maps (1, 68, 64, 64).
        watch: is told how long each stage took.
    """

    s3fd: Run
    fan: Run
    watch: Stopwatch

    def frame(self, path: Path, known: Known, output: Path) -> None:
        """Do one frame with one face, from the picture file to the face file."""
        stage = self.watch.stage
        with stage("decode"):
            image = _decoded(path)
        with stage("detect"):
            self._boxes(image)
            box = np.array(known.box)
        with stage("first pass"):
            landmarks = self._landmarks(image, box)
        with stage("second pass"):
            landmarks = self._again(image, landmarks)
        with stage("crop and save"):
            _saved(image, landmarks, box, path.name, output / f"{path.stem}_0.jpg")

    def _boxes(self, image: Image) -> list[list[float]]:
        shown, ratio = s3fd_input(image)
        with self.watch.network():
            maps = self.s3fd(shown)
        kept = suppressed(cells([np.asarray(values)[0] for values in maps]), 0.3)
        boxes = []
        for left, top, right, bottom, score in kept:
            if score < 0.5:
                continue
            left, top, right, bottom = (int(side) * ratio for side in (left, top, right, bottom))
            if min(right - left, bottom - top) < 40:
                continue
            boxes.append([int(left), int(top), int(right), int(bottom + (bottom - top) * 0.1)])
        boxes.sort(key=lambda b: (b[2] - b[0]) * (b[3] - b[1]), reverse=True)
        return boxes

    def _landmarks(self, image: Image, box: Any, shift: tuple[int, int] = (0, 0)) -> FloatArray:
        left, top, right, bottom = (float(side) for side in box)
        center = np.array([(left + right) / 2 + shift[0], (top + bottom) / 2 + shift[1]])
        side = 200 * (right - left + bottom - top) / 195
        face = cut(image, center, side)
        with self.watch.network():
            maps = self.fan(face[None].astype(np.float32))
        return np.array(peaks(np.asarray(maps)[0])) / 64 * side - side / 2 + center

    def _again(self, image: Image, landmarks: FloatArray) -> FloatArray:
        """The second pass: five runs a pixel apart around the box that is found in the upright face."""
        matrix = geometry.crop_matrix(landmarks, "full", _SECOND)
        face = np.asarray(cv2.warpAffine(image, matrix, (_SECOND, _SECOND)), np.uint8)
        self._boxes(face)
        box = upright_box(_SECOND)
        several = [self._landmarks(face, box, shift) for shift in _SHIFTS]
        return np.asarray(geometry.transform(np.mean(several, axis=0), geometry.invert(matrix)), np.float32)


def _decoded(path: Path) -> Image:
    image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2], np.uint8)


def s3fd_input(image: Image) -> tuple[FloatArray, float]:
    """A frame as the network takes it, its longer side halved, 64 to 640; and pixels of the frame to one of it."""
    height, width = image.shape[:2]
    longer = max(height, width)
    ratio = longer / (640 if longer >= 1280 else max(64, longer / 2))
    small = cv2.resize(image, (int(width / ratio), int(height / ratio)), interpolation=cv2.INTER_LINEAR)
    return small[None].astype(np.float32) - np.array([104, 117, 123], np.float32), ratio


def cells(maps: Sequence[FloatArray]) -> list[list[float]]:
    """Boxes with scores of all cells above 0.05, cell by cell."""
    boxes = []
    for level, (logits, offsets) in enumerate(zip(maps[::2], maps[1::2], strict=True)):
        stride = 4 * 2**level
        powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
        scores = powers[..., 1] / powers.sum(axis=-1)
        rows, columns = np.where(scores > 0.05)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            offset = offsets[row, column]
            x = (column + 0.5) * stride + offset[0] * 0.1 * stride * 4
            y = (row + 0.5) * stride + offset[1] * 0.1 * stride * 4
            width, height = math.exp(offset[2] * 0.2) * stride * 4, math.exp(offset[3] * 0.2) * stride * 4
            boxes.append([x - width / 2, y - height / 2, x + width / 2, y + height / 2, float(scores[row, column])])
    return boxes


def suppressed(boxes: list[list[float]], threshold: float) -> list[list[float]]:
    """Greedy suppression, one box after the other, areas with both border pixels."""
    if not boxes:
        return []
    table = np.array(boxes)
    areas = (table[:, 2] - table[:, 0] + 1) * (table[:, 3] - table[:, 1] + 1)
    order = table[:, 4].argsort()[::-1]
    kept = []
    while order.size:
        best, others = order[0], order[1:]
        kept.append(boxes[int(best)])
        width = np.minimum(table[best, 2], table[others, 2]) - np.maximum(table[best, 0], table[others, 0]) + 1
        height = np.minimum(table[best, 3], table[others, 3]) - np.maximum(table[best, 1], table[others, 1]) + 1
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        order = others[shared / (areas[best] + areas[others] - shared) <= threshold]
    return kept


def cut(image: Image, center: Any, side: float) -> Image:
    """The square around a face as FAN takes it, black outside the picture: (256, 256, 3)."""
    left, top = (int(value) for value in center + (1 / 256 - 0.5) * side)
    right, bottom = (int(value) for value in center + 0.5 * side)
    square = np.zeros((bottom - top, right - left, 3), np.uint8)
    height, width = image.shape[:2]
    y0, y1, x0, x1 = max(top, 0), min(bottom, height), max(left, 0), min(right, width)
    if y0 < y1 and x0 < x1:
        square[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]
    return np.asarray(cv2.resize(square, (256, 256), interpolation=cv2.INTER_LINEAR), np.uint8)


def peaks(maps: FloatArray) -> list[list[float]]:
    """The peak of each heat map, a quarter cell towards the higher neighbours, map by map."""
    points = []
    for heat in maps:
        row, column = divmod(int(heat.argmax()), heat.shape[1])
        x, y = float(column), float(row)
        if 0 < column < heat.shape[1] - 1 and 0 < row < heat.shape[0] - 1:
            x += 0.25 * float(np.sign(heat[row, column + 1] - heat[row, column - 1]))
            y += 0.25 * float(np.sign(heat[row + 1, column] - heat[row - 1, column]))
        points.append([x + 0.5, y + 0.5])
    return points


def _saved(image: Image, landmarks: FloatArray, box: Any, name: str, path: Path) -> None:
    """Write the face as JPEG, read it back, write it again with its record in an APP15 segment."""
    matrix = geometry.crop_matrix(landmarks, "whole", _SIZE)
    face = cv2.warpAffine(image, matrix, (_SIZE, _SIZE))
    record = {
        "face_type": "whole_face",
        "landmarks": geometry.transform(landmarks, matrix).tolist(),
        "source_filename": name,
        "source_rect": np.asarray(box, int),
        "source_landmarks": landmarks.tolist(),
        "image_to_face_mat": matrix,
    }
    corners = geometry.transform(np.array([[0, 0], [_SIZE, 0], [_SIZE, _SIZE], [0, _SIZE]]), geometry.invert(matrix))
    if cv2.contourArea(corners.astype(np.float32)) > 4 * (box[2] - box[0]) * (box[3] - box[1]):
        record["too_large"] = True  # left out there; kept here, so that both sides save as many faces
    _, data = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    path.write_bytes(data.tobytes())
    path.write_bytes(_with_record(path.read_bytes(), pickle.dumps(record)))


def _with_record(jpeg: bytes, record: bytes) -> bytes:
    """The JPEG with an APP15 segment after its last APPn segment."""
    at = 2
    while jpeg[at] == 0xFF and 0xE0 <= jpeg[at + 1] <= 0xEF:
        at += 2 + struct.unpack(">H", jpeg[at + 2 : at + 4])[0]
    return jpeg[:at] + b"\xff\xef" + struct.pack(">H", len(record) + 2) + record + jpeg[at:]
