"""Between the faces that stages pass on and the records that files keep."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fspp_core.alignments.records import FaceRecord, MaskRecord, RecordError
from fspp_core.errors import AlignmentsError
from fspp_core.types import Face, FloatArray, Image, Mask

_PNG_LEVEL = 6


def to_record(face: Face) -> FaceRecord:
    """The record of a face; it shares no memory with it.

    Raises:
        AlignmentsError: for a field of the wrong shape or a number that is not finite, naming it.
    """
    return FaceRecord(
        box=face.box,
        score=float(face.score),
        landmarks=face.landmarks,
        landmarks_origin=face.landmarks_origin,
        detector=face.detector,
        aligner=face.aligner,
        keypoints=face.keypoints,
        masks={
            name: MaskRecord(png=encode_mask(mask.image, name), matrix=mask.matrix) for name, mask in face.masks.items()
        },
        identity={name: _vector(vector, name).tobytes() for name, vector in face.identity.items()},
        track=None if face.track is None else int(face.track),
    )


def from_record(record: FaceRecord) -> Face:
    """The face of a record; its arrays are read-only.

    Raises:
        AlignmentsError: for a mask whose PNG is damaged, naming it.
    """
    return Face(
        box=record.box,
        score=record.score,
        landmarks=record.landmarks,
        landmarks_origin=record.landmarks_origin,
        detector=record.detector,
        aligner=record.aligner,
        keypoints=record.keypoints,
        masks={
            name: Mask(image=decode_mask(mask.png, name), matrix=mask.matrix) for name, mask in record.masks.items()
        },
        identity={name: np.frombuffer(vector, "<f4").astype(np.float32) for name, vector in record.identity.items()},
        track=record.track,
    )


def encode_mask(image: npt.NDArray[Any], name: str) -> bytes:
    """A (height, width) uint8 mask as PNG; equal masks give equal bytes.

    Raises:
        AlignmentsError: for another shape or dtype, naming the mask.
    """
    if image.ndim != 2 or image.dtype != np.uint8 or image.size == 0:
        raise RecordError(f"mask {name!r} must be (height, width) uint8; received {image.shape} {image.dtype}")
    _, png = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL])
    return png.tobytes()


def decode_mask(png: bytes, name: str) -> Image:
    """The (height, width) uint8 mask in a PNG.

    Raises:
        AlignmentsError: when it is damaged, naming the mask.
    """
    try:
        image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        image = None
    if image is None:
        raise AlignmentsError(f"mask {name!r} is damaged: its {len(png)} bytes are not a readable PNG; make it again")
    return np.asarray(image, np.uint8)


def _vector(vector: npt.NDArray[Any], name: str) -> FloatArray:
    array = np.asarray(vector)
    if array.ndim != 1 or array.dtype.kind not in "fiu":
        raise RecordError(f"identity {name!r} must be (d,) float32; received {array.shape} {array.dtype}")
    return array.astype("<f4")
