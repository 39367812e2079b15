"""The masker from crops to masks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fspp_core.backend import Capability
from fspp_core.errors import ConfigError, ShapeError
from fspp_core.options import parse_options
from fspp_mask_xseg.masker import XSegMasker
from fspp_mask_xseg.options import XSegOptions

LANDMARKS = np.zeros((8, 68, 2), np.float32)


def crops(size=256):
    """Grey, with a red square in the upper left and a faint one in the lower right quarter."""
    picture = np.full((1, size, size, 3), 90, np.uint8)
    half, eighth = size // 2, size // 8
    picture[:, eighth : half - eighth, eighth : half - eighth] = 20, 60, 240
    picture[:, half + eighth : -eighth, half + eighth : -eighth] = 90, 90, 127  # logit -1.3
    return picture


def test_masks_equal_deepfacelabs_extract(deepfacelab, peer_file, monkeypatch):
    """Its input is not made of whole numbers: the masker's own is put in its place."""
    masker = XSegMasker(XSegOptions(), peer_file)
    network = masker._network
    for name in ("in0", "in1"):
        monkeypatch.setattr(masker, "_network", lambda _, name=name: network(deepfacelab.given(name)))
        mask = masker.mask(crops(), LANDMARKS[:1])
        assert deepfacelab.error(f"{name}_extract", mask[..., None]) < 1e-4


@pytest.mark.parametrize("options", [{"floor": 0.0}, {}, {"floor": 0.5}, {"threshold": 0.15}, {"threshold": 0.5}])
def test_floor_and_threshold(skin_file, options):
    mask = XSegMasker(XSegOptions(**options), skin_file).mask(crops(), LANDMARKS[:1])[0]
    sure, faint, outside = mask[64, 64], mask[192, 192], mask[64, 192]
    logit = 60 * 37 / 255 - 10
    probable = 1 / (1 + np.exp(-logit))
    if "threshold" in options:
        assert set(np.unique(mask)) <= {0, 1}
        assert (sure, faint, outside) == (1, float(options["threshold"] < probable), 0)
    else:
        assert sure > 0.99
        assert faint == pytest.approx(0 if options.get("floor") == 0.5 else probable, abs=0.01)
        assert (outside == 0) == (options.get("floor") != 0.0)


@pytest.mark.parametrize("size", [64, 200, 512])
def test_masks_of_any_size_show_the_same(skin_file, size):
    mask = XSegMasker(XSegOptions(size=size), skin_file).mask(crops(size), LANDMARKS[:1])[0]
    assert mask.shape == (size, size)
    assert mask.dtype == np.float32
    assert (mask.min(), mask.max()) >= (0, 0.99)
    rows, columns = np.nonzero(mask > 0.5)
    np.testing.assert_allclose([rows.mean() + 0.5, columns.mean() + 0.5], size / 4, atol=size / 100)


def test_batches_have_few_sizes(skin_file):
    masker = XSegMasker(XSegOptions(batch_size=4), skin_file)
    pictures = np.concatenate([crops()] * 7)
    pictures[3] = 90
    masks = masker.mask(pictures, LANDMARKS[:7])
    assert [shape[0] for shape in masker._network.compiled_shapes] == [4, 2, 1]
    assert [bool(mask.any()) for mask in masks] == [True] * 3 + [False] + [True] * 3
    assert masker.mask(pictures[:0], LANDMARKS[:0]).shape == (0, 256, 256)


@pytest.mark.parametrize(("engine", "precision"), [("keras", "bf16"), ("openvino", "f32")])
def test_engines_and_precisions_make_the_same_masks(deepfacelab, peer_file, tmp_path, monkeypatch, engine, precision):
    if engine == "openvino":
        pytest.importorskip("openvino")
    monkeypatch.setenv("FSPP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("fspp_core.backend.cpu_has_bfloat16", lambda: Capability(True, "for this test"))
    picture = np.rint(deepfacelab.given("in1") * 255).astype(np.uint8)
    options = XSegOptions(floor=0.0)
    plain = XSegMasker(options, peer_file).mask(picture, LANDMARKS[:1])
    other = XSegMasker(replace(options, engine=engine, precision=precision), peer_file).mask(picture, LANDMARKS[:1])
    difference = np.abs(plain - other)
    assert difference.mean() < (0.05 if precision == "bf16" else 1e-5)
    assert (difference.max() > 1e-3) == (precision == "bf16"), "the precision is wired"


def test_the_crop_is_the_one_the_weights_were_trained_on(skin_file):
    assert XSegMasker(XSegOptions(), skin_file).face_type == "whole"
    assert XSegMasker(XSegOptions(face_type="head"), skin_file).face_type == "head"
    with pytest.raises(ConfigError, match="'fs-face' is not one of"):
        parse_options(XSegOptions, {"face_type": "fs-face"})


def test_other_crops_are_refused(skin_file):
    masker = XSegMasker(XSegOptions(), skin_file)
    for wrong in (crops(96), crops().astype(np.float32), crops()[0]):
        with pytest.raises(ShapeError, match=r"crops must be \(n, 256, 256, 3\) uint8"):
            masker.mask(wrong, LANDMARKS[:1])
