"""Five keypoints become 68 landmarks: nearer to the truth than the flat mean face, and never wild."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fspp_core import geometry
from fspp_core.errors import ShapeError
from fspp_core.geometry.fitting import turned
from fspp_core.geometry.landmarks import MIRROR_68

noise = hnp.arrays(np.float64, (5, 2), elements=st.floats(-1, 1))


def off(landmarks: np.ndarray, truth: np.ndarray) -> float:
    """Mean distance in parts of the face's height."""
    return float(np.linalg.norm(landmarks - truth, axis=1).mean() / np.ptp(truth[:, 1]))


def flat(keypoints: np.ndarray) -> np.ndarray:
    own = geometry.keypoints_of(geometry.MEAN_FACE_68)
    return geometry.transform(geometry.MEAN_FACE_68, geometry.similarity(own, keypoints))


def test_recorded_heads_are_fitted_better_than_by_the_flat_face(golden: Callable[[str], Any]) -> None:
    facts, arrays = golden("dfl_align")
    for (yaw, pitch, _roll), truth in zip(facts["cases"], arrays["landmarks"], strict=True):
        keypoints = geometry.keypoints_of(truth)
        ours, plain = off(geometry.fit_keypoints(keypoints), truth), off(flat(keypoints), truth)
        assert ours < 0.03
        if abs(yaw) >= 25 or abs(pitch) >= 20:
            assert ours < 0.55 * plain


@pytest.mark.parametrize("yaw", [-60.0, -30.0, 0.0, 30.0, 60.0])
@pytest.mark.parametrize("pitch", [-15.0, 0.0, 15.0])
def test_turned_mean_heads_are_found(yaw: float, pitch: float) -> None:
    truth = turned(yaw, pitch) * 200 + (300, 150)
    assert off(geometry.fit_keypoints(geometry.keypoints_of(truth)), truth) < 0.02


def test_the_mean_face_is_itself() -> None:
    truth = geometry.MEAN_FACE_68 * 100 + 50
    fitted = geometry.fit_keypoints(geometry.keypoints_of(truth))
    assert fitted.dtype == np.float32
    np.testing.assert_allclose(fitted, truth, atol=0.2)


def test_the_mean_head_is_symmetric() -> None:
    mirrored = geometry.MEAN_HEAD_68[MIRROR_68] * (-1, 1, 1) + (1, 0, 0)
    np.testing.assert_allclose(mirrored, geometry.MEAN_HEAD_68, atol=1e-12)
    assert sorted(MIRROR_68.tolist()) == list(range(68))
    assert turned(20.0, 0.0)[30, 0] > geometry.MEAN_FACE_68[30, 0]  # the nose goes right
    assert turned(0.0, 20.0)[30, 1] - turned(0.0, 20.0)[27, 1] > np.diff(geometry.MEAN_FACE_68[[27, 30], 1])[0]


@settings(deadline=None)
@given(
    noise,
    st.floats(-50, 50),
    st.floats(-np.pi, np.pi),
    st.floats(0.1, 10),
    st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
)
def test_fits_follow_the_keypoints(
    jitter: np.ndarray, yaw: float, angle: float, scale: float, shift: tuple[float, float]
) -> None:
    keypoints = geometry.keypoints_of(turned(yaw, 0.0)) * 100 + jitter * 2
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    motion = np.array([[cosine, -sine, shift[0]], [sine, cosine, shift[1]]])
    first = geometry.transform(geometry.fit_keypoints(keypoints), motion)
    then = geometry.fit_keypoints(geometry.transform(keypoints, motion))
    np.testing.assert_allclose(then, first, atol=0.02 * 100 * scale)  # two equally good turns may lie a grid step apart


@settings(deadline=None)
@given(hnp.arrays(np.float64, (5, 2), elements=st.floats(-1000, 1000)))
def test_wild_keypoints_give_a_face_near_them_or_an_error(keypoints: np.ndarray) -> None:
    spread = np.linalg.norm(keypoints - keypoints.mean(axis=0))
    try:
        fitted = geometry.fit_keypoints(keypoints)
    except ShapeError:
        assert spread < 0.01
        return
    assert np.isfinite(fitted).all()
    assert np.linalg.norm(fitted - keypoints.mean(axis=0), axis=1).max() < 4 * spread + 0.01


def test_keypoints_that_are_no_face_are_refused() -> None:
    with pytest.raises(ShapeError, match="one place"):
        geometry.fit_keypoints(np.full((5, 2), 7.0))
    with pytest.raises(ShapeError, match=r"keypoints must be \(5, 2\)"):
        geometry.fit_keypoints(np.ones((4, 2)))
    with pytest.raises(ShapeError, match="keypoints must be finite"):
        geometry.fit_keypoints(np.full((5, 2), np.inf))


def test_many_faces_are_fitted_as_each_alone() -> None:
    rng = np.random.default_rng(0)
    angles = rng.uniform(-60, 60, 12)
    keypoints = np.stack([geometry.keypoints_of(turned(yaw, yaw / 3)) for yaw in angles]) + rng.normal(
        0, 0.03, (12, 5, 2)
    )
    keypoints = keypoints * rng.uniform(5, 500, (12, 1, 1)) + rng.uniform(-99, 999, (12, 1, 2))
    together = geometry.fit_keypoints(keypoints.reshape(3, 4, 5, 2))
    assert (together.shape, together.dtype) == ((3, 4, 68, 2), np.float32)
    alone = np.stack([geometry.fit_keypoints(points) for points in keypoints])
    np.testing.assert_allclose(together.reshape(12, 68, 2), alone, atol=1e-3)
    np.testing.assert_allclose(geometry.keypoints_of(together[1]), [geometry.keypoints_of(f) for f in together[1]])
    assert geometry.fit_keypoints(keypoints[:0]).shape == (0, 68, 2)
    keypoints[7] = 3.0
    with pytest.raises(ShapeError, match=r"one place; received \[\[3.0, 3.0\]"):
        geometry.fit_keypoints(keypoints)
    keypoints[7, 2, 1] = np.nan
    with pytest.raises(ShapeError, match=r"finite; received \[3.0, nan\] in row 2"):
        geometry.fit_keypoints(keypoints)
    with pytest.raises(ShapeError, match=r"must be \(5, 2\)"):
        geometry.fit_keypoints(keypoints[:, :4])
