"""What the extract benchmark works on: footage of a moving face, where that face is, and weights made by rule."""

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
from fspp_core.media import read_image, write_image
from fspp_core.types import FloatArray, Image
from fspp_core.weights.store import WeightRecord, WeightStore
from fspp_core.weights.tensors import write_tensors

GOLDEN = Path(__file__).resolve().parents[1] / "tests" / "golden"
CANDIDATES = 40
"""Cells of a frame that score above S3FD's first threshold: tens, as around one face, and not thousands."""
FIRST_THRESHOLD = 0.05
_HEADS = ("conv3_3_norm", "conv4_3_norm", "conv5_3_norm", "fc7", "conv6_2", "conv7_2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The face of a frame, found once by MTCNN: what the random networks are taken to have answered.

    Attributes:
        box: left, top, right, bottom in pixels of the frame.
        landmarks: 68 points, likewise.
    """

    box: list[float]
    landmarks: list[list[float]]


def checksum(image: Image) -> str:
    """Tells the frames of the footage apart, at no cost worth counting."""
    return f"{zlib.crc32(np.ascontiguousarray(image[::37, ::41])):08x}"


def make_frames(folder: Path, count: int, *, width: int = 1280, height: int = 720, period: int = 96) -> list[Path]:
    """Lossless pictures of a face that moves and speaks as in footage, a soft background beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    portrait = HOPPER if height > 400 else ASTRONAUT
    for number, face in enumerate(animate(portrait, load(portrait), frames=period, size=height)):
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


def upright_landmarks(side: int) -> FloatArray:
    """The landmarks (68, 2) that a face has in an upright "full" crop: what the second pass is taken to answer."""
    front = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], np.float32)
    points = geometry.fit_keypoints(front)
    return geometry.transform(points, geometry.crop_matrix(points, "full", side)).astype(np.float32)


def upright_box(side: int) -> list[float]:
    """The box a detector gives in such a crop."""
    points = upright_landmarks(side)
    return [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()]


def make_weights(folder: Path, picture: Image) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rule-made weights of S3FD and FAN in a store, and the tensors themselves.

    With random weights S3FD would take thousands of cells of each frame for faces; its scores are shifted so that
    `CANDIDATES` cells of `picture` are left.
    """
    from fspp_align_fan.weights import convert as convert_fan
    from fspp_detect_s3fd.convert import convert as convert_s3fd

    s3fd = _calibrated(convert_s3fd(_by_rule("dfl_s3fd")), picture)
    fan = convert_fan(_by_rule("dfl_fan"))
    folder.mkdir(parents=True, exist_ok=True)
    for name, tensors in (("s3fd", s3fd), ("2dfan4", fan)):
        _store(WeightStore(folder), name, tensors)
    return dict(s3fd), dict(fan)


def _by_rule(name: str) -> dict[str, npt.NDArray[Any]]:
    manifest = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))["manifest"]
    made = {}
    for entry in manifest:
        numbers = np.random.default_rng(zlib.crc32(entry["name"].encode())).standard_normal(tuple(entry["shape"]))
        numbers = np.abs(numbers) if entry["abs"] else numbers
        made[entry["key"]] = (entry["offset"] + entry["mul"] * numbers).astype(np.float32)
    return made


def _calibrated(tensors: dict[str, Any], picture: Image) -> dict[str, Any]:
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
