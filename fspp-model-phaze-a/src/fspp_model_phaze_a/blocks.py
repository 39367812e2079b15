"""Pieces that encoders, hidden layers and decoders share. Each takes a tensor and a name, and gives a tensor."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from fspp_model_phaze_a.curves import group_count
from fspp_model_phaze_a.layers import InstanceNorm, PixelShuffle, RMSNorm

UPSCALE_SLOPE = 0.1
RESIDUAL_SLOPE = 0.2
DNY_SLOPE = 0.2


def conv(x: Any, filters: int, kernel: int, name: str, *, strides: int = 1, padding: str = "same") -> Any:
    """A convolution with bias, begun as He et al. 2015 advise."""
    layer = layers.Conv2D(filters, kernel, strides=strides, padding=padding, kernel_initializer="he_uniform", name=name)
    return layer(x)


def leaky(x: Any, slope: float, name: str) -> Any:
    """Leaky rectifier; a slope of 1 is none at all."""
    return x if slope == 1 else layers.LeakyReLU(slope, name=name)(x)


def residual(x: Any, filters: int, name: str) -> Any:
    """Two 3x3 convolutions added to what they came from, then a leaky rectifier."""
    y = leaky(conv(x, filters, 3, f"{name}_conv1"), RESIDUAL_SLOPE, f"{name}_leaky1")
    start_small = keras.initializers.VarianceScaling(0.2, mode="fan_in", distribution="uniform")
    y = layers.Conv2D(filters, 3, padding="same", kernel_initializer=start_small, name=f"{name}_conv2")(y)
    return leaky(layers.Add(name=f"{name}_add")([y, x]), RESIDUAL_SLOPE, f"{name}_leaky2")


def upscale(x: Any, filters: int, method: str, name: str, *, then: float = 1.0) -> Any:
    """Double the side.

    Args:
        x: (n, h, w, c).
        filters: channels of the result.
        method: "subpixel", "resize_images", "upscale_fast", "upscale_hybrid" or "upscale_dny".
        then: slope of a leaky rectifier to apply to the result, 1 for none. Where the method ends with one itself the
            two become one with the product of the slopes, which is the same and saves a pass over the largest maps.
    """
    if method == "subpixel":
        return _subpixel(x, filters, name, then=then)
    if method == "upscale_dny":
        x = _bilinear(x, name)
        x = leaky(conv(x, filters, 3, f"{name}_conv1"), DNY_SLOPE, f"{name}_leaky1")
        return leaky(conv(x, filters, 3, f"{name}_conv2"), DNY_SLOPE * then, f"{name}_leaky2")
    if method == "resize_images":
        plain = conv(_bilinear(x, name), filters, 3, f"{name}_conv")
        transposed = layers.Conv2DTranspose(
            filters, 3, strides=2, padding="same", kernel_initializer="he_uniform", name=f"{name}_transposed"
        )(x)
        return leaky(layers.Add(name=f"{name}_add")([plain, transposed]), RESIDUAL_SLOPE * then, f"{name}_leaky")
    if method == "upscale_fast":
        plain = _bilinear(conv(x, filters, 3, f"{name}_plain"), name)
        x = layers.Add(name=f"{name}_add")([plain, _subpixel(x, filters, name)])
    else:
        smooth = filters // 2
        sharp = _subpixel(x, filters - smooth, name)
        plain = _bilinear(conv(x, smooth, 3, f"{name}_plain"), name)
        x = layers.Concatenate(name=f"{name}_join")([sharp, plain])
    return leaky(x, then, f"{name}_then")


def normalize(x: Any, method: str, name: str) -> Any:
    """Normalize a map: "none", "batch", "group", "instance", "layer" or "rms"."""
    if method == "none":
        return x
    makers = {
        "batch": layers.BatchNormalization,
        "group": lambda name: layers.GroupNormalization(group_count(x.shape[-1]), epsilon=1e-6, name=name),
        "instance": InstanceNorm,
        "layer": layers.LayerNormalization,
        "rms": RMSNorm,
    }
    return makers[method](name=name)(x)


def _subpixel(x: Any, filters: int, name: str, *, then: float = 1.0) -> Any:
    x = leaky(conv(x, 4 * filters, 3, f"{name}_conv"), UPSCALE_SLOPE * then, f"{name}_leaky")
    return PixelShuffle(name=f"{name}_shuffle")(x)


def _bilinear(x: Any, name: str) -> Any:
    return layers.UpSampling2D(2, interpolation="bilinear", name=f"{name}_bilinear")(x)
