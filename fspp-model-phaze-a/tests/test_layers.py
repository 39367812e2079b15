"""Our own layers and blocks against plain numpy and plain Keras."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from fspp_model_phaze_a import blocks
from fspp_model_phaze_a.layers import InstanceNorm, PixelNorm, PixelShuffle, RMSNorm

X = np.random.default_rng(0).normal(1.0, 2.0, (2, 3, 5, 8)).astype(np.float32)


def test_pixel_shuffle_lays_channels_out_in_rows_and_columns() -> None:
    shuffled = np.asarray(PixelShuffle()(X))
    assert shuffled.shape == (2, 6, 10, 2)
    for row in range(2):
        for column in range(2):
            start = (row * 2 + column) * 2
            np.testing.assert_array_equal(shuffled[:, row::2, column::2], X[..., start : start + 2])


def test_instance_norm() -> None:
    mean, deviation = X.mean((1, 2), keepdims=True), X.std((1, 2), keepdims=True)
    layer = InstanceNorm()
    np.testing.assert_allclose(layer(X), (X - mean) / (deviation + 1e-3), atol=1e-5)
    layer.gamma.assign(np.full(8, 3.0))
    layer.beta.assign(np.arange(8.0))
    np.testing.assert_allclose(layer(X), (X - mean) / (deviation + 1e-3) * 3 + np.arange(8), atol=1e-4)


def test_rms_norm() -> None:
    expected = X / np.sqrt((X**2).mean(-1, keepdims=True) + 1e-8)
    np.testing.assert_allclose(RMSNorm()(X), expected, atol=1e-5)


def test_pixel_norm() -> None:
    vectors = X.reshape(2, -1)
    np.testing.assert_allclose((np.asarray(PixelNorm()(vectors)) ** 2).mean(-1), 1, atol=1e-4)
    np.testing.assert_allclose(PixelNorm()(np.zeros((1, 4), np.float32)), 0)


@pytest.mark.parametrize("layer", [InstanceNorm, RMSNorm, PixelNorm])
def test_flat_inputs_have_finite_gradients(layer: type[Any]) -> None:
    """A channel of one value is common: dark pictures, dead units."""
    inputs = keras.Input((3, 5, 8))
    scale = keras.layers.Conv2D(8, 1, kernel_initializer="zeros")
    model = keras.Model(inputs, layer()(scale(inputs)))
    model.compile(keras.optimizers.SGD(0.1), loss="mse")
    model.train_on_batch(X, np.ones_like(X))
    assert all(np.isfinite(np.asarray(weight)).all() for weight in model.weights)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("layer", [PixelShuffle, InstanceNorm, RMSNorm, PixelNorm])
def test_layers_keep_to_the_precision_asked_for(layer: type[Any], policy: str) -> None:
    made = layer(dtype=policy)
    half = np.asarray(keras.ops.cast(made(X), "float32"))
    assert keras.backend.standardize_dtype(made(X).dtype) == policy.removeprefix("mixed_")
    np.testing.assert_allclose(half, np.asarray(layer()(X)), atol=0.05)


@pytest.mark.parametrize("method", ["subpixel", "resize_images", "upscale_fast", "upscale_hybrid", "upscale_dny"])
@pytest.mark.parametrize("filters", [4, 7])
def test_upscales_double_the_side(method: str, filters: int) -> None:
    inputs = keras.Input((3, 5, 8))
    plain = keras.Model(inputs, blocks.upscale(inputs, filters, method, "up"))
    assert plain.output_shape == (None, 6, 10, filters)
    joined = keras.Model(inputs, blocks.upscale(inputs, filters, method, "up", then=0.2))
    joined.set_weights(plain.get_weights())
    expected = np.asarray(keras.layers.LeakyReLU(0.2)(plain(X)))
    np.testing.assert_allclose(joined(X), expected, atol=1e-5, err_msg="one rectifier does the work of two")
    assert (expected < 0).any()


def test_a_subpixel_upscale_has_the_peers_weights() -> None:
    inputs = keras.Input((3, 5, 8))
    model = keras.Model(inputs, blocks.upscale(inputs, 4, "subpixel", "up"))
    assert [w.shape for w in model.weights] == [(3, 3, 8, 16), (16,)]
    kernel = model.weights[0]
    assert 0.9 < np.abs(np.asarray(kernel)).max() / np.sqrt(6 / 72) <= 1, "drawn uniformly as He et al. advise"


def test_a_residual_block_begins_near_its_input() -> None:
    inputs = keras.Input((3, 5, 8))
    model = keras.Model(inputs, blocks.residual(inputs, 8, "res"))
    change = np.asarray(model(np.abs(X))) - np.abs(X)
    assert 0 < np.abs(change).mean() < np.abs(X).mean() / 2
