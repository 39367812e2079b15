"""Crops, pose and outlines equal those recorded from DeepFaceLab."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fspp_core import geometry
from fspp_core.geometry.face_types import jaw_turn, unit_matrix

NAMES = {
    "HALF": "half",
    "MID_FULL": "midfull",
    "FULL": "full",
    "FULL_NO_ALIGN": "full-unaligned",
    "WHOLE_FACE": "whole",
    "HEAD": "head",
    "HEAD_NO_ALIGN": "head-unaligned",
}


@pytest.fixture(scope="module")
def recorded(golden: Callable[[str], Any]) -> dict[str, Any]:
    return dict(golden("dfl_align")[1])


def packed(masks: np.ndarray) -> np.ndarray:
    return np.unpackbits(masks).reshape(10, 256, 256)


@pytest.mark.parametrize("scale", [1.0, 1.15])
@pytest.mark.parametrize("peer", NAMES)
def test_crop_matrices(recorded: dict[str, Any], peer: str, scale: float) -> None:
    expected = recorded[f"mat_{peer}" + ("" if scale == 1.0 else f"_s{scale}")]
    ours = np.stack([geometry.crop_matrix(p, NAMES[peer], 256, scale=scale) for p in recorded["landmarks"]])
    # The peer rounds three points to float32 on its way, so shifts of a thousand pixels carry that much.
    np.testing.assert_allclose(ours[:, :, :2], expected[:, :, :2], atol=3e-6)
    np.testing.assert_allclose(ours[:, :, 2], expected[:, :, 2], atol=1e-3)


def test_crop_matrices_of_float32_landmarks(recorded: dict[str, Any]) -> None:
    landmarks = recorded["landmarks"].astype(np.float32)
    ours = np.stack([geometry.crop_matrix(p, "full", 256) for p in landmarks])
    np.testing.assert_allclose(ours, recorded["mat_FULL_f32"], atol=1e-3)


def test_fit_to_the_unit_square(recorded: dict[str, Any]) -> None:
    ours = np.stack([unit_matrix(p) for p in recorded["landmarks"]])
    np.testing.assert_allclose(ours, recorded["umeyama"][:, :2], atol=1e-6)  # the mean face has six digits


def test_aligned_points_there_and_back(recorded: dict[str, Any]) -> None:
    for points, aligned, back, matrix in zip(
        recorded["landmarks"],
        recorded["aligned_WHOLE_FACE"],
        recorded["aligned_back"],
        recorded["mat_WHOLE_FACE"],
        strict=True,
    ):
        np.testing.assert_allclose(geometry.transform(points, matrix), aligned, atol=1e-9)
        np.testing.assert_allclose(
            geometry.transform(points, geometry.crop_matrix(points, "whole", 256)), aligned, atol=5e-4
        )
        np.testing.assert_allclose(geometry.transform(aligned, geometry.invert(matrix)), back, atol=1e-9)


def test_box_of_the_unaligned_crop(recorded: dict[str, Any]) -> None:
    for points, rect in zip(recorded["landmarks"], recorded["rect"], strict=True):
        back = geometry.invert(geometry.crop_matrix(points, "full-unaligned", 256))
        corners = geometry.transform(np.array([[0.0, 0.0], [255.0, 255.0]]), back)
        np.testing.assert_allclose(corners.ravel(), rect, atol=2e-3)


def test_pose(recorded: dict[str, Any]) -> None:
    expected = np.degrees(recorded["pitch_yaw_roll"])
    for points, angles in zip(recorded["landmarks"], expected, strict=True):
        ours = geometry.deepfacelab_pose(points)
        np.testing.assert_allclose((ours.pitch, ours.yaw, ours.roll), angles, atol=1e-3)


def test_jaw_turn(recorded: dict[str, Any]) -> None:
    ours = [jaw_turn(points) for points in recorded["aligned_WHOLE_FACE"]]
    np.testing.assert_allclose(ours, recorded["averaged_yaw"], atol=1e-9)


@pytest.mark.parametrize(("key", "brows"), [("hull_mask_packed", 1.0), ("hull_mask_mod0.5_packed", 0.5)])
def test_hull_masks(recorded: dict[str, Any], key: str, brows: float) -> None:
    ours = [
        geometry.fill_polygons(geometry.face_hulls(p, brows=brows, rounding="deepfacelab"), 256, smooth=False) > 0
        for p in recorded["aligned_WHOLE_FACE"]
    ]
    np.testing.assert_array_equal(np.stack(ours), packed(recorded[key]))


def test_raised_brows(recorded: dict[str, Any]) -> None:
    ours = [np.trunc(geometry.raise_brows(p, rounding="deepfacelab")) for p in recorded["aligned_WHOLE_FACE"]]
    np.testing.assert_array_equal(np.stack(ours), recorded["expand_eyebrows"])


@pytest.mark.parametrize("part", ["eye", "mouth"])
def test_eye_and_mouth_masks(recorded: dict[str, Any], part: str) -> None:
    outline: Callable[[np.ndarray], list[np.ndarray]] = {
        "eye": lambda p: geometry.eye_hulls(p, rounding="deepfacelab"),
        "mouth": lambda p: geometry.mouth_hulls(p, inner=True, rounding="deepfacelab"),
    }[part]
    size = 256
    masks = [
        geometry.soften(
            (geometry.fill_polygons(outline(p), size, smooth=False) > 0).astype(np.float32), size // 32, size // 16
        )
        for p in recorded["aligned_WHOLE_FACE"]
    ]
    np.testing.assert_allclose(np.stack(masks).ravel()[::37], recorded[f"{part}_mask"], atol=1e-6)


def test_98_landmarks_become_68(recorded: dict[str, Any]) -> None:
    np.testing.assert_allclose(geometry.landmarks_68_from_98(recorded["lm98"]), recorded["lm98_to_68"], atol=1e-12)


def test_mirrored_landmarks(recorded: dict[str, Any]) -> None:
    np.testing.assert_array_equal(geometry.mirror(recorded["aligned_WHOLE_FACE"], 256), recorded["mirror"])
