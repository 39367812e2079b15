"""What the training tests share: two real faces as training faces, in memory and on disk."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from fspp_core import geometry
from fspp_core.alignments import FaceCrop, MediaRecord, write_face_crop
from fspp_core.types import Crop, Face, Mask

KEYPOINTS = {
    "astronaut": [(204, 100), (245, 102), (224, 126), (202, 139), (244, 140)],
    "hopper": [(220, 190), (308, 186), (268, 237), (232, 277), (304, 273)],
}


@pytest.fixture(scope="session")
def portraits(astronaut, hopper):
    """By name: the picture and its face, landmarks fitted to keypoints that MTCNN found."""
    pictures = {"astronaut": astronaut, "hopper": hopper}
    result = {}
    for name, picture in pictures.items():
        keypoints = np.array(KEYPOINTS[name], np.float32)
        landmarks = geometry.fit_keypoints(keypoints)
        box = np.array([*landmarks.min(axis=0), *landmarks.max(axis=0)], np.float32)
        result[name] = (
            picture,
            Face(
                box=box,
                score=0.99,
                landmarks=landmarks,
                landmarks_origin="fitted",
                detector="mtcnn",
                aligner="keypoints",
                keypoints=keypoints,
            ),
        )
    return result


def media_record(name, frame_count, fingerprint="none"):
    return MediaRecord(name=name, kind="video", width=256, height=256, frame_count=frame_count, fingerprint=fingerprint)


def posed(portrait, number):
    """The portrait a little turned and moved, in a frame of 256 pixels, and its face there."""
    picture, face = portrait
    middle = face.landmarks.mean(axis=0)
    reach = np.ptp(face.landmarks, axis=0).max()
    angle, scale = np.radians(6 * np.sin(number)), 110 / reach
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    matrix = np.column_stack([turn, 128 + 5 * np.cos(number) - turn @ middle])
    landmarks = geometry.transform(face.landmarks, matrix)
    box = np.array([*landmarks.min(axis=0), *landmarks.max(axis=0)], np.float32)
    return geometry.warp(picture, matrix, 256), replace(face, landmarks=landmarks, box=box, keypoints=None)


def write_crops(folder, portrait, count, *, face_type="whole", size=96, masks=()):
    """Face crops of some poses."""
    folder.mkdir(parents=True)
    for number in range(count):
        frame, face = posed(portrait, number)
        matrix = geometry.crop_matrix(face.landmarks, face_type, size)
        for name in masks:
            hull = cv2.fillConvexPoly(
                np.zeros((96, 96), np.uint8),
                cv2.convexHull(geometry.transform(face.landmarks, matrix).astype(np.int32)),
                255,
            )
            face = replace(face, masks={**face.masks, name: Mask(image=hull, matrix=matrix)})
        crop = FaceCrop(
            crop=Crop(image=geometry.warp(frame, matrix, size), matrix=matrix, face_type=face_type),
            face=face,
            frame_index=number,
            frame_name=f"{number:06d}",
            face_index=0,
            media=media_record(folder.name, count),
        )
        write_face_crop(folder / crop.file_name, crop)
    return folder


@pytest.fixture(scope="session")
def crops(tmp_path_factory, portraits):
    """Folders of face crops of the source and the target, with a stored mask `hull`."""
    root = tmp_path_factory.mktemp("faces")
    return tuple(
        write_crops(root / name, portraits[name], count, masks=("hull",))
        for name, count in (("hopper", 6), ("astronaut", 5))
    )


@pytest.fixture(scope="session")
def pose():
    return posed


@pytest.fixture(scope="session")
def crop_writer():
    return write_crops
