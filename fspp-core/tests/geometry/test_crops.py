"""Crops move with the face, show it at the asked scale, and refuse what is no face."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fspp_core import geometry
from fspp_core.errors import ShapeError


@pytest.fixture(scope="module")
def heads(golden: Callable[[str], Any]) -> np.ndarray:
    return np.asarray(golden("dfl_align")[1]["landmarks"])


def moved_by(angle: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[cosine, -sine, shift[0]], [sine, cosine, shift[1]]])


def close(ours: np.ndarray, expected: np.ndarray, size: int) -> None:
    """Both matrices put the corners of a wide frame at the same crop pixels, to a thousandth of the crop."""
    corners = geometry.crop_corners(expected, size)
    np.testing.assert_allclose(
        geometry.transform(corners, ours), geometry.transform(corners, expected), atol=size * 1e-3
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    head=st.integers(0, 9),
    face_type=st.sampled_from(geometry.FACE_TYPES),
    size=st.sampled_from([64, 256, 513]),
    angle=st.floats(-np.pi, np.pi),
    scale=st.floats(0.05, 20),
    shift=st.tuples(st.floats(-3000, 3000), st.floats(-3000, 3000)),
)
def test_crops_follow_the_face(
    heads: np.ndarray,
    head: int,
    face_type: str,
    size: int,
    angle: float,
    scale: float,
    shift: tuple[float, float],
) -> None:
    points = heads[head]
    if face_type.endswith("unaligned"):
        angle = 0.0  # these keep the frame's axes
    motion = moved_by(angle, scale, shift)
    before = geometry.crop_matrix(points, face_type, size)
    after = geometry.crop_matrix(geometry.transform(points, motion), face_type, size)
    close(geometry.compose(after, motion), before, size)


@pytest.mark.parametrize("face_type", geometry.FACE_TYPES)
def test_the_face_is_upright_and_inside(heads: np.ndarray, face_type: str) -> None:
    inside = geometry.transform(heads[0], geometry.crop_matrix(heads[0], face_type, 256))[27:]  # "half" cuts the brows
    assert inside.min() > 0
    assert inside.max() < 256
    matrix = geometry.crop_matrix(heads[5], face_type, 256)  # rolled by 25 degrees
    tilt = np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))
    assert abs(tilt) == pytest.approx(0.0 if face_type.endswith("unaligned") else 25.0, abs=2.0)
    np.testing.assert_allclose([matrix[0, 0], matrix[0, 1]], [matrix[1, 1], -matrix[1, 0]], atol=1e-12)  # a similarity


def test_wider_types_show_more(heads: np.ndarray) -> None:
    scales = [
        geometry.scale_of(geometry.crop_matrix(heads[0], name, 256))
        for name in ("half", "midfull", "full", "whole", "head")
    ]
    assert scales == sorted(scales, reverse=True)


@pytest.mark.parametrize("face_type", geometry.FACE_TYPES)
def test_scale_enlarges_and_size_resizes(heads: np.ndarray, face_type: str) -> None:
    plain = geometry.crop_matrix(heads[2], face_type, 256)
    larger = geometry.crop_matrix(heads[2], face_type, 256, scale=1.25)
    assert geometry.scale_of(larger) / geometry.scale_of(plain) == pytest.approx(1.25, rel=0.02)
    double = geometry.crop_matrix(heads[2], face_type, 512)
    close(double, plain * 2, 512)


def test_corners_are_where_the_crop_comes_from(heads: np.ndarray) -> None:
    matrix = geometry.crop_matrix(heads[0], "whole", 256)
    corners = geometry.crop_corners(matrix, 256)
    np.testing.assert_allclose(geometry.transform(corners, matrix), [[0, 0], [256, 0], [256, 256], [0, 256]], atol=1e-9)


def test_yaw_and_pitch_have_a_sign(heads: np.ndarray) -> None:
    left, right = geometry.pose(heads[1]), geometry.pose(heads[2])
    assert left.yaw > 20
    assert right.yaw < -20
    up, down = geometry.pose(heads[4]), geometry.pose(heads[3])
    assert up.pitch < geometry.pose(heads[0]).pitch < down.pitch


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"face_type": "nose"}, "half, midfull, full.*received 'nose'"),
        ({"size": 0}, "positive size"),
        ({"scale": float("nan")}, "positive size and scale"),
        ({"scale": -1.0}, "positive size and scale"),
        ({"landmarks": np.zeros((51, 2))}, r"landmarks must be \(68, 2\).*\(51, 2\)"),
        ({"landmarks": np.full((68, 2), np.nan)}, "landmarks must be finite"),
        ({"landmarks": np.ones((68, 2))}, "at one place"),
    ],
)
def test_what_is_no_face_is_refused(heads: np.ndarray, change: dict[str, Any], message: str) -> None:
    asked: dict[str, Any] = {"landmarks": heads[0], "face_type": "full", "size": 256, "scale": 1.0} | change
    with pytest.raises(ShapeError, match=message):
        geometry.crop_matrix(asked["landmarks"], asked["face_type"], asked["size"], scale=asked["scale"])
    if "landmarks" in change:
        with pytest.raises(ShapeError):
            geometry.crop_matrix(asked["landmarks"], "fs-head", 256)
