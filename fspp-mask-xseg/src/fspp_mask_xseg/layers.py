"""Layers that XSeg has and Keras has not: response norm with a learnt threshold, blur pooling, channel-first code."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

_serializable = keras.saving.register_keras_serializable("fspp_mask_xseg")


@_serializable
class ThresholdedResponse(layers.Layer):  # type: ignore[misc]
    """Filter response normalisation and thresholded linear unit (Singh and Krishnan 2020, arXiv:1911.09737).

    Each channel of each picture is divided by its root mean square, scaled, shifted, and kept from falling below a
    threshold; scale, shift and threshold are learnt a channel, the stabiliser once.

    Input and output shape: (n, rows, columns, channels).
    """

    def build(self, input_shape: Any) -> None:
        """Make the weights, named and ordered as DeepFaceLab does."""
        channels = (input_shape[-1],)
        self.scale = self.add_weight(shape=channels, initializer="ones", name="weight")
        self.shift = self.add_weight(shape=channels, initializer="zeros", name="bias")
        self.epsilon = self.add_weight(shape=(1,), initializer=keras.initializers.Constant(1e-6), name="eps")
        self.threshold = self.add_weight(shape=channels, initializer="zeros", name="tau")

    def call(self, x: Any) -> Any:
        """Normalise; the mean square in float32, as it leaves the range that bfloat16 tells apart."""
        power = ops.mean(ops.square(ops.cast(x, "float32")), axis=(1, 2), keepdims=True)
        factor = ops.rsqrt(power + ops.abs(ops.cast(self.epsilon, "float32")))
        return ops.maximum(x * (ops.cast(factor, x.dtype) * self.scale) + self.shift, self.threshold)


@_serializable
class BlurPool(layers.Layer):  # type: ignore[misc]
    """Halves a picture after a binomial blur (Zhang 2019, arXiv:1904.11486), with zeros around it.

    Args:
        width: of the blur in pixels, from 2.

    Input shape: (n, rows, columns, channels).
    Output shape: (n, rows / 2, columns / 2, channels).
    """

    def __init__(self, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.width = width

    def build(self, input_shape: Any) -> None:
        """Lay the kernel out; nothing is learnt."""
        row = np.array([1.0])
        for _ in range(self.width - 1):
            row = np.convolve(row, [1, 1])
        row = row / row.sum()
        kernel = np.outer(row, row).astype(np.float32)
        self._kernel = np.tile(kernel[:, :, None, None], (1, 1, input_shape[-1], 1))

    def call(self, x: Any) -> Any:
        """Pad, blur and halve."""
        before, after = (self.width - 1) // 2, self.width // 2
        x = ops.pad(x, ((0, 0), (before, after), (before, after), (0, 0)))
        return ops.depthwise_conv(x, ops.cast(self._kernel, x.dtype), 2, "valid", "channels_last")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Half the sides."""
        return (input_shape[0], *(side and side // 2 for side in input_shape[1:3]), input_shape[3])

    def get_config(self) -> dict[str, Any]:
        """The argument."""
        return {**super().get_config(), "width": self.width}


@_serializable
class ChannelsFirst(layers.Layer):  # type: ignore[misc]
    """(n, rows, columns, channels) to one row of numbers each, channel by channel, as DeepFaceLab lays them out."""

    def call(self, x: Any) -> Any:
        """Flatten."""
        return ops.reshape(ops.transpose(x, (0, 3, 1, 2)), (-1, int(np.prod(x.shape[1:]))))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """As many numbers."""
        return (input_shape[0], int(np.prod(input_shape[1:])))


@_serializable
class ChannelsLast(layers.Layer):  # type: ignore[misc]
    """The way back.

    Args:
        rows: of the picture.
        columns: of the picture.
        channels: of the picture.
    """

    def __init__(self, rows: int, columns: int, channels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rows, self.columns, self.channels = rows, columns, channels

    def call(self, x: Any) -> Any:
        """(n, numbers) to (n, rows, columns, channels)."""
        return ops.transpose(ops.reshape(x, (-1, self.channels, self.rows, self.columns)), (0, 2, 3, 1))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The picture's."""
        return (input_shape[0], self.rows, self.columns, self.channels)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "rows": self.rows, "columns": self.columns, "channels": self.channels}
