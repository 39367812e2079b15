"""BiSeNet on ResNet-18 (Yu et al. 2018, arXiv:1808.00897) in Keras, frozen: norms folded, for BGR pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

from fspp_mask_bisenet.schemes import Scheme
from fspp_mask_bisenet.weights import STAGES, Tensors

_EPSILON = 1e-5
_Array = npt.NDArray[Any]


CELL = 8
"""Pixels of the picture to a cell of the maps that come out."""


def bisenet(tensors: Tensors, scheme: Scheme, side: int, heads: Sequence[str] = ("conv_out",)) -> keras.Model:
    """Build the network.

    Takes (n, side, side, 3) float32 BGR 0..255; gives scores of the classes before softmax, (n, side / 8, side / 8,
    classes), or a list of such maps with several heads. `Stretch` makes them as large as the picture.

    Args:
        tensors: as `weights.tensor_shapes` lists them.
        scheme: what they were trained for.
        side: of the pictures, a multiple of 32.
        heads: of "conv_out", the answer, and "conv_out16" and "conv_out32", which only help training.
    """
    picture = keras.Input((side, side, 3), dtype="float32")
    return keras.Model(picture, _Wiring(tensors).maps(picture, scheme, heads), name="bisenet")


class _Wiring:
    """Layers by the names of their tensors."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors

    def maps(self, picture: Any, scheme: Scheme, heads: Sequence[str]) -> Any:
        """The maps of some heads."""
        coarse, middle, fine = self._trunk(picture, scheme)
        average = self._block(ops.mean(coarse, axis=(1, 2), keepdims=True), "cp.conv_avg")
        deep = self._refined(coarse, "cp.arm32") + average
        deep = self._block(layers.UpSampling2D(2)(deep), "cp.conv_head32")
        context = self._refined(middle, "cp.arm16") + deep
        context = self._block(layers.UpSampling2D(2)(context), "cp.conv_head16")
        features = {"conv_out": self._fused(fine, context), "conv_out16": context, "conv_out32": deep}
        maps = [self._head(features[head], head) for head in heads]
        return maps if len(maps) > 1 else maps[0]

    def _head(self, x: Any, name: str) -> Any:
        return _convolved(self._block(x, f"{name}.conv"), self._tensors[f"{name}.conv_out.weight"], None)

    def _trunk(self, picture: Any, scheme: Scheme) -> tuple[Any, Any, Any]:
        """ResNet-18: maps of a 32nd, a 16th and an eighth of the side."""
        mean, deviation = (255 * np.array(values[::-1]) for values in (scheme.mean, scheme.deviation))
        kernel, bias = self._folded("cp.resnet.conv1", "cp.resnet.bn1")
        kernel = kernel[:, :, ::-1] / deviation[:, None]
        # The mean cannot go into the bias too: around the picture are zeros that stand for it.
        x = layers.ZeroPadding2D(3)(picture - mean.astype(np.float32))
        x = _convolved(x, kernel, bias, strides=2, relu=True)
        x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))  # after the ReLU nothing is below those zeros
        maps = []
        for stage in STAGES:
            for number in range(2):
                x = self._residual(x, f"cp.resnet.{stage}.{number}", 2 if stage != "layer1" and number == 0 else 1)
            maps.append(x)
        return maps[3], maps[2], maps[1]

    def _residual(self, x: Any, name: str, strides: int) -> Any:
        inner = layers.ZeroPadding2D(1)(x) if strides > 1 else x
        inner = _convolved(inner, *self._folded(f"{name}.conv1", f"{name}.bn1"), strides=strides, relu=True)
        inner = _convolved(inner, *self._folded(f"{name}.conv2", f"{name}.bn2"))
        if f"{name}.downsample.0.weight" in self._tensors:
            x = _convolved(x, *self._folded(f"{name}.downsample.0", f"{name}.downsample.1"), strides=strides)
        return ops.relu(inner + x)

    def _refined(self, x: Any, name: str) -> Any:
        """A block whose channels are weighed by how strong they are in the whole picture."""
        x = self._block(x, f"{name}.conv")
        weights = ops.mean(x, axis=(1, 2), keepdims=True)
        weights = _convolved(weights, *self._folded(f"{name}.conv_atten", f"{name}.bn_atten"))
        return x * ops.sigmoid(weights)

    def _fused(self, fine: Any, context: Any) -> Any:
        """Detail and context as one, again with weighed channels."""
        x = self._block(ops.concatenate([fine, context], axis=-1), "ffm.convblk")
        weights = ops.mean(x, axis=(1, 2), keepdims=True)
        weights = _convolved(weights, self._tensors["ffm.conv1.weight"], None, relu=True)
        weights = _convolved(weights, self._tensors["ffm.conv2.weight"], None)
        return x * (1 + ops.sigmoid(weights))

    def _block(self, x: Any, name: str) -> Any:
        return _convolved(x, *self._folded(f"{name}.conv", f"{name}.bn"), relu=True)

    def _folded(self, convolution: str, norm: str) -> tuple[_Array, _Array]:
        """Kernel and bias of a convolution and the norm right after it, as one, in double precision."""
        weight, bias, mean, variance = (
            self._tensors[f"{norm}.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        factor = weight / np.sqrt(variance + _EPSILON)
        return self._tensors[f"{convolution}.weight"] * factor, bias - mean * factor


def _convolved(x: Any, kernel: _Array, bias: _Array | None, *, strides: int = 1, relu: bool = False) -> Any:
    """A frozen convolution; without strides the picture keeps its size, else it is padded already."""
    layer = layers.Conv2D(
        kernel.shape[3],
        kernel.shape[:2],
        strides,
        "same" if strides == 1 else "valid",
        use_bias=bias is not None,
        activation="relu" if relu else None,
        trainable=False,
    )
    y = layer(x)
    layer.set_weights([kernel, bias] if bias is not None else [kernel])
    return y


@keras.saving.register_keras_serializable("fspp_mask_bisenet")
class Stretch(layers.Layer):  # type: ignore[misc]
    """Linear interpolation of a square map to a square picture, corner on corner as the peers do it; in float32.

    Args:
        cells: side of the map.
        side: of the picture on whose corner pixels those of the map lie.
        size: of the picture wanted, which shows the same; other than `side` it is as if that had been scaled.
    """

    def __init__(self, cells: int, side: int, size: int, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.cells, self.side, self.size = cells, side, size

    def build(self, input_shape: Any) -> None:
        """Nothing is learnt."""
        pixels = np.clip((np.arange(self.size) + 0.5) * (self.side / self.size) - 0.5, 0, self.side - 1)
        places = pixels * ((self.cells - 1) / (self.side - 1))
        self._shares = np.maximum(0, 1 - np.abs(places[:, None] - np.arange(self.cells))).astype(np.float32)

    def call(self, x: Any) -> Any:
        """(n, cells, cells, channels) to (n, channels, size, size), in which channels are compared faster."""
        x = ops.einsum("ih,nhwc->nciw", self._shares, x)
        return ops.einsum("nciw,jw->ncij", x, self._shares)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The same pictures and channels."""
        return (input_shape[0], input_shape[3], self.size, self.size)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "cells": self.cells, "side": self.side, "size": self.size}


def labels(stretch: Stretch, maps: Any) -> Any:
    """Each pixel's most probable class, (n, size, size) float32; of equal ones the first."""
    scores = stretch(maps)
    best = scores[:, 0]
    found = ops.zeros_like(best)
    for number in range(1, scores.shape[1]):  # on a processor twice as fast as an arg-max
        found = ops.where(scores[:, number] > best, float(number), found)
        best = ops.maximum(best, scores[:, number])
    return found


def share(stretch: Stretch, members: Sequence[int], maps: Any) -> Any:
    """The probability that a pixel is of one of some classes, (n, size, size)."""
    scores = stretch(maps)
    weights = ops.exp(scores - ops.max(scores, axis=1, keepdims=True))  # as a softmax, which takes thrice as long
    counts = np.isin(np.arange(weights.shape[1]), members).astype(np.float32)[:, None, None]
    return ops.clip(ops.sum(weights * counts, axis=1) / ops.sum(weights, axis=1), 0, 1)
