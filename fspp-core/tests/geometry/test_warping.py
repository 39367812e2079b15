"""Warps put pixels where the matrix says, keep dtypes, and do not alias when they shrink."""

from __future__ import annotations

import numpy as np
import pytest

from fspp_core import geometry
from fspp_core.errors import ShapeError


def scaling(scale: float, shift: float = 0.0) -> np.ndarray:
    return np.array([[scale, 0.0, shift], [0.0, scale, shift]])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 1), (20, 30, 3), (20, 30, 4)])
@pytest.mark.parametrize("interpolation", ["auto", "nearest", "linear", "cubic", "lanczos", "area"])
def test_identity_keeps_pixels_shape_and_dtype(dtype: type, shape: tuple[int, ...], interpolation: str) -> None:
    image = (np.random.default_rng(0).random(shape) * 200).astype(dtype)
    before = image.copy()
    same = geometry.warp(image, scaling(1.0), (30, 20), interpolation=interpolation)  # type: ignore[arg-type]
    assert same.dtype == dtype
    assert same.shape == shape
    np.testing.assert_allclose(same, before, atol=1e-3)
    np.testing.assert_array_equal(image, before)
    half = geometry.warp(image, scaling(0.4), (12, 8), interpolation=interpolation)  # type: ignore[arg-type]
    assert half.dtype == dtype
    assert half.shape == (8, 12, *shape[2:])


def test_shrinking_averages_instead_of_picking() -> None:
    stripes = np.zeros((256, 256), np.uint8)
    stripes[:, ::2] = 255  # every second column white: grey from afar
    matrix = np.array([[0.125, 0.0, -0.4375], [0.0, 0.125, -0.4375]])  # pixel blocks of eight onto pixels
    small = geometry.warp(stripes, matrix, 32)
    assert np.abs(small.astype(int) - 128).max() <= 1
    naive = geometry.warp(stripes, matrix, 32, interpolation="nearest")
    assert np.abs(naive.astype(int) - 128).min() > 100


def test_shrinking_by_whole_blocks_is_their_mean() -> None:
    image = np.random.default_rng(1).random((64, 64, 3)).astype(np.float32)
    shrunk = geometry.warp(image, np.array([[0.25, 0.0, -0.375], [0.0, 0.25, -0.375]]), 16)
    blocks = image.reshape(16, 4, 16, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(shrunk, blocks, atol=1e-5)


def test_a_shifted_picture_is_resampled_where_it_should() -> None:
    ramp = np.tile(np.arange(100, dtype=np.float32), (100, 1))
    for scale in (0.2, 0.5, 1.0, 3.0):
        moved = geometry.warp(ramp, scaling(scale, 2.0), 12, interpolation="area" if scale < 1 else "linear")
        inside = slice(3, 11)
        expected = (np.arange(12) - 2.0) / scale
        np.testing.assert_allclose(moved[5, inside], expected[inside], atol=0.05)


def test_borders() -> None:
    image = np.full((8, 8, 3), 100, np.uint8)
    away = scaling(1.0, 4.0)
    assert geometry.warp(image, away, 8)[0, 0].tolist() == [0, 0, 0]
    assert geometry.warp(image, away, 8, border=7)[0, 0].tolist() == [7, 7, 7]
    assert (geometry.warp(image, away, 8, border="replicate") == 100).all()
    assert (geometry.warp(image, away, 8, border="reflect") == 100).all()


def test_huge_reductions_stay_within_memory() -> None:
    image = np.full((64, 64), 50, np.uint8)
    dot = geometry.warp(image, scaling(1e-4, 128.0), 256)
    assert dot.shape == (256, 256)
    assert geometry.warp(image, scaling(0.001), 1, border="replicate")[0, 0] == 50


def test_what_is_no_picture_is_refused() -> None:
    good = np.zeros((4, 4), np.uint8)
    for bad in (
        np.zeros((0, 4), np.uint8),
        np.zeros((4, 4), np.int64),
        np.zeros((4, 4, 5), np.uint8),
        np.zeros(4, np.uint8),
    ):
        with pytest.raises(ShapeError, match="a picture must be"):
            geometry.warp(bad, scaling(1.0), 4)
    with pytest.raises(ShapeError, match="positive size"):
        geometry.warp(good, scaling(1.0), (0, 4))
    with pytest.raises(ShapeError, match="matrix"):
        geometry.warp(good, np.eye(3), 4)
