"""TFace's IR networks, of ArcFace's kind (Deng et al. 2019, arXiv:1801.07698), in Keras, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import layers

from fspp_identity_vggface2.folding import convolution, dense, kernel, norm, offset, slopes, spread
from fspp_identity_vggface2.ir_tensors import MAP_SIDE, blocks
from fspp_identity_vggface2.tensors import Array

SIDE = 112

_EPSILON = 1e-5


def ir(tensors: Mapping[str, Array], units: tuple[int, ...]) -> keras.Model:
    """Build the network.

    Takes (n, 112, 112, 3) float32 BGR 0..255; gives (n, 512) float32 of any length.

    Args:
        tensors: as `ir_tensors.tensor_shapes` lists them.
        units: blocks at each of the four scales.
    """
    picture = keras.Input((SIDE, SIDE, 3), dtype="float32")
    factor, summand = norm(tensors, "input_layer.1", _EPSILON)
    first = kernel(tensors, "input_layer.0")[:, :, ::-1] / 255  # trained on RGB 0..1
    x = convolution(first * factor, summand, padding="same")(picture)
    x = slopes(tensors["input_layer.2.weight"])(x)
    side = SIDE
    for name, _, _, strides in blocks(units):
        x = _block(tensors, name, x, side, strides)
        side //= strides
    x = dense(*_embedding(tensors))(layers.Flatten()(x))
    return keras.Model(picture, x, name="ir")


def _block(tensors: Mapping[str, Array], name: str, x: Any, side: int, strides: int) -> Any:
    """Norm, 3 x 3, norm, PReLU, 3 x 3, norm, added to the input: the residual unit ArcFace improved."""
    before, shift = norm(tensors, f"{name}.res_layer.0", _EPSILON)
    factor, summand = norm(tensors, f"{name}.res_layer.2", _EPSILON)
    first = kernel(tensors, f"{name}.res_layer.1") * factor
    inside = convolution(first * before[:, None], padding="same")(x)
    inside = offset(spread(shift, first, side) + summand)(inside)
    inside = slopes(tensors[f"{name}.res_layer.3.weight"])(inside)
    factor, summand = norm(tensors, f"{name}.res_layer.5", _EPSILON)
    second = convolution(kernel(tensors, f"{name}.res_layer.4") * factor, summand, strides=strides)
    inside = second(layers.ZeroPadding2D(1)(inside))  # Keras's "same" is lopsided at stride 2
    return inside + _shortcut(tensors, f"{name}.shortcut_layer", strides)(x)


def _shortcut(tensors: Mapping[str, Array], name: str, strides: int) -> Any:
    if f"{name}.0.weight" in tensors:
        factor, summand = norm(tensors, f"{name}.1", _EPSILON)
        return convolution(kernel(tensors, f"{name}.0") * factor, summand, strides=strides)
    return layers.MaxPooling2D(1, strides) if strides > 1 else layers.Identity()


def _embedding(tensors: Mapping[str, Array]) -> tuple[Array, Array]:
    """Kernel and bias from the last map, with the norms before and after."""
    before, shift = norm(tensors, "output_layer.0", _EPSILON)
    factor, summand = norm(tensors, "output_layer.4", _EPSILON)
    weight = tensors["output_layer.3.weight"].astype(np.float64).T * factor  # inputs: channels, rows, columns
    weight = weight.reshape(len(before), MAP_SIDE * MAP_SIDE, -1)
    bias = tensors["output_layer.3.bias"] * factor + summand + np.einsum("cpo,c->o", weight, shift)
    weight = (weight * before[:, None, None]).transpose(1, 0, 2)
    return weight.reshape(-1, weight.shape[2]), bias
