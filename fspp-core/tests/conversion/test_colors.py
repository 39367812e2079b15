"""Colour transfers: the peers' numbers, and what must hold for any picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fspp_core.conversion.color_options import RCTOptions
from fspp_core.conversion.colors import RCT, Mean, NoTransfer, reinhard
from fspp_core.errors import ShapeError

TRANSFERS = {"none": NoTransfer(), "mean": Mean(), "rct": RCT(), "rct-zero": RCT(RCTOptions(zero_outside=True))}
PEERS = RCT(RCTOptions(zero_outside=True))


def _batch(*images):
    return np.stack([image if image.shape[-1] == 3 else image[..., 0] for image in images])


def _random(seed, n=2, h=20, w=16):
    rng = np.random.default_rng(seed)
    low, high = np.sort(rng.random((2, n, 1, 1, 3)), axis=0)
    return (low + (high - low) * rng.random((n, h, w, 3))).astype(np.float32)


def _ellipse(n=2, h=20, w=16):
    y, x = np.mgrid[:h, :w]
    inside = ((x - w / 2) / (w / 3)) ** 2 + ((y - h / 2) / (h / 3)) ** 2 <= 1
    return np.repeat(inside[None].astype(np.float32), n, axis=0)


def test_rct_without_mask_equals_deepfacelab(golden):
    _, z = golden("dfl_color")
    ones = np.ones((1, 64, 48), np.float32)
    for transfer in (RCT(), PEERS):
        np.testing.assert_allclose(transfer.transfer(_batch(z["src"]), _batch(z["trg"]), ones)[0], z["rct"], atol=5e-6)


def test_rct_with_two_masks_equals_deepfacelab(golden):
    _, z = golden("dfl_color")
    result = reinhard(
        _batch(z["src"]), _batch(z["trg"]), _batch(z["mask_src"]), _batch(z["mask_trg"]), zero_outside=True
    )
    np.testing.assert_allclose(result[0], z["rct_masked"], atol=5e-6)


@pytest.mark.parametrize("kind", ["ones", "mask"])
def test_rct_and_mean_equal_faceswap(golden, kind):
    _, z = golden("fork_color")
    mask = np.ones((1, 64, 48), np.float32) if kind == "ones" else _batch(z["mask"])
    src, trg = _batch(z["src"]), _batch(z["trg"])
    np.testing.assert_allclose(PEERS.transfer(src, trg, mask)[0], z[f"rct_{kind}"], atol=5e-6)
    np.testing.assert_allclose(Mean().transfer(src, trg, mask)[0], z[f"avg_color_{kind}"].clip(0, 1), atol=1e-6)


def test_a_batch_is_its_pictures_one_by_one(golden):
    _, z = golden("fork_color")
    faces, references = _batch(z["src"], z["trg"]), _batch(z["trg"], z["src"])
    masks = _batch(z["mask"], z["mask2"])
    for name, transfer in TRANSFERS.items():
        together = transfer.transfer(faces, references, masks)
        apart = [transfer.transfer(faces[i : i + 1], references[i : i + 1], masks[i : i + 1])[0] for i in range(2)]
        np.testing.assert_array_equal(together, apart, err_msg=name)


@pytest.mark.parametrize("name", TRANSFERS)
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_any_picture(name, seed):
    faces, references, masks = _random(seed), _random(seed + 1), _ellipse()
    kept = faces.copy(), references.copy(), masks.copy()
    result = TRANSFERS[name].transfer(faces, references, masks)
    assert result.shape == faces.shape
    assert result.dtype == np.float32
    assert np.isfinite(result).all()
    assert result.min() >= 0
    assert result.max() <= 1
    for before, after in zip(kept, (faces, references, masks), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("name", ["mean", "rct", "rct-zero"])
def test_a_face_that_has_the_colours_already_stays(name):
    faces = _random(3)
    # OpenCV's way to Lab and back is good to half a level of 255.
    np.testing.assert_allclose(TRANSFERS[name].transfer(faces, faces, _ellipse()), faces, atol=3e-3)


@pytest.mark.parametrize("name", ["mean", "rct"])
def test_pixels_outside_the_mask_do_not_count(name):
    faces, references, masks = 0.3 + 0.3 * _random(1), 0.3 + 0.3 * _random(2), _ellipse()
    other = np.where(masks[..., None] > 0, references, 1 - references)
    transfer = TRANSFERS[name].transfer
    np.testing.assert_allclose(transfer(faces, references, masks), transfer(faces, other, masks), atol=1e-6)


def test_the_statistics_become_those_of_the_reference():
    faces, references, masks = 0.4 + 0.2 * _random(5), 0.5 + 0.1 * _random(6), _ellipse()
    inside = masks > 0
    moved = Mean().transfer(faces, references, masks)
    np.testing.assert_allclose(moved[inside].mean(axis=0), references[inside].mean(axis=0), atol=1e-5)
    one, other = (
        cv2.cvtColor(image[0], cv2.COLOR_BGR2Lab)[inside[0]]
        for image in (RCT().transfer(faces, references, masks), references)
    )
    np.testing.assert_allclose(one.mean(axis=0), other.mean(axis=0), atol=0.25)
    np.testing.assert_allclose(one.std(axis=0), other.std(axis=0), atol=0.25)


@pytest.mark.parametrize("name", TRANSFERS)
def test_an_empty_mask_changes_nothing_and_a_flat_face_is_no_trouble(name):
    faces, references, masks = _random(7), _random(8), _ellipse()
    masks[0] = 0
    faces[1] = 0.25
    result = TRANSFERS[name].transfer(faces, references, masks)
    np.testing.assert_array_equal(result[0], faces[0])
    assert np.isfinite(result[1]).all()
    assert np.ptp(result[1], axis=(0, 1)).max() < 1e-3


def test_wrong_shapes_are_named():
    faces, masks = _random(1), _ellipse()
    with pytest.raises(ShapeError, match=r"\(2, 20, 16, 3\).*\(2, 20, 15, 3\)"):
        RCT().transfer(faces, faces[:, :, :15], masks)
    with pytest.raises(ShapeError, match=r"\(20, 16, 3\)"):
        Mean().transfer(faces[0], faces[0], masks[0])
