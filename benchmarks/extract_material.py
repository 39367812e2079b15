"""What the extract benchmark works on: footage of a moving face, where that face is, and the networks' weights.

The weights are random, made by rule. FAN's last layers are then fitted to known faces by least squares, without any
training: enough to find the landmarks of this one face to about a cell of the heat maps, so that what a switch does to
them can be measured. S3FD's boxes stay random and are replaced by known ones.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fspp_core import geometry
from fspp_core.demo.animate import animate
from fspp_core.demo.portraits import ASTRONAUT, HOPPER, load
from fspp_core.files import file_digest
from fspp_core.geometry.affine import about
from fspp_core.media import read_image, write_image
from fspp_core.types import FloatArray, Image, Matrix
from fspp_core.weights.store import WeightRecord, WeightStore
from fspp_core.weights.tensors import write_tensors

Tensors = dict[str, Any]
GOLDEN = Path(__file__).resolve().parents[1] / "tests" / "golden"
CANDIDATES = 40
"""Cells of a frame that score above S3FD's first threshold: tens, as around one face, and not thousands."""
FIRST_THRESHOLD = 0.05
_BUMP, _RIDGE = 1.5, 1e-5  # cells; and how much smaller weights are liked better
_HEADS = ("conv3_3_norm", "conv4_3_norm", "conv5_3_norm", "fc7", "conv6_2", "conv7_2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The face of a frame, found once by MTCNN: what the random networks are taken to have answered.

    Attributes:
        box: left, top, right, bottom in pixels of the frame.
        landmarks: 68 points, likewise: the mean face laid over the five points that MTCNN finds.
    """

    box: list[float]
    landmarks: list[list[float]]


def checksum(image: Image) -> str:
    """Tells the frames of the footage apart, at no cost worth counting."""
    return f"{zlib.crc32(np.ascontiguousarray(image[::37, ::41])):08x}"


def make_frames(
    folder: Path, count: int, *, width: int = 1280, height: int = 720, period: int = 96, phase: float = 0.0
) -> list[Path]:
    """Lossless pictures of a face that moves and speaks as in footage, a soft background beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    portrait = HOPPER if height > 400 else ASTRONAUT
    for number, face in enumerate(animate(portrait, load(portrait), frames=period, size=height, phase=phase)):
        if number == count:
            break
        frame = cv2.GaussianBlur(cv2.resize(face[: height * 9 // 16], (width, height)), (0, 0), 12)
        left = (width - height) // 2
        frame[:, left : left + height] = face
        paths.append(folder / f"{number:05d}.png")
        write_image(paths[-1], frame)
    return paths


def find_faces(paths: list[Path]) -> dict[str, Known]:
    """The largest face of each picture by the picture's checksum, found by MTCNN; landmarks fitted to its points."""
    from fspp_detect_mtcnn.detector import MTCNNDetector
    from fspp_detect_mtcnn.options import MTCNNOptions

    detector = MTCNNDetector(MTCNNOptions(min_face=80))
    known = {}
    for path in paths:
        image = read_image(path)
        [found] = detector.detect([image])
        if not found:
            raise RuntimeError(f"MTCNN finds no face in {path.name}")
        face = max(found, key=lambda detection: float(geometry.area(detection.box)))
        points = geometry.fit_keypoints(face.keypoints)
        known[checksum(image)] = Known(box=face.box.tolist(), landmarks=points.tolist())
    return known


def write_known(path: Path, known: Mapping[str, Known]) -> Path:
    """Keep what is known of the frames for the stand-ins of the components."""
    path.write_text(json.dumps({key: asdict(face) for key, face in known.items()}), encoding="utf-8")
    return path


def read_known(path: Path) -> dict[str, Known]:
    return {key: Known(**face) for key, face in json.loads(path.read_text(encoding="utf-8")).items()}


def upright_box(side: int) -> list[float]:
    """The box a detector gives of a face in an upright "full" crop."""
    front = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], np.float32)
    points = geometry.fit_keypoints(front)
    upright = geometry.transform(points, geometry.crop_matrix(points, "full", side))
    return [*upright.min(axis=0).tolist(), *upright.max(axis=0).tolist()]


def make_weights(folder: Path, picture: Image, examples: list[Path]) -> tuple[Tensors, Tensors]:
    """Weights of S3FD and FAN in a store, and the tensors themselves.

    With random weights S3FD would take thousands of cells of each frame for faces; its scores are shifted so that
    `CANDIDATES` cells of `picture` are left.

    Args:
        examples: pictures of the face, besides those of the benchmark, that FAN is fitted to.
    """
    from fspp_align_fan.weights import convert as convert_fan
    from fspp_detect_s3fd.convert import convert as convert_s3fd

    s3fd = _calibrated(dict(convert_s3fd(_by_rule("dfl_s3fd"))), picture)
    fan = _fitted(dict(convert_fan(_by_rule("dfl_fan"))), *_example_crops(examples))
    folder.mkdir(parents=True, exist_ok=True)
    for name, tensors in (("s3fd", s3fd), ("2dfan4", fan)):
        _store(WeightStore(folder), name, tensors)
    return s3fd, fan


def _by_rule(name: str) -> dict[str, npt.NDArray[Any]]:
    manifest = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))["manifest"]
    made = {}
    for entry in manifest:
        numbers = np.random.default_rng(zlib.crc32(entry["name"].encode())).standard_normal(tuple(entry["shape"]))
        numbers = np.abs(numbers) if entry["abs"] else numbers
        made[entry["key"]] = (entry["offset"] + entry["mul"] * numbers).astype(np.float32)
    return made


def _calibrated(tensors: Tensors, picture: Image) -> Tensors:
    from deepfacelab_baseline import s3fd_input

    from fspp_detect_s3fd.network import s3fd

    shown, _ = s3fd_input(picture)
    maps = s3fd(tensors).predict_on_batch(shown)
    surplus = np.sort(np.concatenate([(np.asarray(m)[..., 1] - np.asarray(m)[..., 0]).ravel() for m in maps[::2]]))
    shift = np.log(FIRST_THRESHOLD / (1 - FIRST_THRESHOLD)) - surplus[-CANDIDATES]
    for head in _HEADS:
        tensors[f"{head}_mbox_conf/bias"] = tensors[f"{head}_mbox_conf/bias"].copy()
        tensors[f"{head}_mbox_conf/bias"][-1] += np.float32(shift)
    return tensors


def _example_crops(paths: list[Path]) -> tuple[Image, FloatArray]:
    """Faces as both passes see them (n, 256, 256, 3), and the landmarks (n, 68, 2) in cells of the heat maps."""
    crops, points = [], []
    for image, face in zip(map(read_image, paths), find_faces(paths).values(), strict=True):
        landmarks, box = np.array(face.landmarks, np.float32), np.array(face.box, np.float32)
        upright, whole = (geometry.crop_matrix(landmarks, name, 256) for name in ("full", "fs-head"))
        again = geometry.compose(_window(geometry.box_of(geometry.transform(landmarks, upright))), upright)
        for matrix in (_window(box), again, whole):
            crops.append(geometry.warp(image, matrix, 256))
            points.append(geometry.transform(landmarks, matrix) / 4)
    return np.stack(crops), np.stack(points)


def _window(box: FloatArray) -> Matrix:
    """The square that FAN sees of a box, of 256 pixels."""
    return about((box[:2] + box[2:]) / 2, 256 / ((box[2:] - box[:2]).sum() * 200 / 195), 128.0)


def _fitted(tensors: Tensors, crops: Image, points: FloatArray) -> Tensors:
    """FAN with new last layers: each stack's features, brought to bumps at the landmarks by ridge regression."""
    from fspp_align_fan.network import fan

    cell = np.arange(64) + 0.5
    along = [np.exp(-((cell - points[..., axis, None]) ** 2) / (2 * _BUMP**2)) for axis in (0, 1)]
    wanted = (along[1][..., :, None] * along[0][..., None, :]).transpose(0, 2, 3, 1).reshape(-1, 68)
    batch = crops.astype(np.float32)
    for stack in range(4):
        shown = {f"l{stack}.weight": np.eye(256, dtype=np.float32)[None, None], f"l{stack}.bias": np.zeros(256)}
        maps = _run(fan(tensors | shown, stack + 1), batch)
        features = np.column_stack([maps.transpose(0, 2, 3, 1).reshape(-1, 256), np.ones(maps[:, 0].size)])
        squares = features.T @ features
        squares += np.eye(257) * _RIDGE * np.trace(squares) / 257
        fit = np.linalg.solve(squares, features.T @ wanted).astype(np.float32)
        tensors |= {f"l{stack}.weight": fit[None, None, :256], f"l{stack}.bias": fit[256]}
    return tensors


def _run(network: Any, batch: FloatArray) -> npt.NDArray[Any]:
    parts = [np.asarray(network.predict_on_batch(part)) for part in np.array_split(batch, len(batch) // 6 or 1)]
    return np.concatenate(parts)


def _store(store: WeightStore, name: str, tensors: Mapping[str, Any]) -> None:
    path = store.path(name)
    write_tensors(path, name, tensors)
    digest = file_digest(path)
    store.write_record(
        WeightRecord(
            name=name,
            licence="none: random numbers",
            source="made by rule for the benchmark",
            origin="benchmark",
            published_sha256=digest,
            published_format="safetensors",
            as_published=False,
            converted_by=None,
            sha256=digest,
            size=path.stat().st_size,
            tensors=len(tensors),
        )
    )
