"""VGGFace2's ResNet-50 (Cao et al. 2018, arXiv:1710.08092; He et al. 2016, arXiv:1512.03385) in Keras, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from fspp_identity_vggface2.folding import convolution, dense, kernel, norm
from fspp_identity_vggface2.tensors import Array
from fspp_identity_vggface2.vggface2_tensors import BLOCKS, block_name

SIDE = 224
MEAN = (91.4953, 103.8827, 131.0912)
"""Of the training pictures' blue, green and red."""

_EPSILON = 1e-3


def vggface2(tensors: Mapping[str, Array]) -> keras.Model:
    """Build the network.

    Takes (n, 224, 224, 3) float32 BGR 0..255; gives (n, 512) float32, none below 0, of any length.

    As in Caffe, whence it comes, blocks that halve the map do so in their first convolution; as in TensorFlow, the
    first convolution sees two rows of zeros before the picture and three after it.

    Args:
        tensors: as `vggface2_tensors.tensor_shapes` lists them.
    """
    picture = keras.Input((SIDE, SIDE, 3), dtype="float32")
    x = picture - ops.convert_to_tensor(np.array(MEAN, np.float32))
    x = _convolution(tensors, "resnet.conv", "resnet.bn", strides=2, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(3, 2)(x)
    for stage, count in enumerate(BLOCKS):
        for number in range(count):
            x = _block(tensors, block_name(stage, number), x, strides=1 if number or not stage else 2)
    x = layers.GlobalAveragePooling2D()(x)
    x = dense(tensors["dim_proj.weight"].T, tensors["dim_proj.bias"], activation="relu")(x)
    return keras.Model(picture, x, name="vggface2")


def _block(tensors: Mapping[str, Array], name: str, x: Any, strides: int) -> Any:
    """1 x 1 to fewer channels, 3 x 3, 1 x 1 to more, added to the input."""
    inside = _convolution(tensors, f"{name}.reduce_conv", f"{name}.reduce_bn", strides=strides, activation="relu")(x)
    inside = _convolution(tensors, f"{name}.conv", f"{name}.bn", padding="same", activation="relu")(inside)
    inside = _convolution(tensors, f"{name}.increase_conv", f"{name}.increase_bn")(inside)
    if f"{name}.proj.weight" in tensors:
        x = _convolution(tensors, f"{name}.proj", f"{name}.proj_bn", strides=strides)(x)
    return ops.relu(inside + x)


def _convolution(tensors: Mapping[str, Array], name: str, norm_name: str, **how: Any) -> Any:
    """A convolution and the norm right after it, as one."""
    factor, summand = norm(tensors, norm_name, _EPSILON)
    return convolution(kernel(tensors, name) * factor, summand, **how)
