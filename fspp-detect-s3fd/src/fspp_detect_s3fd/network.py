"""The network of S3FD (Zhang et al. 2017, arXiv:1708.05237) in Keras: VGG-16, more layers, heads at six scales."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy.typing as npt
from keras import layers, ops

from fspp_detect_s3fd.shapes import CONVOLUTIONS, HEADS, NORMS, SCORES_OF_FIRST

MEAN = (104.0, 117.0, 123.0)
"""What is taken from the three channels, whatever their order, before the network sees them."""
LEAST_SIDE = 32  # below it nothing is left after the five poolings

_POOLED = ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3")
_PADDED = {"fc6": 3, "fc7": 0, "conv6_1": 0, "conv7_1": 0}  # pixels on every side; 1 for the others
_STRIDES = {"conv6_2": 2, "conv7_2": 2}


@keras.saving.register_keras_serializable("fspp_detect_s3fd")
class LengthNormalization(layers.Layer):  # type: ignore[misc]
    """Brings the channels of each cell to the length 1, and gives each channel a scale of its own."""

    def build(self, input_shape: Any) -> None:
        """Make the scales."""
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="scale")

    def call(self, x: Any) -> Any:
        """Normalise (n, rows, columns, channels)."""
        length = ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True))
        return x / (length + 1e-10) * self.scale


@keras.saving.register_keras_serializable("fspp_detect_s3fd")
class BestBackground(layers.Layer):  # type: ignore[misc]
    """Of the scores of several kinds of background and of the face leaves two: the best background's and the face's."""

    def call(self, x: Any) -> Any:
        """(n, rows, columns, kinds + 1) to (n, rows, columns, 2)."""
        return ops.concatenate([ops.max(x[..., :-1], axis=-1, keepdims=True), x[..., -1:]], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The same cells with two channels."""
        return (*input_shape[:-1], 2)


def s3fd(tensors: Mapping[str, npt.NDArray[Any]] | None = None) -> keras.Model:
    """The network, for pictures of any size from 32 pixels.

    Takes (n, height, width, 3) float32, 0..255 less `MEAN`. Gives twelve maps (n, rows, columns, channels): for each
    scale, finest first, the scores of background and face, before softmax, and the offsets x, y, width, height.

    Args:
        tensors: weights, named as in `shapes.tensor_shapes`; random ones when not given.
    """
    picture = keras.Input((None, None, 3), dtype="float32", name="picture")
    x, taps = picture, {}
    for name, (side, _, filters) in CONVOLUTIONS.items():
        x = _convolution(name, side, filters, _PADDED.get(name, 1), "relu", _STRIDES.get(name, 1))(x)
        norm = f"{name}_norm"
        if norm in NORMS:
            taps[norm] = LengthNormalization(name=norm)(x)
        elif name in HEADS:
            taps[name] = x
        if name in _POOLED:
            x = layers.MaxPooling2D(2, name=f"{name}_pool")(x)
    maps = []
    for number, level in enumerate(HEADS):
        scores = _convolution(f"{level}_mbox_conf", 3, 2 if number else SCORES_OF_FIRST, 1)(taps[level])
        maps.append(scores if number else BestBackground(name="best_background")(scores))
        maps.append(_convolution(f"{level}_mbox_loc", 3, 4, 1)(taps[level]))
    network = keras.Model(picture, maps, name="s3fd")
    if tensors is not None:
        for layer in network.layers:
            for variable in layer.weights:
                variable.assign(tensors[f"{layer.name}/{variable.name}"])
    network.trainable = False
    return network


def _convolution(
    name: str, side: int, filters: int, padding: int, activation: str | None = None, stride: int = 1
) -> Any:
    """A convolution over a picture with as many zeros on every side; Keras's "same" is lopsided at stride 2."""
    if stride == 1 and side == 2 * padding + 1:
        return layers.Conv2D(filters, side, padding="same", activation=activation, name=name)
    convolution = layers.Conv2D(filters, side, stride, activation=activation, name=name)
    if not padding:
        return convolution
    pad = layers.ZeroPadding2D(padding, name=f"{name}_pad")
    return lambda x: convolution(pad(x))
