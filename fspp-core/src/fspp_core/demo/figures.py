"""Did the swap happen? Mean CIELAB distance of the swapped faces to the source's face and to the original one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from fspp_core.alignments import Alignments, read_face_crop
from fspp_core.errors import FsppError
from fspp_core.geometry import components_mask, crop_matrix, transform, warp
from fspp_core.media import open_media
from fspp_core.models import open_model
from fspp_core.registry import Registry
from fspp_core.types import FloatArray, Image

_EVERY = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Distances:
    """Mean CIELAB distances (CIE76 units) inside the face hull.

    Attributes:
        to_source: from the swapped face to the source's face as the model reconstructs it, in the source picture whose
            landmarks are most alike.
        to_target: from the swapped face to the original face of the same frame.
        frames: how many frames were measured.
    """

    to_source: float
    to_target: float
    frames: int


def measure(
    *,
    target_clip: Path,
    swapped_clip: Path,
    target_faces: Path,
    source_faces: Path,
    model_dir: Path,
    registry: Registry,
) -> Distances:
    """Compare every sixth frame of the swapped clip with both identities.

    Raises:
        FsppError: when no frame has a face.
    """
    model, checkpoint = open_model(model_dir, registry)
    face_type, size = str(checkpoint.state["face_type"]), model.output_size
    sources = [read_face_crop(path) for path in sorted((source_faces / "faces").glob("*.png"))]
    matrices = [crop_matrix(s.face.landmarks, face_type, size) for s in sources]
    shapes = np.stack([transform(s.face.landmarks, m) for s, m in zip(sources, matrices, strict=True)])
    alignments = Alignments.load(target_faces / "alignments.json")
    to_source, to_target = [], []
    with open_media(target_clip) as originals, open_media(swapped_clip) as swaps:
        for index in range(0, originals.info.frame_count, _EVERY):
            for face in alignments.faces(index):
                matrix = crop_matrix(face.landmarks, face_type, size)
                landmarks = transform(face.landmarks, matrix)
                inside = components_mask(landmarks, size) > 0
                swapped = _lab(warp(swaps.frame(index).bgr8, matrix, size))
                original = _lab(warp(originals.frame(index).bgr8, matrix, size))
                nearest = int(np.argmin(np.square(shapes - landmarks).sum((1, 2))))
                crop = sources[nearest].crop
                picture = _recrop(crop.image, crop.matrix, matrices[nearest], model.input_size, size)
                faces = picture[None].astype(np.float32) / 255
                if model.channel_order == "rgb":
                    faces = faces[..., ::-1]
                source = np.asarray(model.reconstruct("source", faces)[0])[0]
                if model.channel_order == "rgb":
                    source = source[..., ::-1]
                to_source.append(_distance(swapped, _lab_float(source), inside))
                to_target.append(_distance(swapped, original, inside))
    if not to_source:
        raise FsppError(f"{target_faces}: no face in any of the frames measured; was the extraction interrupted?")
    return Distances(to_source=float(np.mean(to_source)), to_target=float(np.mean(to_target)), frames=len(to_source))


def _recrop(
    image: Image, stored: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64], input_size: int, size: int
) -> Image:
    """From a stored crop to the model's input, both known by their matrices from the frame."""
    from fspp_core.geometry import compose, invert

    scale = np.array([[input_size / size, 0, 0], [0, input_size / size, 0]], np.float64)
    return warp(image, compose(scale, compose(wanted, invert(stored))), input_size)


def _lab(image: Image) -> FloatArray:
    return _lab_float(image.astype(np.float32) / 255)


def _lab_float(image: FloatArray) -> FloatArray:
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(image, np.float32), cv2.COLOR_BGR2Lab), np.float32)


def _distance(a: FloatArray, b: FloatArray, inside: npt.NDArray[np.bool_]) -> float:
    return float(np.linalg.norm(a - b, axis=-1)[inside].mean())
