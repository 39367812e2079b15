"""Shaping masks: sizes in percent of the face, fading to zero at the border."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fspp_core.masks.shape import MaskShape

SIZE = 100


def disc(radius, size=SIZE):
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return (np.hypot(x, y) <= radius).astype(np.float32)


def test_nothing_asked_only_clears_the_border():
    mask = np.ones((SIZE, SIZE), np.float32)
    shaped = MaskShape().apply(mask, 50)
    assert shaped[0].max() == shaped[-1].max() == shaped[:, 0].max() == shaped[:, -1].max() == 0
    assert shaped[1:-1, 1:-1].min() == 1
    np.testing.assert_array_equal(MaskShape().apply(mask, 50, inset=False), mask)


@pytest.mark.parametrize("percent", [-20, -10, 10, 20])
def test_eroding_by_a_percent_of_the_face_moves_the_edge_by_it(percent):
    shaped = MaskShape(erode=percent).apply(disc(30), 50)
    radius = np.sqrt(shaped.sum() / np.pi)
    assert radius == pytest.approx(30 - percent / 100 * 50, abs=0.7)


def test_eroding_everything_away_and_growing_over_everything():
    assert MaskShape(erode=100).apply(disc(30), 100).max() == 0
    assert MaskShape(erode=-100).apply(disc(30), 100, inset=False).min() == 1
    np.testing.assert_array_equal(MaskShape(erode=-100).apply(np.zeros((9, 9), np.float32), 1e6), 0)


@pytest.mark.parametrize("kind", ["gaussian", "box"])
def test_blur_keeps_the_area_and_reaches_as_far_as_asked(kind):
    mask = disc(25)
    shaped = MaskShape(blur=kind, blur_size=10, blur_passes=2).apply(mask, 50)
    assert shaped.sum() == pytest.approx(mask.sum(), rel=1e-4)
    assert 0.3 < shaped[SIZE // 2, SIZE // 2 + 25] < 0.6
    beyond = ~disc(25 + 2 * 5 * np.sqrt(2)).astype(bool)
    np.testing.assert_allclose(shaped[beyond], 0, atol=1e-7)


def test_more_passes_and_larger_kernels_soften_more():
    def steepest(**asked):
        return np.abs(np.diff(MaskShape(blur="gaussian", **asked).apply(disc(30), 50), axis=1)).max()

    assert steepest(blur_size=0) == 1
    assert steepest(blur_size=20) < steepest(blur_size=10) < steepest(blur_size=4) < 1
    assert steepest(blur_size=10, blur_passes=3) < steepest(blur_size=10)


def test_kinds_differ_and_none_ignores_the_size():
    gaussian, box, none = (MaskShape(blur=k, blur_size=10).apply(disc(30), 50) for k in ("gaussian", "box", "none"))
    assert np.abs(gaussian - box).max() > 0.01
    np.testing.assert_array_equal(none, disc(30))


def test_threshold_removes_what_is_faint_and_keeps_the_rest():
    mask = np.linspace(0, 1, SIZE, dtype=np.float32)[None].repeat(SIZE, 0)
    shaped = MaskShape(threshold=50).apply(mask, 50, inset=False)
    np.testing.assert_array_equal(shaped, np.where(mask < 0.5, 0, mask))


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0, 100),
    st.floats(-100, 100),
    st.sampled_from(["gaussian", "box", "none"]),
    st.floats(0, 100),
    st.integers(1, 4),
    st.floats(0.1, 500),
    st.sampled_from([(1, 1), (3, 40), (64, 64)]),
)
def test_any_settings_give_a_mask_that_is_zero_along_the_border(threshold, erode, blur, size, passes, face, shape):
    mask = np.random.default_rng(1).random(shape, np.float32)
    kept = mask.copy()
    shape_of = MaskShape(threshold=threshold, erode=erode, blur=blur, blur_size=size, blur_passes=passes)
    shaped = shape_of.apply(mask, face)
    np.testing.assert_array_equal(mask, kept)
    assert shaped.shape == shape
    assert shaped.dtype == np.float32
    assert shaped.min() >= 0
    assert shaped.max() <= 1
    edge = np.concatenate([shaped[0], shaped[-1], shaped[:, 0], shaped[:, -1]])
    assert edge.max() <= 1e-6


def test_the_largest_part_stays_by_weight_not_by_pixels():
    mask = np.zeros((40, 40), np.float32)
    mask[2:12, 2:12] = 1.0
    mask[14:38, 14:18] = 0.5  # fewer pixels, less weight
    mask[20:40, 22:40] = 0.2  # more pixels, less weight
    kept = MaskShape(keep_largest=True).apply(mask, 40, inset=False)
    np.testing.assert_array_equal(kept, np.where(np.indices(mask.shape).max(axis=0) < 12, mask, 0))
    mask[12:14, 12:14] = 0.01  # touches two parts at their corners: one part then
    kept = MaskShape(keep_largest=True).apply(mask, 40, inset=False)
    assert kept[20, 15] == np.float32(0.5)
    assert kept[30, 30] == 0
    cut = MaskShape(keep_largest=True, threshold=5).apply(mask, 40, inset=False)
    assert cut[20, 15] == 0


def test_holes_are_filled_and_bays_are_not():
    ring = disc(30) - disc(12)
    np.testing.assert_array_equal(MaskShape(fill_holes=True).apply(ring, 50, inset=False), disc(30))
    bay = ring.copy()
    bay[50] = 0  # a channel to the border
    np.testing.assert_array_equal(MaskShape(fill_holes=True).apply(bay, 50, inset=False), bay)
    np.testing.assert_array_equal(MaskShape(fill_holes=True).apply(disc(30), 50, inset=False), disc(30))


def test_a_hole_in_a_soft_mask_is_filled_to_the_level_it_runs_over_at():
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    away = np.hypot(x, y)
    slope = np.clip((45 - away) / 30, 0, 1).astype(np.float32)
    crater = np.where(away < 20, np.clip(away / 25, 0, 1), slope).astype(np.float32)
    filled = MaskShape(fill_holes=True).apply(crater, 50, inset=False)
    rim = crater[away >= 20].max()
    assert rim - 1 / 16 - 0.03 < filled[away < 10].min() <= filled[away < 10].max() <= rim
    np.testing.assert_array_equal(filled[away > 22], crater[away > 22])
    assert (filled >= crater).all()


def test_parts_go_before_holes_and_holes_before_growing():
    mask = disc(30) - disc(12)
    mask[:4, :4] = 1
    shaped = MaskShape(keep_largest=True, fill_holes=True, erode=10).apply(mask, 50)
    np.testing.assert_array_equal(shaped, MaskShape(erode=10).apply(disc(30), 50))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_keeping_and_filling_again_changes_nothing(seed, hard):
    mask = np.random.default_rng(seed).random((24, 24), np.float32)
    mask = cv2.blur(mask, (5, 5))
    mask = (mask > 0.5).astype(np.float32) if hard else np.where(mask > 0.45, mask, 0).astype(np.float32)
    for shape in (MaskShape(keep_largest=True), MaskShape(fill_holes=True)):
        once = shape.apply(mask, 24, inset=False)
        np.testing.assert_array_equal(shape.apply(once, 24, inset=False), once)
    kept = MaskShape(keep_largest=True).apply(mask, 24, inset=False)
    assert ((kept == 0) | (kept == mask)).all()
