"""XSeg, DeepFaceLab's segmentation network, in Keras: a U-Net with a dense code at the bottom."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from fspp_mask_xseg.layers import BlurPool, ChannelsFirst, ChannelsLast, ThresholdedResponse
from fspp_mask_xseg.weights import CODE, DOWN, JOINED, LEVELS, OUTPUTS, SIDE, UP, Tensors

_BLURS = (4, 3, 2, 2, 2, 2)  # pixels, from the finest level down


def xseg(tensors: Tensors | None = None, *, skips: bool = True) -> keras.Model:
    """Build the network.

    Takes (n, 256, 256, 3) float32 BGR 0..1; gives (n, 256, 256, 1) logits of belonging to the face. Layers are called
    as DeepFaceLab calls them, and their weights have its shapes and order.

    Args:
        tensors: weights, as `weights.tensor_shapes` lists them; fresh ones when not given.
        skips: whether the way up sees what the way down saw; DeepFaceLab pretrains without, on the same weights.
    """
    picture = keras.Input((SIDE, SIDE, 3), name="picture")
    x, seen = picture, {}
    for level in range(LEVELS):
        for name in (name for name in DOWN if name[4] == str(level)):
            x = _block(layers.Conv2D(DOWN[name][1], 3, padding="same", name=f"{name}_conv"), name)(x)
        seen[level] = x
        x = BlurPool(_BLURS[level], name=f"bp{level}")(x)
    rows, columns, channels = x.shape[1:]
    x = layers.Dense(CODE, name="dense1")(ChannelsFirst(name="flat")(x))
    x = layers.Dense(rows * columns * channels, name="dense2")(x)
    x = ChannelsLast(rows, columns, channels, name="square")(x)
    for level in reversed(range(LEVELS)):
        name = f"up{level}"
        x = _block(layers.Conv2DTranspose(UP[name][1], 3, 2, padding="same", name=f"{name}_conv"), name)(x)
        x = layers.Concatenate(name=f"join{level}")([x, seen[level] if skips else ops.zeros_like(seen[level])])
        for name in (name for name in JOINED if name[5] == str(level)):
            x = _block(layers.Conv2D(JOINED[name][1], 3, padding="same", name=f"{name}_conv"), name)(x)
    network = keras.Model(picture, layers.Conv2D(OUTPUTS, 3, padding="same", name="out_conv")(x), name="xseg")
    if tensors is not None:
        assign(network, tensors)
    return network


def assign(network: keras.Model, tensors: Tensors) -> None:
    """Give the network weights, as `weights.tensor_shapes` lists them."""
    for name, variable in variables(network).items():
        variable.assign(tensors[name])


def variables(network: keras.Model) -> dict[str, Any]:
    """The network's variables by the names that DeepFaceLab's file has for them, without `:0`."""
    found = {}
    for layer in network.layers:
        for variable in layer.weights:
            part = {"kernel": "weight", "bias": "bias"}.get(variable.name, variable.name)
            if isinstance(layer, ThresholdedResponse):
                group = "tlu" if variable is layer.threshold else "frn"
                found[f"{layer.name.removesuffix('_response')}/{group}/{variable.name}"] = variable
            elif layer.name.endswith("_conv") and layer.name != "out_conv":
                found[f"{layer.name.removesuffix('_conv')}/conv/{part}"] = variable
            else:
                found[f"{layer.name}/{part}"] = variable
    return found


def _block(convolution: Any, name: str) -> Any:
    """A convolution and the norm after it."""
    norm = ThresholdedResponse(name=f"{name}_response")
    return lambda x: norm(convolution(x))
