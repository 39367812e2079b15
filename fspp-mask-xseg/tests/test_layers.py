"""The layers against sums written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fspp_mask_xseg.layers import BlurPool, ChannelsFirst, ChannelsLast, ThresholdedResponse


def picture(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_response_norm_by_hand():
    x = picture(2, 5, 7, 3)
    layer = ThresholdedResponse()
    layer.build(x.shape)
    scale, shift, threshold = picture(3), picture(3) + 1, picture(3) * 0.1
    layer.set_weights([scale, shift, np.array([-0.3], np.float32), threshold])
    power = (x.astype(float) ** 2).mean(axis=(1, 2), keepdims=True)
    by_hand = np.maximum(scale * x / np.sqrt(power + 0.3) + shift, threshold)
    np.testing.assert_allclose(layer(x), by_hand, atol=1e-5)


@pytest.mark.parametrize(("width", "row"), [(2, [1, 1]), (3, [1, 2, 1]), (4, [1, 3, 3, 1])])
def test_blur_by_hand(width, row):
    x = picture(1, 8, 6, 2)
    before, after = (width - 1) // 2, width // 2
    padded = np.pad(x, ((0, 0), (before, after), (before, after), (0, 0)))
    weights = np.outer(row, row) / np.sum(row) ** 2
    by_hand = [
        [(padded[0, 2 * i : 2 * i + width, 2 * j : 2 * j + width] * weights[..., None]).sum((0, 1)) for j in range(3)]
        for i in range(4)
    ]
    np.testing.assert_allclose(BlurPool(width)(x)[0], by_hand, atol=1e-6)


def test_the_code_goes_channel_by_channel():
    x = np.arange(2 * 3 * 4, dtype=np.float32).reshape(1, 2, 3, 4)
    flat = np.asarray(ChannelsFirst()(x))
    np.testing.assert_array_equal(flat[0, :6], x[0, :, :, 0].ravel())
    np.testing.assert_array_equal(ChannelsLast(2, 3, 4)(flat), x)


@pytest.mark.parametrize("layer", [BlurPool(3), ChannelsLast(2, 3, 4), ThresholdedResponse(), ChannelsFirst()])
def test_layers_come_back_from_their_config(layer):
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()
