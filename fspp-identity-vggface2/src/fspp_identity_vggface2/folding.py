"""Frozen layers with their norms folded in, in double precision, from kernels in torch's layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import layers

from fspp_identity_vggface2.tensors import Array


@keras.saving.register_keras_serializable("fspp_identity_vggface2")
class Offset(layers.Layer):  # type: ignore[misc]
    """Adds a number of its own to each channel of each cell."""

    def build(self, input_shape: Any) -> None:
        """Make the numbers."""
        self.offset = self.add_weight(shape=input_shape[1:], initializer="zeros", name="offset")

    def call(self, x: Any) -> Any:
        """Add to (n, rows, columns, channels)."""
        return x + self.offset


def norm(tensors: Mapping[str, Array], name: str, epsilon: float) -> tuple[Array, Array]:
    """A trained norm as a factor and a summand, float64 (channels,) each."""
    mean, variance = (tensors[f"{name}.running_{part}"].astype(np.float64) for part in ("mean", "var"))
    factor = tensors.get(f"{name}.weight", np.float64(1)) / np.sqrt(variance + epsilon)
    return factor, tensors.get(f"{name}.bias", np.float64(0)) - mean * factor


def kernel(tensors: Mapping[str, Array], name: str) -> Array:
    """A convolution's kernel, float64 (rows, columns, inputs, outputs)."""
    return tensors[f"{name}.weight"].astype(np.float64).transpose(2, 3, 1, 0)


def spread(summand: Array, values: Array, side: int) -> Array:
    """What a 3 x 3 convolution over zeros around the edge makes of the same numbers in every cell.

    A norm before such a convolution cannot become a bias, since the cells around the edge stay zero; but it is the same
    for every picture.

    Args:
        summand: (inputs,).
        values: (3, 3, inputs, outputs).
        side: rows and columns of the map.

    Returns:
        (side, side, outputs).
    """
    inside = np.ones((side, 3))  # of the three rows or columns under the kernel
    inside[0, 0] = inside[-1, 2] = 0
    return np.asarray(np.einsum("ra,cb,abio,i->rco", inside, inside, values, summand, optimize=True))


def convolution(
    values: Array, bias: Array | None = None, *, strides: int = 1, padding: str = "valid", activation: str | None = None
) -> Any:
    """A frozen convolution with that kernel and bias."""
    layer = layers.Conv2D(
        values.shape[3],
        values.shape[:2],
        strides,
        padding,
        activation=activation,
        use_bias=bias is not None,
        kernel_initializer="zeros",
    )
    layer.build((None, None, None, values.shape[2]))
    return frozen(layer, values) if bias is None else frozen(layer, values, bias)


def dense(values: Array, bias: Array, *, activation: str | None = None) -> Any:
    """A frozen dense layer, kernel (inputs, outputs)."""
    layer = layers.Dense(values.shape[1], activation=activation, kernel_initializer="zeros")
    layer.build((None, values.shape[0]))
    return frozen(layer, values, bias)


def slopes(values: Array) -> Any:
    """A frozen ReLU with a slope below zero for each channel (He et al. 2015, arXiv:1502.01852)."""
    layer = layers.PReLU(shared_axes=(1, 2))
    layer.build((None, None, None, values.shape[0]))
    return frozen(layer, values.reshape(1, 1, -1))


def offset(values: Array) -> Any:
    """A frozen `Offset` by (rows, columns, channels)."""
    layer = Offset()
    layer.build((None, *values.shape))
    return frozen(layer, values)


def frozen(layer: Any, *values: Array) -> Any:
    """A built layer with these numbers, which training leaves alone."""
    layer.set_weights([value.astype(np.float32) for value in values])
    layer.trainable = False
    return layer
