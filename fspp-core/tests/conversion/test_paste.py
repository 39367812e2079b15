"""Pasting: right place, right colour, and not a bit changed elsewhere."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fspp_core.conversion.paste import Patch, paste
from fspp_core.geometry import invert, transform, warp


def similarity(x, y, scale, degrees, size):
    """Frame -> crop of `size`, whose middle lies at (x, y) of the frame."""
    angle = np.radians(degrees)
    linear = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.column_stack([linear, np.array([size / 2, size / 2]) - linear @ (x, y)])


def disc(size, radius):
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return np.clip(radius - np.hypot(x, y), 0, 1).astype(np.float32)


def patch(x=100.0, y=80.0, scale=0.7, degrees=20.0, face_size=64, mask_size=96, radius=36.0, color=(0.2, 0.4, 0.8)):
    return Patch(
        face=np.full((face_size, face_size, 3), color, np.float32),
        matrix=similarity(x, y, scale, degrees, face_size),
        mask=disc(mask_size, radius),
        mask_matrix=similarity(x, y, scale * mask_size / face_size, degrees, mask_size),
    )


def noise(dtype, shape=(160, 220, 3)):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, endpoint=True).astype(dtype)


def covered(image, patches):
    """Where masks are above zero, from a warp over the whole frame; a pixel more, for OpenCV warps to 1/32 pixel."""
    seen = np.zeros(image.shape[:2], np.uint8)
    for one in patches:
        seen |= (warp(one.mask, invert(one.mask_matrix), (image.shape[1], image.shape[0])) != 0).astype(np.uint8)
    return cv2.dilate(seen, np.ones((3, 3), np.uint8)) > 0


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@settings(max_examples=30, deadline=None)
@given(st.floats(-60, 280), st.floats(-60, 220), st.floats(0.2, 6), st.floats(-180, 180))
def test_outside_the_mask_every_bit_stays(dtype, x, y, scale, degrees):
    image = noise(dtype)
    kept = image.copy()
    one = patch(x, y, scale, degrees)
    result, box = paste(image, [one])
    np.testing.assert_array_equal(image, kept)
    assert result.dtype == dtype
    changed = (result != image).any(axis=2)
    assert not (changed & ~covered(image, [one])).any()
    if changed.any():
        assert box is not None
        left, top, right, bottom = box
        assert changed[top:bottom, left:right].sum() == changed.sum()
        assert 0 <= left < right <= 220
        assert 0 <= top < bottom <= 160


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_inside_the_mask_is_the_face_at_full_depth(dtype):
    image, one = noise(dtype), patch()
    result, _ = paste(image, [one])
    top = np.iinfo(dtype).max
    np.testing.assert_allclose(
        result[80, 100], np.rint(np.float32([0.2, 0.4, 0.8]) * np.float32(top)), atol=1 if dtype == np.uint16 else 0
    )
    full = warp(one.mask, invert(one.mask_matrix), (220, 160)) >= 1
    assert full.sum() > 500
    assert np.ptp(result[full].astype(int), axis=0).max() <= 1


def test_the_edge_is_a_mix():
    image = np.full((160, 220, 3), 200, np.uint8)
    one = patch(color=(0, 0, 0))
    result, _ = paste(image, [one])
    mask = warp(one.mask, invert(one.mask_matrix), (220, 160)).clip(0, 1)
    np.testing.assert_allclose(result[..., 1], 200 * (1 - mask), atol=8)
    assert ((result > 20) & (result < 180)).any()


def test_a_picture_comes_back_to_where_it_was_cut_out(astronaut):
    matrix = similarity(220, 110, 0.9, 15, 160)
    crop = warp(astronaut, matrix, 160).astype(np.float32) / 255
    one = Patch(face=crop, matrix=matrix, mask=disc(160, 60), mask_matrix=matrix)
    result, _ = paste(astronaut, [one])
    inside = warp(one.mask, invert(matrix), 512) > 0.99
    difference = np.abs(result.astype(int) - astronaut)[inside]
    assert difference.mean() < 3
    shifted = np.abs(np.roll(result, 2, axis=1).astype(int) - astronaut)[inside]
    assert shifted.mean() > 2 * difference.mean()


def test_later_faces_lie_over_earlier_ones():
    image = noise(np.uint8)
    low, high = patch(color=(0, 0, 0)), patch(x=110, color=(1, 1, 1))
    assert (paste(image, [low, high])[0][80, 105] == 255).all()
    assert (paste(image, [high, low])[0][80, 105] == 0).all()
    both, box = paste(image, [low, patch(x=30, color=(1, 1, 1))])
    assert (both[80, 100] == 0).all()
    assert (both[80, 30] == 255).all()
    assert box[0] < 30 < 100 < box[2]


def test_a_face_outside_the_frame_or_without_mask_gives_the_picture_itself():
    image, empty = noise(np.uint8), patch()
    empty = Patch(face=empty.face, matrix=empty.matrix, mask=np.zeros_like(empty.mask), mask_matrix=empty.mask_matrix)
    for nothing in ([], [empty], [patch(x=-500)]):
        result, box = paste(image, nothing)
        assert result is image
        assert box is None


def test_large_faces_are_enlarged_smoothly_and_small_ones_averaged():
    image = np.zeros((400, 400, 3), np.uint8)
    board = np.indices((64, 64)).sum(axis=0) % 2 * np.ones((3, 1, 1))
    one = patch(x=200, y=200, scale=4.0, degrees=0, radius=90)
    small = Patch(
        face=np.ascontiguousarray(board.transpose(1, 2, 0), np.float32),
        matrix=one.matrix,
        mask=np.pad(np.ones((94, 94), np.float32), 1),
        mask_matrix=one.mask_matrix,
    )
    center = paste(image, [small])[0][196:204, 196:204]
    assert np.abs(center.astype(int) - 127).max() < 12
    where = transform(np.array([[32.0, 32.0]]), invert(one.matrix))
    np.testing.assert_allclose(where, [[200, 200]])
