"""Landmarks from heat maps: the peers' points at borders and ties, and DARK against known peaks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fspp_align_fan.heatmaps import decode, mirrored
from fspp_align_fan.windows import Windows


def with_peaks(maps):
    """Synthetic maps, with peaks in corners, on every edge, next to edges, and between equal neighbours."""
    peaks = [(0, 0), (63, 63), (0, 31), (31, 0), (63, 20), (20, 63), (1, 1), (62, 62), (30, 30)]
    for number, (row, column) in enumerate(peaks):
        maps[..., number, row, column] = 2
    maps[..., 8, 30, 29] = maps[..., 8, 30, 31] = 0.5
    return maps


def windows(centers, scales):
    return Windows(centers=np.array(centers, float), sides=200 * np.array(scales, float))


def test_points_equal_face_alignment(face_alignment):
    maps = with_peaks(face_alignment.made("synth"))
    points, scores = decode(maps)
    np.testing.assert_array_equal(points, face_alignment.arrays["synth_preds"])
    np.testing.assert_array_equal(scores, face_alignment.arrays["synth_scores"])


def test_points_in_the_picture_equal_face_alignment(face_alignment):
    """Which cuts off what is behind the point: ours, cut off, are its points."""
    facts = face_alignment.outputs["synth_preds_orig"]
    points, _ = decode(with_peaks(face_alignment.made("synth")))
    for number, (center, scale) in enumerate(zip(facts["centers"], facts["scales"], strict=True)):
        found = windows([center] * 2, [scale] * 2).to_picture(points)
        theirs = face_alignment.arrays["synth_preds_orig"][number]
        np.testing.assert_array_equal(np.trunc(found), theirs)


def test_points_equal_deepfacelab(deepfacelab):
    facts = deepfacelab.outputs["synth_pts"]
    points, _ = decode(with_peaks(deepfacelab.made("synth", facts["synth_rule"]))[None])
    for number, (center, scale) in enumerate(zip(facts["centers"], facts["scales"], strict=True)):
        found = windows([center], [scale]).to_picture(points)[0]
        np.testing.assert_allclose(found, deepfacelab.arrays["synth_pts"][number], atol=1e-4)


def test_mirrored_maps_equal_face_alignment(face_alignment, network):
    rgb = face_alignment.made("in0").transpose(0, 2, 3, 1)
    last = network.predict_on_batch(np.ascontiguousarray(rgb[..., ::-1]) * 255)[3]
    face_alignment.assert_maps("flip_label", mirrored(last))
    np.testing.assert_array_equal(mirrored(mirrored(last)), last)


def bell(x, y, sigma=1.0):
    rows, columns = np.mgrid[:64, :64] + 0.5
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2)).astype(np.float32)


@given(st.floats(6, 58), st.floats(6, 58), st.floats(0.8, 1.5), st.floats(0.05, 5))
def test_dark_finds_the_top_of_a_bell(x, y, sigma, height):
    maps = np.stack([bell(x, y, sigma), bell(y, x, sigma)])[None] * np.float32(height)
    points, _ = decode(maps, "dark")
    np.testing.assert_allclose(points, [[(x, y), (y, x)]], atol=0.03)
    rough, _ = decode(maps, "quarter")
    np.testing.assert_allclose(rough, [[(x, y), (y, x)]], atol=0.26)


@pytest.mark.parametrize("where", [(0, 0), (0, 30), (1, 62), (63, 63), (33, 1)])
def test_dark_takes_the_quarter_at_the_edge(where):
    maps = np.random.default_rng(0).random((1, 68, 64, 64)).astype(np.float32)
    maps[(..., *where)] = 2
    np.testing.assert_array_equal(decode(maps, "dark")[0], decode(maps, "quarter")[0])


def test_dark_stays_within_a_cell_whatever_the_maps():
    rng = np.random.default_rng(1)
    flat = np.zeros((1, 68, 64, 64), np.float32)
    for maps in (rng.standard_normal((3, 68, 64, 64)).astype(np.float32), flat, flat - 1, rng.random((1, 68, 64, 64))):
        points, _ = decode(maps.astype(np.float32), "dark")
        row, column = np.divmod(maps.reshape(*maps.shape[:2], -1).argmax(-1), 64)
        assert (np.abs(points - 0.5 - np.stack([column, row], -1)) <= 1).all()


def test_a_batch_is_read_as_its_maps_are():
    maps = np.random.default_rng(2).random((5, 68, 64, 64)).astype(np.float32)
    for decoder in ("quarter", "dark"):
        together = decode(maps, decoder)[0]
        np.testing.assert_array_equal(together, np.concatenate([decode(maps[n : n + 1], decoder)[0] for n in range(5)]))
    assert decode(maps[:0])[0].shape == (0, 68, 2)
