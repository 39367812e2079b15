"""Losses against the peers' numbers and against what any loss owes: zero at equality, finite gradients."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from fspp_core.errors import ShapeError
from fspp_core.options import NoOptions
from fspp_core.training.loss_options import DSSIMOptions
from fspp_core.training.losses import DSSIM, MAE, MSE, dissimilarity_map, gaussian_window


def uniform(seed, shape, low=0.0, high=1.0):
    return (np.random.default_rng(seed).random(shape) * (high - low) + low).astype(np.float32)


def faceswap_pairs():
    """The two pairs of pictures of the Faceswap golden set, NHWC."""
    size = 192
    coarse = (2, 3, size // 16, size // 16)

    def big(seed):
        return uniform(seed, coarse).repeat(16, axis=2).repeat(16, axis=3)

    a = np.clip(big(201) * 0.8 + 0.1 + uniform(202, (2, 3, size, size), -0.1, 0.1), 0, 1).astype(np.float32)
    b = 0.75 * a + 0.25 * big(203) + 0.5 * uniform(204, (2, 3, size, size), -0.1, 0.1)
    c = uniform(205, (1, 3, 64, 64))
    d = 0.7 * c + 0.3 * uniform(206, (1, 3, 64, 64))
    pairs = {"p0": (a, np.clip(b, 0, 1)), "p1": (c, np.clip(d, 0, 1))}
    return {name: tuple(x.astype(np.float32).transpose(0, 2, 3, 1) for x in pair) for name, pair in pairs.items()}


def deepfacelab_pairs():
    pairs = {}
    for name, seeds, shape in (("p0", (51, 52), (2, 96, 96, 3)), ("p1", (53, 54), (1, 64, 64, 3))):
        a = uniform(seeds[0], shape)
        b = np.clip(0.7 * a + 0.3 * uniform(seeds[1], shape), 0, 1).astype(np.float32)
        pairs[name] = (a, b)
    return pairs


def stored(golden_set, key, value):
    """`value` in the way the golden array of this key was stored, and that array."""
    meta, arrays = golden_set
    entry = meta["outputs"][key]
    if entry["stored"] == "flat_strided":
        value = value.ravel()[:: entry["stride"]]
    return value, arrays[key]


@pytest.mark.parametrize("pair", ["p0", "p1"])
def test_ssim_map_equals_faceswap(golden, pair):
    true, predicted = faceswap_pairs()[pair]
    ours = ops.convert_to_numpy(
        dissimilarity_map(true, predicted, gaussian_window(11, 1.5), k1=0.01, k2=0.03, border="reflect")
    )
    value, expected = stored(golden("fs_losses"), f"{pair}_ssim_spatial", ours.transpose(0, 3, 1, 2))
    np.testing.assert_allclose(value, expected, atol=2e-4)  # the peer loses digits in its variances
    loss = DSSIM(DSSIMOptions(halved=False))(true, predicted)
    assert loss.shape == (*true.shape[:3], 1)
    batch_mean = golden("fs_losses")[0]["outputs"][f"{pair}_ssim_spatial"]["batch_mean"]
    np.testing.assert_allclose(ops.convert_to_numpy(loss).mean(axis=(1, 2, 3)), batch_mean, rtol=1e-4)


@pytest.mark.parametrize("pair", ["p0", "p1"])
def test_ssim_scalar_equals_faceswap(golden, pair):
    true, predicted = faceswap_pairs()[pair]
    loss = DSSIM(DSSIMOptions(halved=False, border="valid"))(true, predicted)
    expected = golden("fs_losses")[1][f"{pair}_ssim_scalar"]
    np.testing.assert_allclose(ops.convert_to_numpy(loss), expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("p0_dssim_fs11", {"window": 11}),
        ("p0_dssim_fs8", {"window": 8}),
        ("p0_dssim_fs5", {"window": 5}),
        ("p0_dssim_fs4", {"window": 4}),
        ("p1_dssim_fs11", {"window": 11}),
        ("p1_dssim_fs5", {"window": 5}),
        ("p1_dssim_fs2", {"window": 2}),
        ("p0_dssim_fs11_max2", {"window": 11, "sigma": 2.5, "k1": 0.04, "k2": 0.10}),  # k times the peer's max of 2
        ("p1_dssim_fs11_max2", {"window": 11, "sigma": 2.5, "k1": 0.04, "k2": 0.10}),
    ],
)
def test_dssim_equals_deepfacelab(golden, key, options):
    true, predicted = deepfacelab_pairs()[key[:2]]
    loss = DSSIM(DSSIMOptions(border="valid", **options))(true, predicted)
    expected = golden("dfl_losses")[1][key].mean(axis=1)
    np.testing.assert_allclose(ops.convert_to_numpy(loss), expected, rtol=2e-5)


@pytest.mark.parametrize("pair", ["p0", "p1"])
@pytest.mark.parametrize(("name", "loss", "elementwise"), [("mae", MAE, np.abs), ("mse", MSE, np.square)])
def test_mae_and_mse_equal_faceswap(golden, pair, name, loss, elementwise):
    true, predicted = faceswap_pairs()[pair]
    value, expected = stored(
        golden("fs_losses"), f"{pair}_{name}_spatial", elementwise(predicted - true).transpose(0, 3, 1, 2)
    )
    np.testing.assert_allclose(value, expected, atol=1e-7)  # the pictures are the peer's
    ours = ops.convert_to_numpy(loss(NoOptions())(true, predicted))
    assert ours.shape == (*true.shape[:3], 1)
    batch_mean = golden("fs_losses")[0]["outputs"][f"{pair}_{name}_spatial"]["batch_mean"]
    np.testing.assert_allclose(ours.mean(axis=(1, 2, 3)), batch_mean, rtol=1e-5)


LOSSES = {
    "mae": MAE(NoOptions()),
    "mse": MSE(NoOptions()),
    "dssim": DSSIM(DSSIMOptions()),
    "dssim-valid": DSSIM(DSSIMOptions(border="valid", halved=False, window=8)),
}


class Probe(keras.Model):
    """One trainable picture, so that a training step shows whether a loss's gradients are finite on any backend."""

    def __init__(self, loss, true, start):
        super().__init__()
        self.face_loss, self.true = loss, true
        self.picture = self.add_weight(shape=start.shape, initializer="zeros", name="picture")
        self.picture.assign(start)

    def call(self, inputs):
        return self.picture + 0 * inputs

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(self.face_loss(self.true, y_pred))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("case", ["equal", "black", "flat", "noise"])
def test_loss_is_zero_at_equality_and_its_gradient_finite(name, case):
    true = {"black": np.zeros, "flat": np.ones}.get(case, lambda s, d: uniform(3, s))((1, 24, 24, 3), np.float32)
    start = uniform(4, true.shape) if case == "noise" else true
    probe = Probe(LOSSES[name], true, start)
    probe.compile(optimizer=keras.optimizers.SGD(1.0), loss=None)
    before = float(probe.train_on_batch(np.zeros((1, 1, 1, 1), np.float32)))
    after = ops.convert_to_numpy(probe.picture)
    assert np.isfinite(after).all()
    if case == "noise":
        assert before > 0.05
        assert np.abs(after - start).max() > 0
    else:
        assert before == pytest.approx(0, abs=1e-6)


def test_dssim_names_pictures_that_are_too_small():
    with pytest.raises(ShapeError, match=r"8x8.*window of 11.*at most 8"):
        DSSIM(DSSIMOptions(border="valid"))(np.zeros((1, 8, 8, 3), np.float32), np.zeros((1, 8, 8, 3), np.float32))
