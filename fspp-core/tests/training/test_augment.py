"""Random changes: nothing at strength zero, the peers' amounts at one, geometry consistent between input and truth."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fspp_core import geometry
from fspp_core.training.augment import Strengths, draw, recolor, transform_matrix, warp_map
from fspp_core.training.faces import CropPlan, augmented, plain, shrunk, training_face
from fspp_core.types import Mask

OFF = {"warp": 0.0, "transform": 0.0, "flip": 0.0, "color": 0.0, "clahe": 0.0}
FULL = {"warp": 1.0, "transform": 1.0, "flip": 0.5, "color": 1.0, "clahe": 0.5}


def change(seed=0, **strengths):
    return draw(np.random.default_rng(seed), Strengths(**{**OFF, **strengths}))


def face_of(portraits, name="hopper", plan=None, mask=None):
    picture, face = portraits[name]
    plan = plan or CropPlan("full", 64, 64)
    return training_face(picture, np.eye(2, 3), face.landmarks, mask, plan), plan


def test_strength_zero_changes_nothing(portraits):
    face, plan = face_of(portraits)
    sample = augmented(face, plan, change())
    expected = plain(face, 64, face.to_output)
    np.testing.assert_array_equal(sample.output, expected)
    assert np.abs(sample.input.astype(int) - expected).mean() < 4  # sampled linearly, not averaged
    assert sample.mask is None


def test_strengths_are_independent():
    whole = draw(np.random.default_rng(5), Strengths(**FULL))
    unwarped = draw(np.random.default_rng(5), Strengths(**{**FULL, "warp": 0.0}))
    assert (unwarped.grid == 0).all()
    assert whole.grid.any()
    assert (whole.rotation, whole.shift, whole.color, whole.clahe) == (
        unwarped.rotation,
        unwarped.shift,
        unwarped.color,
        unwarped.clahe,
    )


def test_amounts_are_faceswaps():
    draws = [draw(np.random.default_rng(seed), Strengths(**FULL)) for seed in range(2000)]
    rotations = np.degrees([d.rotation for d in draws])
    assert 9.9 < np.abs(rotations).max() <= 10
    assert 0.049 < max(abs(d.zoom - 1) for d in draws) <= 0.0500001
    assert 0.049 < np.abs([d.shift for d in draws]).max() <= 0.05
    assert 0.29 < np.abs([d.color[0] for d in draws]).max() <= 0.30
    assert 0.079 < np.abs([d.color[1:] for d in draws]).max() <= 0.08
    assert np.std([d.grid for d in draws]) == pytest.approx(5 / 256, rel=0.01)
    assert np.mean([d.mirrored for d in draws]) == pytest.approx(0.5, abs=0.04)
    assert {d.clahe for d in draws} == {None, 0, 1, 2, 3, 4}


@pytest.mark.parametrize("size", [64, 96, 100, 128, 256])
def test_warp_map_is_faceswaps_grid(size):
    """A 5x5 grid plus noise, enlarged to 1.25 sides, its middle taken; ours adds to exact pixel places."""
    grid = change(3, warp=1.0).grid
    places = np.stack(np.meshgrid(np.linspace(0, size, 5), np.linspace(0, size, 5)), axis=-1)
    padded = round(size * 1.25)
    margin = (padded - size) // 2
    theirs = cv2.resize((places + grid * size).astype(np.float32), (padded, padded))[
        margin : margin + size, margin : margin + size
    ]
    ours = warp_map(change(3, warp=1.0), size)
    assert ours.shape == (size, size, 2)
    assert np.abs(ours - theirs).max() < 1.0
    still = warp_map(change(3), size)
    np.testing.assert_array_equal(still[..., 0], np.tile(np.arange(size, dtype=np.float32), (size, 1)))
    np.testing.assert_array_equal(still[..., 1], still[..., 0].T)


def test_warp_scales_with_the_crop():
    small, large = (warp_map(change(8, warp=1.0), size) - warp_map(change(8), size) for size in (64, 128))
    np.testing.assert_allclose(cv2.resize(large, (64, 64), interpolation=cv2.INTER_AREA) / 2, small, atol=0.08)


@given(st.integers(0, 2**32), st.sampled_from([32, 64, 97, 256]))
def test_transform_keeps_shape_and_flips_only_when_mirrored(seed, size):
    drawn = draw(np.random.default_rng(seed), Strengths(**FULL))
    matrix = transform_matrix(drawn, size)
    assert geometry.scale_of(matrix) == pytest.approx(drawn.zoom)
    assert (np.linalg.det(matrix[:, :2]) < 0) == drawn.mirrored
    middle = geometry.transform(np.full((1, 2), (size - 1) / 2), matrix)[0]
    moved = np.array(drawn.shift) * size * ((-1, 1) if drawn.mirrored else (1, 1))
    np.testing.assert_allclose(middle - (size - 1) / 2, moved, atol=1e-6)


def test_mirror_is_exact(portraits):
    face, plan = face_of(portraits)
    mirrored = augmented(face, plan, change(flip=1.0))
    straight = augmented(face, plan, change())
    for one, other in ((mirrored.output, straight.output), (mirrored.input, straight.input)):
        assert np.abs(one[:, ::-1].astype(int) - other).mean() < 1  # OpenCV places samples to 1/32 of a pixel


@pytest.mark.parametrize(("input_size", "output_size"), [(64, 128), (128, 64), (96, 96), (32, 128)])
@pytest.mark.parametrize("seed", [11, 12])
def test_unwarped_input_and_truth_show_the_same_place(portraits, input_size, output_size, seed):
    """Mirrored or not, pixel i of the input lies at pixel i * output / input of the truth."""
    face, plan = face_of(portraits, plan=CropPlan("full", input_size, output_size))
    for flip in (0.0, 1.0):
        sample = augmented(face, plan, change(seed, transform=1.0, flip=flip, color=1.0))
        assert sample.input.shape == (input_size, input_size, 3)
        assert sample.output.shape == (output_size, output_size, 3)
        small = min(input_size, output_size)
        views = [
            geometry.warp(view, np.eye(2, 3) * (small / view.shape[0]), small) for view in (sample.input, sample.output)
        ]
        inner = [view[2:-2, 2:-2].astype(np.float64).mean(axis=2) for view in views]
        shift, _ = cv2.phaseCorrelate(*inner, cv2.createHanningWindow(inner[0].shape, cv2.CV_64F))
        assert np.abs(shift).max() < 0.12, f"shifted by {shift} of the coarser pixels"


def test_mask_moves_with_the_truth(portraits):
    picture, face = portraits["hopper"]
    hull = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(face.landmarks.astype(np.int32)), 255)
    painted = np.where(hull[..., None] > 0, np.uint8(255), np.uint8(0)).repeat(3, axis=2)
    plan = CropPlan("full", 64, 64)
    prepared = training_face(painted, np.eye(2, 3), face.landmarks, Mask(image=hull, matrix=np.eye(2, 3)), plan)
    sample = augmented(prepared, plan, change(4, transform=1.0, flip=1.0))
    assert sample.mask is not None
    assert 0.2 < (sample.mask > 127).mean() < 0.9
    assert np.abs(sample.mask.astype(int) - sample.output[..., 0]).mean() < 4


def test_recolor_is_local_to_its_amounts():
    image = np.random.default_rng(0).integers(60, 180, (40, 48, 3), dtype=np.uint8)
    assert recolor(image, change()) is image
    bright = recolor(image, change_of_color((0.3, 0, 0)))
    dark = recolor(image, change_of_color((-0.3, 0, 0)))
    assert bright.mean() > image.mean() + 20
    assert dark.mean() < image.mean() - 20
    again = recolor(image, change_of_color((0.3, 0, 0)))
    np.testing.assert_array_equal(bright, again)
    contrast = recolor(image, change(1, clahe=1.0))
    assert contrast.shape == image.shape
    assert np.abs(contrast.astype(int) - image).mean() > 1


def change_of_color(amounts):
    from dataclasses import replace

    return replace(change(), color=amounts)


def test_pictures_far_finer_than_the_crop_are_averaged_first():
    checker = np.indices((512, 512)).sum(axis=0) % 2 * 255
    image = np.repeat(checker[..., None], 3, axis=2).astype(np.uint8)
    small, matrix = shrunk(image, np.eye(2, 3) / 16)
    assert small.shape == (64, 64, 3)
    assert np.abs(small.astype(int) - 128).max() <= 1
    np.testing.assert_allclose(geometry.transform(np.array([[3.5, 3.5]]), matrix), [[0, 0]], atol=1e-9)
    same, identity = shrunk(image, np.eye(2, 3) * 0.7)
    assert same is image
    np.testing.assert_array_equal(identity, np.eye(2, 3))


def test_shrinking_does_not_move_the_face(portraits):
    picture, face = portraits["hopper"]
    plan = CropPlan("full", 48, 48)
    fine = training_face(
        cv2.resize(picture, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC),
        np.array([[4.0, 0, 1.5], [0, 4.0, 1.5]]),
        face.landmarks,
        None,
        plan,
    )
    coarse = training_face(picture, np.eye(2, 3), face.landmarks, None, plan)
    assert fine.image.shape[0] < picture.shape[0]
    difference = plain(fine, 48, fine.to_output).astype(int) - plain(coarse, 48, coarse.to_output)
    assert np.abs(difference).mean() < 4
