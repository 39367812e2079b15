"""Crops, pose and outlines equal those recorded from Faceswap."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from fspp_core import geometry
from fspp_core.geometry.faceswap import (
    CENTERINGS,
    center_offset,
    faceswap_unit_matrix,
    normalized_pose,
    padding_pixels,
)

PAIRS = [(256, 1.0), (512, 0.875), (128, 0.6875)]


@pytest.fixture(scope="module")
def facts(golden: Callable[[str], Any]) -> dict[str, Any]:
    return golden("fs_align")[0]


@pytest.fixture(scope="module")
def recorded(golden: Callable[[str], Any]) -> dict[str, Any]:
    return dict(golden("fs_align")[1])


@pytest.mark.parametrize(("size", "coverage"), PAIRS)
@pytest.mark.parametrize("name", CENTERINGS)
def test_crops(recorded: dict[str, Any], name: str, size: int, coverage: float) -> None:
    key = f"{name}_{size}_{coverage}"
    assert (recorded[f"padding_{key}"] == padding_pixels(name, size, coverage)).all()
    for index, points in enumerate(recorded["landmarks"]):
        matrix = geometry.crop_matrix(points, f"fs-{name}", size, scale=1.0 / coverage)
        np.testing.assert_array_equal(matrix, geometry.faceswap_matrix(points, name, size, coverage=coverage))
        expected = recorded[f"adjusted_matrix_{key}"][index]
        # The peer's tables and pose are float32; ours are the same numbers to six digits.
        np.testing.assert_allclose(matrix[:, :2], expected[:, :2], atol=2e-6)
        np.testing.assert_allclose(matrix[:, 2], expected[:, 2], atol=2e-3)
        moved = geometry.transform(points, matrix)
        np.testing.assert_allclose(moved, recorded[f"landmarks_{key}"][index], atol=1e-3)
        corners = geometry.crop_corners(matrix, size - 1)[[0, 3, 2, 1]]  # the peer's: corner pixels, counter-clockwise
        assert np.abs(corners - recorded[f"original_roi_{key}"][index]).max() <= 0.502
        enlarges = geometry.scale_of(matrix) >= 1.0
        flags = (cv2.INTER_CUBIC, cv2.INTER_AREA) if enlarges else (cv2.INTER_AREA, cv2.INTER_CUBIC)
        assert flags == tuple(recorded[f"interpolators_{key}"][index])


@pytest.mark.parametrize("name", CENTERINGS)
def test_fit_to_the_unit_square(recorded: dict[str, Any], name: str) -> None:
    for points, expected in zip(recorded["landmarks"], recorded[f"matrix_{name}_256_1.0"], strict=True):
        matrix = faceswap_unit_matrix(points)
        matrix[:, 2] -= center_offset(normalized_pose(points), name)
        np.testing.assert_allclose(matrix, expected, atol=2e-5)


def test_normalized_landmarks(recorded: dict[str, Any]) -> None:
    for points, expected in zip(recorded["landmarks"], recorded["normalized_landmarks"], strict=True):
        np.testing.assert_allclose(geometry.transform(points, faceswap_unit_matrix(points)), expected, atol=2e-6)


@pytest.mark.parametrize("prefix", ["pose", "batch3d"])
def test_pose_and_offsets(recorded: dict[str, Any], prefix: str) -> None:
    for index, points in enumerate(recorded["landmarks"]):
        pose = geometry.pose(points)
        expected = recorded[f"{prefix}_pitch_yaw_roll"][index]
        np.testing.assert_allclose((pose.pitch, pose.yaw, pose.roll), expected, atol=1e-3)
        for name in ("face", "head"):
            offset = center_offset(normalized_pose(points), name)
            np.testing.assert_allclose(offset, recorded[f"{prefix}_offset_{name}"][index], atol=1e-5)


def test_solved_pose(recorded: dict[str, Any]) -> None:
    axes = np.array([[6.0, 0.0, -2.3], [0.0, 6.0, -2.3], [0.0, 0.0, 3.7]])
    for index, points in enumerate(recorded["landmarks"]):
        pose = normalized_pose(points)
        rotation, translation = recorded["batch3d_rotation_translation"][:, index]
        np.testing.assert_allclose(pose.rotation, rotation, atol=1e-4)
        np.testing.assert_allclose(pose.translation, translation, atol=1e-3)
        seen = pose.project(axes) - center_offset(pose, "head")
        np.testing.assert_allclose(seen, recorded["pose_xyz_2d"][index], atol=1e-5)


def test_figures_that_filters_use(recorded: dict[str, Any]) -> None:
    distances = [geometry.mean_distance(points) for points in recorded["landmarks"]]
    np.testing.assert_allclose(distances, recorded["average_distance"], atol=1e-6)
    heights = [geometry.mouth_below_eyes(points) for points in recorded["landmarks"]]
    np.testing.assert_allclose(heights, recorded["relative_eye_mouth_position"], atol=1e-6)


OUTLINES: dict[str, Callable[[np.ndarray], list[np.ndarray]]] = {
    "eye": lambda p: geometry.eye_hulls(p, rounding="faceswap"),
    "mouth": lambda p: geometry.mouth_hulls(p, rounding="faceswap"),
    "face": lambda p: geometry.face_hulls(p, rounding="faceswap"),
    "face_extended": lambda p: geometry.face_hulls(p, brows=1.0, rounding="faceswap"),
}


@pytest.mark.parametrize("part", OUTLINES)
def test_landmark_masks(recorded: dict[str, Any], part: str) -> None:
    masks = np.stack(
        [geometry.fill_polygons(OUTLINES[part](p), 256) for p in recorded["landmarks_face_256_1.0"]],
    )
    expected = np.unpackbits(recorded[f"lmmask_{part}_packed"]).reshape(masks.shape)
    np.testing.assert_array_equal(masks > 0, expected)
    for mask, soft in zip(masks, recorded[f"lmmask_{part}_dil3.125_blur9"], strict=False):
        np.testing.assert_array_equal(geometry.soften(mask, 8, 9), soft)


def test_sub_crops(facts: dict[str, Any]) -> None:
    for case in facts["sub_crop"]:
        size = geometry.sub_crop_size(case["src"], case["dst"], case["size"], case["cov"])
        assert size == case["crop"], case


@pytest.mark.parametrize("name", CENTERINGS)
def test_extracted_faces(facts: dict[str, Any], recorded: dict[str, Any], name: str) -> None:
    frame = cv2.resize(recorded["frame_small"], (900, 900), interpolation=cv2.INTER_CUBIC)
    if zlib.crc32(frame.tobytes()) != facts["outputs"]["frame_small"]["frame_crc32"]:
        np.testing.assert_allclose(frame.mean(), recorded["frame_small"].mean(), atol=1)
    for points, expected in zip(recorded["landmarks"], recorded[f"face_{name}_64"], strict=False):
        face = geometry.warp(frame, geometry.crop_matrix(points, f"fs-{name}", 64), 64, interpolation="linear")
        off = np.abs(face.astype(int) - expected)
        assert off.mean() < 0.1
        assert off.max() <= 4
