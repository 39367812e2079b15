"""Squares around faces: the peers' crops, and keypoints as the seed."""

from __future__ import annotations

import numpy as np
import pytest

from fspp_align_fan.windows import cut, windows_of
from fspp_core.errors import ShapeError
from fspp_core.geometry import MEAN_FACE_68
from fspp_core.geometry.fitting import keypoints_of
from fspp_core.types import Detection

RECTS = [[90, 60, 230, 240], [-20, -10, 120, 150], [200, 100, 420, 330]]


def found(box, keypoints=None):
    return Detection(box=np.array(box, np.float32), score=0.9, keypoints=keypoints)


def crops_of(image, crop):
    windows = windows_of([found(rect) for rect in RECTS], crop, "box")
    places = zip(windows.centers, windows.sides, strict=True)
    return windows, np.stack([cut(image, center, side, crop) for center, side in places])


def test_crops_equal_face_alignment(face_alignment):
    windows, crops = crops_of(face_alignment.made("crop_image"), "face-alignment")
    facts = face_alignment.outputs["crops_sub8"]
    assert facts["rects"] == RECTS
    np.testing.assert_allclose(windows.centers, facts["centers"], atol=1e-6)
    np.testing.assert_allclose(windows.sides, 200 * np.array(facts["scales"]), atol=1e-6)
    difference = np.abs(crops[:, 3::8, 3::8].astype(int) - face_alignment.arrays["crops_sub8"])
    assert difference.max() <= 1


def test_crops_equal_deepfacelab(deepfacelab):
    _, crops = crops_of(deepfacelab.made("image")[..., ::-1], "deepfacelab")
    difference = np.abs(crops[:, 3::8, 3::8].astype(int) - deepfacelab.arrays["crops_sub8"])
    assert difference.max() <= 1


def test_faceswap_takes_a_smaller_square():
    windows = windows_of([found([100, 100, 200, 220])], "faceswap", "box")
    np.testing.assert_allclose(windows.centers, [[150, 160]])
    np.testing.assert_allclose(windows.sides, [176])
    picture = np.full((300, 300, 3), 7, np.uint8)
    assert (cut(picture, windows.centers[0], 176.0, "faceswap") == 7).all()


@pytest.mark.parametrize("crop", ["deepfacelab", "face-alignment", "faceswap"])
@pytest.mark.parametrize("box", [[500, 500, 520, 530], [-90, -90, -50, -40], [3, 4, 3.3, 4.2], [-500, -400, 900, 800]])
def test_any_box_gives_a_crop(crop, box):
    picture = np.full((60, 80, 3), 200, np.uint8)
    windows = windows_of([found(box)], crop, "box")
    assert cut(picture, windows.centers[0], windows.sides[0], crop).shape == (256, 256, 3)


def test_a_huge_square_is_sampled_without_being_laid_out(monkeypatch):
    rng = np.random.default_rng(4)
    picture = np.kron(rng.integers(0, 256, (20, 30, 3)), np.ones((20, 20, 1))).astype(np.uint8)
    center, side = np.array([310.0, 190.0]), 900.0
    laid_out = cut(picture, center, side, "deepfacelab").astype(int)
    monkeypatch.setattr("fspp_align_fan.windows._LARGEST", 100)
    difference = np.abs(cut(picture, center, side, "deepfacelab").astype(int) - laid_out)
    assert np.median(difference) == 0
    assert difference[64:192, 64:192].mean() < 1
    assert cut(picture, center, 2e6, "deepfacelab").max() > 0
    assert cut(picture, center + 3e8, 2e8, "deepfacelab").max() == 0


def test_keypoints_say_where_the_face_is():
    landmarks = (MEAN_FACE_68 * 100 + 200).astype(np.float32)
    keypoints = keypoints_of(landmarks).astype(np.float32)
    astray = found([0, 0, 30, 40], keypoints)
    seeded = windows_of([astray, found([0, 0, 30, 40])], "deepfacelab", "keypoints")
    inside = (landmarks - seeded.centers[0]) / seeded.sides[0]
    assert (np.abs(inside) < 0.35).all(), "all landmarks well inside the square"
    assert np.ptp(inside, axis=0).max() > 0.4, "which is not much larger than the face"
    np.testing.assert_allclose(seeded.centers[1], [15, 20])
    boxes = windows_of([astray], "deepfacelab", "box")
    np.testing.assert_allclose(boxes.centers, [[15, 20]])


def test_keypoints_that_are_not_finite_are_named():
    keypoints = np.full((5, 2), np.nan, np.float32)
    with pytest.raises(ShapeError, match=r"at 1, 2, 30, 40 has keypoints .*seed=box"):
        windows_of([found([1, 2, 30, 40], keypoints)], "deepfacelab", "keypoints")


def test_a_box_that_is_not_finite_is_named():
    with pytest.raises(ShapeError, match="inf"):
        windows_of([found([1, 2, np.inf, 40])], "deepfacelab", "box")


def test_points_go_back_to_where_they_were_cut_from():
    rng = np.random.default_rng(3)
    corners = rng.uniform(0, 300, (20, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(20, 200, (20, 2))], axis=1)
    windows = windows_of([found(box) for box in boxes], "face-alignment", "box")
    places = rng.uniform(0, 64, (20, 68, 2))
    back = windows.to_picture(places)
    again = ((back - windows.centers[:, None]) / windows.sides[:, None, None] + 0.5) * 64
    np.testing.assert_allclose(again, places, atol=1e-3)
