"""The same faces in the same places as the package the weights come from."""

from __future__ import annotations

import cv2
import mtcnn.stages.stage_pnet as package_proposals
import numpy as np
import pytest
from mtcnn import MTCNN

from fspp_detect_mtcnn.detector import MTCNNDetector
from fspp_detect_mtcnn.options import MTCNNOptions

TOLERANCE_PX = 1.0
# From Python 3.13 on the package's way of reading its weights leaves a complaint behind; ours does not.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def package():
    return MTCNN()


@pytest.fixture(scope="module")
def ours():
    return MTCNNDetector(MTCNNOptions())


def resized(picture, scale):
    height, width = picture.shape[:2]
    return cv2.resize(picture, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def pictures(astronaut, hopper):
    crowd = np.full((600, 1000, 3), 90, np.uint8)
    for number, (left, top, scale) in enumerate([(0, 0, 0.5), (300, 20, 0.35), (520, 200, 0.6), (40, 300, 0.25)]):
        face = resized(astronaut if number % 2 else hopper, scale)
        height, width = face.shape[:2]
        crowd[top : top + height, left : left + width] = face
    return {
        "astronaut": astronaut,
        "hopper": hopper,
        "half": resized(astronaut, 0.5),
        "larger": cv2.resize(hopper, None, fx=1.4, fy=1.4),
        "flipped": astronaut[:, ::-1],
        "tiled": np.tile(resized(hopper, 0.4), (2, 3, 1)),
        "crowd": crowd,
        "cut by the edge": astronaut[:, 200:460],
        "dark": astronaut // 3,
    }


def package_faces(package, picture, **options):
    rows = package.detect_faces(picture[..., ::-1].copy(), box_format="xyxy", output_type="numpy", **options)
    points = np.stack([rows[:, 6:11], rows[:, 11:16]], axis=-1)
    return rows[:, 1:5], rows[:, 5], points


def assert_same_faces(found, expected, picture):
    boxes, scores, keypoints = expected
    assert len(found) == len(boxes)
    limits = np.array(picture.shape[1::-1] * 2) - 1  # the package clips to the last pixel, not to its far edge
    by_place = sorted(found, key=lambda d: tuple(d.box))
    for detection, index in zip(by_place, np.lexsort(boxes.T[::-1]), strict=True):
        np.testing.assert_allclose(np.minimum(detection.box, limits), boxes[index], rtol=0, atol=TOLERANCE_PX)
        np.testing.assert_allclose(detection.keypoints, keypoints[index], rtol=0, atol=TOLERANCE_PX)
        assert detection.score == pytest.approx(scores[index], abs=0.02)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("astronaut", 1),
        ("hopper", 1),
        ("half", 1),
        ("larger", 1),
        ("flipped", 1),
        ("tiled", 6),
        ("crowd", 4),
        ("cut by the edge", 1),
        ("dark", 1),
    ],
)
def test_same_faces_as_the_package(package, ours, pictures, name, count):
    picture = pictures[name]
    [found] = ours.detect([picture])
    assert len(found) == count
    assert_same_faces(found, package_faces(package, picture), picture)


@pytest.mark.parametrize(
    ("options", "theirs"),
    [
        ({"min_face": 40}, {"min_face_size": 40}),
        ({"min_face": 33, "scale_factor": 0.8}, {"min_face_size": 33, "scale_factor": 0.8}),
        ({"min_face": 60}, {"min_face_size": 60}),
        (
            {"proposal_threshold": 0.8, "refine_threshold": 0.9, "output_threshold": 0.95},
            {"threshold_pnet": 0.8, "threshold_rnet": 0.9, "threshold_onet": 0.95},
        ),
    ],
)
def test_same_faces_with_other_options(package, pictures, monkeypatch, options, theirs):
    def whole_windows_only(width, height, min_face_size, scale_factor, min_size=12):
        """The package's own pyramid ends in levels too small for its network unless `min_face_size` is 20."""
        scales = min_size / min_face_size * scale_factor ** np.arange(60)
        return scales[np.floor(scales * min(width, height)) >= min_size]

    monkeypatch.setattr(package_proposals, "build_scale_pyramid", whole_windows_only)
    detector = MTCNNDetector(MTCNNOptions(**options))
    for name in ("astronaut", "crowd"):
        [found] = detector.detect([pictures[name]])
        assert found
        assert_same_faces(found, package_faces(package, pictures[name], **theirs), pictures[name])


def test_a_larger_smallest_face_loses_only_smaller_faces(pictures):
    def widths(min_face):
        [found] = MTCNNDetector(MTCNNOptions(min_face=min_face)).detect([pictures["crowd"]])
        return sorted(float(d.box[2] - d.box[0]) for d in found)

    every, large = widths(20), widths(80)
    assert [round(w, -1) for w in every] == [20, 30, 90, 100]
    assert large == pytest.approx(every[2:], rel=0.1)


def test_a_batch_over_several_parts_gives_what_its_pictures_give_alone(ours, pictures, monkeypatch):
    batch = [np.roll(pictures["crowd"], 60 * shift, axis=1) for shift in range(5)]
    alone = [ours.detect([picture])[0] for picture in batch]
    for at_once in (1, 2 * 600 * 1000, 10**8):
        monkeypatch.setattr("fspp_detect_mtcnn.detector._PIXELS_AT_ONCE", at_once)
        together = ours.detect(batch)
        assert [len(found) for found in together] == [len(found) for found in alone]
        for many, one in zip(together, alone, strict=True):
            np.testing.assert_allclose([d.box for d in many], [d.box for d in one], atol=1e-3)
            np.testing.assert_allclose([d.keypoints for d in many], [d.keypoints for d in one], atol=1e-3)
