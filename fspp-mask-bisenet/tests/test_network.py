"""The network equals its peers' own, at every head and both sizes."""

from __future__ import annotations

import numpy as np
import pytest

from fspp_mask_bisenet.network import CELL, Stretch, _Wiring, bisenet, labels, share

HEADS = ("conv_out", "conv_out16", "conv_out32")
CASES = [
    *(("zll_bisenet", "in256"), ("zll_bisenet", "in512")),
    *(("fs_bisenet_original", "in256"), ("fs_bisenet_original", "in512")),
    ("fs_bisenet_faceswap", "in256"),
]


@pytest.mark.parametrize(("name", "given"), CASES)
def test_logits_equal_the_peers(peer, name, given):
    theirs, seen = peer(name), peer(name).seen(given)
    side = seen.shape[1]
    maps = bisenet(theirs.tensors, theirs.scheme, side, HEADS).predict_on_batch(seen)
    stretched = [np.asarray(Stretch(each.shape[1], side, side)(each)) for each in maps]
    for head, logits in zip(HEADS, stretched, strict=True):
        key = f"{given}_{head.removeprefix('conv_')}"
        assert list(logits.shape) == theirs.outputs[key]["shape"]
        stored = theirs.arrays[key]
        error = np.linalg.norm(logits.ravel()[:: theirs.outputs[key]["stride"]] - stored) / np.linalg.norm(stored)
        assert error < 1e-5
    stretch = Stretch(side // CELL, side, side)
    assert_labels(np.asarray(labels(stretch, maps[0])), stretched[0], theirs.arrays[f"{given}_argmax"])
    chances = np.exp(stretched[0] - stretched[0].max(axis=1, keepdims=True))
    chances = (chances / chances.sum(axis=1, keepdims=True))[:, [1, 3]].sum(axis=1)
    np.testing.assert_allclose(share(stretch, (1, 3), maps[0]), chances, atol=1e-5)


def assert_labels(found, logits, theirs):
    """The peer's classes, but where two are so near that float32 does not tell them apart."""
    best = np.sort(logits, axis=1)
    undecided = best[:, -1] - best[:, -2] < 1e-3
    assert (found == theirs)[~undecided].all()
    assert (found != theirs).sum() <= 2


def test_a_norm_folded_into_a_convolution_is_the_same(peer):
    """By hand, in double precision, for a layer that nothing but its own output goes into."""
    tensors = peer("zll_bisenet").tensors
    kernel, bias = _Wiring(tensors)._folded("cp.conv_avg.conv", "cp.conv_avg.bn")
    x = np.random.default_rng(5).normal(size=(7, 512))
    weight, shift, mean, variance = (
        tensors[f"cp.conv_avg.bn.{part}"].astype(float) for part in ("weight", "bias", "running_mean", "running_var")
    )
    by_hand = (x @ tensors["cp.conv_avg.conv.weight"][0, 0] - mean) / np.sqrt(variance + 1e-5) * weight + shift
    np.testing.assert_allclose(x @ kernel[0, 0] + bias, by_hand, rtol=1e-9)


def test_nothing_can_be_trained_and_norms_are_gone(peer):
    model = bisenet(peer("zll_bisenet").tensors, peer("zll_bisenet").scheme, 64)
    assert model.trainable_variables == []
    assert not [layer for layer in model.layers if "normalization" in layer.name]
    assert model.count_params() < 13_300_416


def test_a_map_is_stretched_corner_on_corner():
    ramp = (
        np.arange(5, dtype=np.float32)[None, :, None, None] * 10 + np.arange(5, dtype=np.float32)[None, None, :, None]
    )
    stretched = np.asarray(Stretch(5, 40, 40)(ramp))[0, 0]
    np.testing.assert_allclose(stretched[[0, -1]][:, [0, -1]], [[0, 4], [40, 44]], atol=1e-5)
    np.testing.assert_allclose(stretched[0], np.linspace(0, 4, 40), atol=1e-5)


@pytest.mark.parametrize("size", [20, 80])
def test_other_sizes_show_the_same_at_the_same_place(size):
    """Pixel i of a picture scaled from s to t shows what lay at (i + 1/2) s/t - 1/2 of it."""
    ramp = np.linspace(0, 39, 5, dtype=np.float32)[None, None, :, None].repeat(5, 1)
    row = np.asarray(Stretch(5, 40, size)(ramp))[0, 0, 3]
    np.testing.assert_allclose(row, np.clip((np.arange(size) + 0.5) * 40 / size - 0.5, 0, 39), atol=1e-4)


def test_of_equal_classes_the_first_is_named():
    maps = np.zeros((1, 8, 8, 4), np.float32)
    maps[0, 4:, :, 1:3] = 1
    found = np.asarray(labels(Stretch(8, 64, 64), maps))[0]
    assert (found[:20] == 0).all()
    assert (found[40:] == 1).all()
