"""Layers that Keras lacks, with the arithmetic of the peers' networks."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

PACKAGE = "fspp_model_phaze_a"


@keras.saving.register_keras_serializable(PACKAGE)
class PixelShuffle(keras.layers.Layer):  # type: ignore[misc]
    """Doubles the side by laying four channels out as 2x2 pixels: channel (2 * row + column) * filters + filter.

    Input shape:
        (n, h, w, 4 * filters).

    Output shape:
        (n, 2 * h, 2 * w, filters).

    Reference:
        Shi et al. 2016, Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel CNN.
    """

    def call(self, inputs: Any) -> Any:
        """Move rows of `2 * filters` values, which lie together already; columns need no move at all."""
        height, width, channels = inputs.shape[1:]
        rows = ops.reshape(inputs, (-1, width, 2, channels // 2))
        rows = ops.transpose(rows, (0, 2, 1, 3))
        return ops.reshape(rows, (-1, 2 * height, 2 * width, channels // 4))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Twice the side, a quarter of the channels."""
        batch, height, width, channels = input_shape
        return batch, _times(height, 2), _times(width, 2), None if channels is None else channels // 4


class _ScaledNorm(keras.layers.Layer):  # type: ignore[misc]
    """Normalizes in float32 and then scales and offsets each channel by learned numbers."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = (input_shape[-1],)
        self.gamma = self.add_weight(shape=shape, initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=shape, initializer="zeros", name="beta")

    def call(self, inputs: Any) -> Any:
        normal = self.normalize(ops.cast(inputs, "float32"))
        normal = normal * ops.cast(self.gamma, "float32") + ops.cast(self.beta, "float32")
        return ops.cast(normal, self.compute_dtype)

    def normalize(self, x: Any) -> Any:
        raise TypeError(f"{type(self).__name__} must say how it normalizes")

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape


@keras.saving.register_keras_serializable(PACKAGE)
class InstanceNorm(_ScaledNorm):
    """Each channel of each picture to mean 0 and deviation 1; 0.001 is added to the deviation.

    Reference:
        Ulyanov et al. 2016, Instance Normalization: The Missing Ingredient for Fast Stylization.
    """

    def normalize(self, x: Any) -> Any:
        """Over both sides of the map."""
        mean, variance = ops.moments(x, axes=(1, 2), keepdims=True)
        # the root has no slope at zero: a channel without spread would send infinity back
        return (x - mean) / (ops.sqrt(ops.maximum(variance, 1e-12)) + 1e-3)


@keras.saving.register_keras_serializable(PACKAGE)
class RMSNorm(_ScaledNorm):
    """The channels of each pixel to a mean square of 1.

    Reference:
        Zhang and Sennrich 2019, Root Mean Square Layer Normalization.
    """

    def normalize(self, x: Any) -> Any:
        """Over the channels."""
        return x * ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + 1e-8)


@keras.saving.register_keras_serializable(PACKAGE)
class PixelNorm(keras.layers.Layer):  # type: ignore[misc]
    """Vectors to a mean square of 1, without weights.

    Reference:
        Karras et al. 2018, Progressive Growing of GANs for Improved Quality, Stability, and Variation.
    """

    def call(self, inputs: Any) -> Any:
        """Over the last axis."""
        x = ops.cast(inputs, "float32")
        x = x * ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + 1e-7)
        return ops.cast(x, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """As it was."""
        return input_shape


def _times(side: int | None, factor: int) -> int | None:
    return None if side is None else side * factor
