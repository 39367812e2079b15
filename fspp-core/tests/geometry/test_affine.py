"""Fits recover what was applied, inverses undo, and bad points are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fspp_core import geometry
from fspp_core.errors import ShapeError
from fspp_core.geometry.affine import transform_each, untransform_each

angles = st.floats(-np.pi, np.pi)
scales = st.floats(0.01, 100.0)
shifts = st.tuples(st.floats(-5000, 5000), st.floats(-5000, 5000))
clouds = hnp.arrays(np.float64, st.tuples(st.integers(2, 40), st.just(2)), elements=st.floats(-1000, 1000)).filter(
    lambda points: np.ptp(points, axis=0).max() > 0.1
)


def made(angle: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[cosine, -sine, shift[0]], [sine, cosine, shift[1]]])


@given(clouds, angles, scales, shifts)
def test_a_similarity_is_recovered(points: np.ndarray, angle: float, scale: float, shift: tuple[float, float]) -> None:
    applied = made(angle, scale, shift)
    found = geometry.similarity(points, geometry.transform(points, applied))
    size = 1 + np.abs(points).max() * scale + np.abs(shift).max()
    np.testing.assert_allclose(geometry.transform(points, found), geometry.transform(points, applied), atol=1e-9 * size)
    assert geometry.scale_of(found) == pytest.approx(scale, rel=1e-6)


@given(clouds, clouds)
def test_no_other_similarity_fits_better(source: np.ndarray, target: np.ndarray) -> None:
    count = min(len(source), len(target))
    source, target = source[:count], target[:count]
    if np.ptp(source, axis=0).max() <= 0.1:
        return
    best = geometry.similarity(source, target)

    def error(matrix: np.ndarray) -> float:
        return float(((geometry.transform(source, matrix) - target) ** 2).sum())

    for nudge in (made(0.01, 1, (0, 0)), made(0, 1.01, (0, 0)), made(0, 1, (0.1, 0)), made(0, 1, (0, -0.1))):
        assert error(best) <= error(geometry.compose(nudge, best)) * (1 + 1e-9) + 1e-6
    assert np.linalg.det(best[:, :2]) >= 0  # never a reflection


@given(angles, scales, shifts, clouds)
def test_an_inverse_undoes(angle: float, scale: float, shift: tuple[float, float], points: np.ndarray) -> None:
    matrix = made(angle, scale, shift)
    back = geometry.transform(geometry.transform(points, matrix), geometry.invert(matrix))
    size = 1 + np.abs(points).max() + np.abs(shift).max() / scale
    np.testing.assert_allclose(back, points, atol=1e-9 * size)
    np.testing.assert_allclose(
        geometry.compose(geometry.invert(matrix), matrix), np.eye(3)[:2], atol=1e-9 * (1 + np.abs(shift).max() / scale)
    )


@given(angles, scales, shifts, angles, scales, shifts)
def test_composition_is_one_after_the_other(
    a: float, b: float, c: tuple[float, float], d: float, e: float, f: tuple[float, float]
) -> None:
    inner, outer = made(a, b, c), made(d, e, f)
    points = np.array([[0.0, 0.0], [1.0, 0.0], [3.0, -2.0]])
    twice = geometry.transform(geometry.transform(points, inner), outer)
    np.testing.assert_allclose(geometry.transform(points, geometry.compose(outer, inner)), twice, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize(("kind", "kept"), [(np.float32, np.float32), (np.float64, np.float64), (np.int32, np.float64)])
def test_points_keep_their_dtype(kind: type, kept: type) -> None:
    points = np.ones((2, 5, 2), kind)
    moved = geometry.transform(points, made(0, 2, (1, 1)))
    assert moved.dtype == kept
    assert moved.shape == points.shape
    assert (moved == 3).all()


def test_bad_points_and_matrices_are_named() -> None:
    square = np.array([[0.0, 0.0], [1.0, 1.0]])
    with pytest.raises(ShapeError, match="at one place"):
        geometry.similarity(np.ones((4, 2)), np.ones((4, 2)))
    with pytest.raises(ShapeError, match=r"source must be \(n, 2\).*\(2, 3\)"):
        geometry.similarity(np.ones((2, 3)), square)
    with pytest.raises(ShapeError, match=r"target must be finite; received \[1.0, nan\] in row 1"):
        geometry.similarity(square, np.array([[0, 0], [1, np.nan]]))
    with pytest.raises(ShapeError, match="as many points"):
        geometry.similarity(square, np.ones((3, 2)))
    with pytest.raises(ShapeError, match="without area"):
        geometry.invert(np.zeros((2, 3)))
    with pytest.raises(ShapeError, match="finite"):
        geometry.invert(np.full((2, 3), np.inf))


def test_each_matrix_moves_its_own_points():
    rng = np.random.default_rng(5)
    points, matrices = rng.uniform(-9, 9, (4, 68, 2)), rng.uniform(-2, 2, (4, 2, 3))
    moved = transform_each(points, matrices)
    np.testing.assert_allclose(moved, [geometry.transform(p, m) for p, m in zip(points, matrices, strict=True)])
    np.testing.assert_allclose(untransform_each(moved, matrices), points, atol=1e-9)
    assert transform_each(points.astype(np.float32), matrices).dtype == np.float32
    assert untransform_each(points[:0].astype(np.float32), matrices[:0]).shape == (0, 68, 2)
