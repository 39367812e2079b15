"""Did the swap happen? Mean CIELAB distance of the swapped faces to the source's face and to the original one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from fspp_core.alignments import Alignments, read_face_crop
from fspp_core.errors import FsppError
from fspp_core.geometry import compose, crop_matrix, face_hulls, fill_polygons, invert, transform, warp
from fspp_core.interfaces import SwapModel
from fspp_core.media import open_media
from fspp_core.media.color import to_order
from fspp_core.models import open_model
from fspp_core.registry import Registry
from fspp_core.types import FloatArray, Image

_EVERY = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Distances:
    """Mean CIELAB distances (CIE76 units) inside the face hull.

    Attributes:
        to_source: from the swapped face to the source's face as the model reconstructs it, in the source picture whose
            landmarks are most alike, recoloured to the frame by the transfer that the conversion used: else the
            distance would tell what light the source stood in.
        to_target: from the swapped face to the original face of the same frame.
        faces: how many faces were measured.
    """

    to_source: float
    to_target: float
    faces: int


class _Sources:
    """The source's faces as the model reconstructs them, found by their landmarks."""

    def __init__(self, model: SwapModel, face_type: str, pictures: Sequence[Path]) -> None:
        self._model = model
        crops = [read_face_crop(path) for path in pictures]
        matrices = [crop_matrix(crop.face.landmarks, face_type, model.input_size) for crop in crops]
        self._landmarks = np.stack(
            [transform(crop.face.landmarks, matrix) for crop, matrix in zip(crops, matrices, strict=True)]
        )
        self._images = [
            warp(crop.crop.image, compose(matrix, invert(crop.crop.matrix)), model.input_size)
            for crop, matrix in zip(crops, matrices, strict=True)
        ]

    def most_alike(self, landmarks: FloatArray) -> FloatArray:
        """The face nearest by landmarks, reconstructed: (output_size, output_size, 3) float32 BGR 0..1."""
        nearest = int(np.argmin(np.square(self._landmarks - landmarks).sum((1, 2))))
        order = self._model.channel_order
        face = to_order(self._images[nearest], order)[None].astype(np.float32) / 255
        return to_order(np.asarray(self._model.reconstruct("source", face)[0])[0], order)


def measure(
    *,
    target_clip: Path,
    swapped_clip: Path,
    target_faces: Path,
    source_faces: Path,
    model_dir: Path,
    color: str,
    registry: Registry,
) -> Distances:
    """Compare every sixth frame of the swapped clip with both identities.

    Args:
        color: name of the colour transfer that the conversion used.

    Raises:
        FsppError: when none of these frames has a face.
    """
    model, checkpoint = open_model(model_dir, registry)
    face_type = str(checkpoint.state["face_type"])
    sources = _Sources(model, face_type, sorted((source_faces / "faces").glob("*.png")))
    transfer = registry.build("color_transfer", color)
    alignments = Alignments.load(target_faces / "alignments.json")
    to_source, to_target = [], []
    with open_media(target_clip) as originals, open_media(swapped_clip) as swaps:
        for index in range(0, originals.info.frame_count, _EVERY):
            for face in alignments.faces(index):
                matrix = crop_matrix(face.landmarks, face_type, model.output_size)
                hull = fill_polygons(face_hulls(transform(face.landmarks, matrix)), model.output_size) > 127
                swapped = _unit(warp(swaps.frame(index).bgr8, matrix, model.output_size))
                original = _unit(warp(originals.frame(index).bgr8, matrix, model.output_size))
                seen = crop_matrix(face.landmarks, face_type, model.input_size)
                source = sources.most_alike(transform(face.landmarks, seen))
                [recolored] = transfer.transfer(source[None], original[None], hull[None].astype(np.float32))
                to_source.append(_distance(swapped, recolored, hull))
                to_target.append(_distance(swapped, original, hull))
    if not to_source:
        raise FsppError(f"{target_faces}: no face in any of the frames measured; was its extraction interrupted?")
    return Distances(to_source=float(np.mean(to_source)), to_target=float(np.mean(to_target)), faces=len(to_source))


def _unit(image: Image) -> FloatArray:
    return image.astype(np.float32) / np.float32(255)


def _distance(a: FloatArray, b: FloatArray, inside: npt.NDArray[np.bool_]) -> float:
    """Mean CIE76 difference of two BGR pictures 0..1 over the pixels `inside`."""
    lab_a, lab_b = (cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_BGR2Lab) for picture in (a, b))
    return float(np.linalg.norm(lab_a - lab_b, axis=-1)[inside].mean())
