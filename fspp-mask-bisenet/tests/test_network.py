"""The network equals its peers' own, at every head and both sizes."""

from __future__ import annotations

import numpy as np
import pytest

from fspp_mask_bisenet.network import Network, Stretch, _model

CASES = [
    *(("zll_bisenet", "in256"), ("zll_bisenet", "in512")),
    *(("fs_bisenet_original", "in256"), ("fs_bisenet_original", "in512")),
    ("fs_bisenet_faceswap", "in256"),
]


@pytest.mark.parametrize(("name", "given"), CASES)
def test_logits_equal_the_peers(peer, name, given):
    theirs, seen = peer(name), peer(name).seen(given)
    network = Network(theirs.tensors, theirs.scheme, seen.shape[1], seen.shape[1])
    answers = {head: network.logits(head) for head in ("conv_out", "conv_out16", "conv_out32")}
    for head, logits in zip(
        answers, _model(network.picture, list(answers.values())).predict_on_batch(seen), strict=True
    ):
        key = f"{given}_{head.removeprefix('conv_')}"
        found = np.asarray(logits).transpose(0, 3, 1, 2)
        assert list(found.shape) == theirs.outputs[key]["shape"]
        stored = theirs.arrays[key]
        error = np.linalg.norm(found.ravel()[:: theirs.outputs[key]["stride"]] - stored) / np.linalg.norm(stored)
        assert error < 1e-5
    first = np.asarray(_model(network.picture, answers["conv_out"]).predict_on_batch(seen))
    labels = np.asarray(network.labels().predict_on_batch(seen))
    assert_labels(labels, first, theirs.arrays[f"{given}_argmax"])
    members = (1, 3)
    share = np.exp(first - first.max(axis=-1, keepdims=True))
    share = (share / share.sum(axis=-1, keepdims=True))[..., members].sum(axis=-1)
    np.testing.assert_allclose(network.share(members).predict_on_batch(seen), share, atol=1e-4)


def assert_labels(labels, logits, theirs):
    """The peer's classes, but where two are so near that float32 does not tell them apart."""
    best = np.sort(logits, axis=-1)
    undecided = best[..., -1] - best[..., -2] < 1e-3
    assert (labels == theirs)[~undecided].all()
    assert (labels != theirs).sum() <= 2


def test_a_norm_folded_into_a_convolution_is_the_same(peer):
    """By hand, in double precision, for a layer that nothing but its own output goes into."""
    tensors = peer("zll_bisenet").tensors
    network = Network(tensors, peer("zll_bisenet").scheme, 64, 64)
    kernel, bias = network._folded("cp.conv_avg.conv", "cp.conv_avg.bn")
    x = np.random.default_rng(5).normal(size=(7, 512))
    weight, shift, mean, variance = (
        tensors[f"cp.conv_avg.bn.{part}"].astype(float) for part in ("weight", "bias", "running_mean", "running_var")
    )
    by_hand = (x @ tensors["cp.conv_avg.conv.weight"][0, 0] - mean) / np.sqrt(variance + 1e-5) * weight + shift
    np.testing.assert_allclose(x @ kernel[0, 0] + bias, by_hand, rtol=1e-9)


def test_nothing_can_be_trained_and_norms_are_gone(peer):
    model = Network(peer("zll_bisenet").tensors, peer("zll_bisenet").scheme, 64, 64).labels()
    assert model.trainable_variables == []
    assert not [layer for layer in model.layers if "normalization" in layer.name]
    assert model.count_params() < 13_300_416


def test_a_map_is_stretched_corner_on_corner():
    ramp = (
        np.arange(5, dtype=np.float32)[None, :, None, None] * 10 + np.arange(5, dtype=np.float32)[None, None, :, None]
    )
    stretched = np.asarray(Stretch(5, 40, 40)(ramp))[0, :, :, 0]
    np.testing.assert_allclose(stretched[[0, -1]][:, [0, -1]], [[0, 4], [40, 44]], atol=1e-5)
    np.testing.assert_allclose(stretched[0], np.linspace(0, 4, 40), atol=1e-5)


@pytest.mark.parametrize("size", [20, 80])
def test_other_sizes_show_the_same_at_the_same_place(size):
    """Pixel i of a picture scaled from s to t shows what lay at (i + 1/2) s/t - 1/2 of it."""
    ramp = np.linspace(0, 39, 5, dtype=np.float32)[None, None, :, None].repeat(5, 1)
    row = np.asarray(Stretch(5, 40, size)(ramp))[0, 3, :, 0]
    np.testing.assert_allclose(row, np.clip((np.arange(size) + 0.5) * 40 / size - 0.5, 0, 39), atol=1e-4)
