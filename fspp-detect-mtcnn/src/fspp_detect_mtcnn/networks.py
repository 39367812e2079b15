"""The three networks of MTCNN (Zhang et al. 2016, arXiv:1604.02878) in Keras, for BGR pictures."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

from fspp_detect_mtcnn.weights import load_weights

PROPOSAL_CELL, PROPOSAL_STRIDE = 12, 2  # pixels the first network sees for one score, and from one score to the next
REFINE_SIDE, OUTPUT_SIDE = 24, 48


def proposal_network() -> keras.Model:
    """P-Net: every 12-pixel window of a picture.

    Takes (n, height, width, 3) float32 BGR 0..255; gives box offsets (n, rows, columns, 4) in window sides and scores
    (n, rows, columns, 2): no face, face.
    """
    picture, x = _picture(None)
    x = _convolution(x, 10, 3)
    x = layers.MaxPooling2D(2, 2, padding="same")(x)
    x = _convolution(x, 16, 3)
    x = _convolution(x, 32, 3)
    offsets = layers.Conv2D(4, 1)(x)
    scores = layers.Conv2D(2, 1, activation="softmax")(x)
    network = _with_weights("pnet", picture, [offsets, scores])
    # Every level of a pyramid has a size of its own: XLA would compile each, where a TensorFlow graph takes any.
    network.jit_compile = keras.backend.backend() == "jax"
    return network


def refine_network() -> keras.Model:
    """R-Net: takes (n, 24, 24, 3) float32 BGR 0..255; gives box offsets (n, 4) in box sides and scores (n, 2)."""
    picture, x = _picture(REFINE_SIDE)
    x = _convolution(x, 28, 3)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    x = _convolution(x, 48, 3)
    x = layers.MaxPooling2D(3, 2)(x)
    x = _convolution(x, 64, 2)
    x = _dense(x, 128)
    offsets = layers.Dense(4)(x)
    scores = layers.Dense(2, activation="softmax")(x)
    return _with_weights("rnet", picture, [offsets, scores])


def output_network() -> keras.Model:
    """O-Net: takes (n, 48, 48, 3) float32 BGR 0..255; gives box offsets (n, 4), keypoints (n, 10) and scores (n, 2).

    Keypoints are the five x, then the five y, in box sides from its left top corner.
    """
    picture, x = _picture(OUTPUT_SIDE)
    x = _convolution(x, 32, 3)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    x = _convolution(x, 64, 3)
    x = layers.MaxPooling2D(3, 2)(x)
    x = _convolution(x, 64, 3)
    x = layers.MaxPooling2D(2, 2, padding="same")(x)
    x = _convolution(x, 128, 2)
    x = _dense(x, 256)
    offsets = layers.Dense(4)(x)
    keypoints = layers.Dense(10)(x)
    scores = layers.Dense(2, activation="softmax")(x)
    return _with_weights("onet", picture, [offsets, keypoints, scores])


def _picture(side: int | None) -> tuple[Any, Any]:
    picture = keras.Input((side, side, 3), dtype="float32")
    return picture, layers.Rescaling(1 / 128, -127.5 / 128)(picture)


def _convolution(x: Any, filters: int, side: int) -> Any:
    return layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(filters, side)(x))


def _dense(x: Any, units: int) -> Any:
    x = layers.Flatten()(layers.Permute((2, 1, 3))(x))  # the weights were made for columns before rows
    return layers.PReLU()(layers.Dense(units)(x))


def _with_weights(name: str, picture: Any, outputs: list[Any]) -> keras.Model:
    network = keras.Model(picture, outputs, name=name)
    kernel, *rest = load_weights(name)
    network.set_weights([np.ascontiguousarray(kernel[:, :, ::-1]), *rest])  # made for RGB, used on BGR
    return network
