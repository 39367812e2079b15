"""FAN (Bulat and Tzimiropoulos 2017, arXiv:1703.07332) in Keras, frozen: its norms folded, and for BGR pictures."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

from fspp_align_fan.weights import DEPTH, STACKS, Tensors

INPUT_SIDE, MAP_SIDE = 256, 64

_EPSILON = 1e-5
_Array = npt.NDArray[Any]


def fan(tensors: Tensors, stacks: int = STACKS, *, every_stack: bool = False) -> keras.Model:
    """Build the network.

    Takes (n, 256, 256, 3) float32 BGR 0..255; gives heat maps (n, 68, 64, 64) float32 of the last stack, or a list with
    those of every stack.

    Args:
        tensors: as `weights.tensor_shapes` lists them.
        stacks: hourglasses to run, 1..4.
        every_stack: whether the maps of earlier stacks are wanted too; their cells are computed for nothing else.
    """
    picture = keras.Input((INPUT_SIDE, INPUT_SIDE, 3), dtype="float32")
    kernel, bias = _with_norm(tensors, "conv1", "bn1")
    kernel = kernel[:, :, ::-1] / 255  # trained on RGB 0..1
    x = layers.ZeroPadding2D(3)(picture)
    x = Convolution(kernel, bias, strides=2, relu=True)(x)
    x = layers.AveragePooling2D(2)(_block(tensors, "conv2")(x))
    x = _block(tensors, "conv4")(_block(tensors, "conv3")(x))
    maps = []
    for stack in range(stacks):
        features = _block(tensors, f"top_m_{stack}")(_hourglass(tensors, f"m{stack}", DEPTH, x))
        features = Convolution(*_with_norm(tensors, f"conv_last{stack}", f"bn_end{stack}"), relu=True)(features)
        last = stack == stacks - 1
        if last or every_stack:
            # Always in float32: which cell is highest, and which of its neighbours, is a matter of small differences.
            found = Convolution(tensors[f"l{stack}.weight"], tensors[f"l{stack}.bias"], dtype="float32")(features)
            maps.append(ops.transpose(found, (0, 3, 1, 2)))
        if not last:
            x = x + Convolution(*_carried(tensors, stack))(features)
    return keras.Model(picture, maps if every_stack else maps[-1])


def _hourglass(tensors: Tensors, name: str, level: int, x: Any) -> Any:
    beside = _block(tensors, f"{name}.b1_{level}")(x)
    low = _block(tensors, f"{name}.b2_{level}")(layers.AveragePooling2D(2)(x))
    if level > 1:
        low = _hourglass(tensors, name, level - 1, low)
    else:
        low = _block(tensors, f"{name}.b2_plus_1")(low)
    low = _block(tensors, f"{name}.b3_{level}")(low)
    return beside + layers.UpSampling2D(2, interpolation="nearest")(low)


class Convolution(layers.Layer):  # type: ignore[misc]
    """A frozen convolution without padding.

    Args:
        kernel: (height, width, inputs, outputs).
        bias: (outputs,).
        strides: in both directions.
        relu: whether negative values become 0.
        dtype: numbers to compute with; None: as the policy says.
    """

    def __init__(
        self, kernel: _Array, bias: _Array, *, strides: int = 1, relu: bool = False, dtype: str | None = None
    ) -> None:
        super().__init__(dtype=dtype)
        self._strides, self._relu = strides, relu
        self._kernel, self._bias = _frozen(kernel), _frozen(bias)

    def call(self, x: Any) -> Any:
        """Convolve (n, height, width, inputs)."""
        x = ops.conv(x, self._kernel, self._strides, "valid", "channels_last") + self._bias
        return ops.relu(x) if self._relu else x


class ResidualBlock(layers.Layer):  # type: ignore[misc]
    """Three 3 x 3 convolutions in a row, their outputs side by side, added to the input.

    Each convolution comes after a norm, here a factor and a summand a channel, and a ReLU. All outputs but the last
    go two ways, so that the norm cannot be folded into the kernel before it.

    Args:
        norms: (factor, summand) of each convolution, (inputs,) each; with a fourth for the shortcut.
        kernels: (height, width, inputs, outputs) of each; with a fourth, 1 x 1, where the input has fewer channels.
    """

    def __init__(self, norms: list[tuple[_Array, _Array]], kernels: list[_Array]) -> None:
        super().__init__()
        self._factors = [_frozen(factor) for factor, _ in norms]
        self._summands = [_frozen(summand) for _, summand in norms]
        self._kernels = [_frozen(kernel) for kernel in kernels]

    def call(self, x: Any) -> Any:
        """Convolve (n, height, width, inputs) to (n, height, width, outputs)."""
        outputs = [x]
        for number in range(3):
            outputs.append(self._convolved(outputs[-1], number))
        shortcut = self._convolved(x, 3) if len(self._kernels) > 3 else x
        return ops.concatenate(outputs[1:], axis=-1) + shortcut

    def _convolved(self, x: Any, number: int) -> Any:
        x = ops.relu(x * self._factors[number] + self._summands[number])
        return ops.conv(x, self._kernels[number], 1, "same", "channels_last")


def _block(tensors: Tensors, name: str) -> ResidualBlock:
    parts = [(f"{name}.bn{number}", f"{name}.conv{number}.weight") for number in (1, 2, 3)]
    if f"{name}.downsample.2.weight" in tensors:
        parts.append((f"{name}.downsample.0", f"{name}.downsample.2.weight"))
    return ResidualBlock([_norm(tensors, norm) for norm, _ in parts], [tensors[kernel] for _, kernel in parts])


def _norm(tensors: Tensors, name: str) -> tuple[_Array, _Array]:
    """A trained norm as a factor and a summand, in double precision."""
    weight, bias, mean, variance = (
        tensors[f"{name}.{part}"].astype(np.float64) for part in ("weight", "bias", "running_mean", "running_var")
    )
    factor = weight / np.sqrt(variance + _EPSILON)
    return factor, bias - mean * factor


def _with_norm(tensors: Tensors, convolution: str, norm: str) -> tuple[_Array, _Array]:
    """Kernel and bias of a convolution and the norm right after it, as one."""
    factor, summand = _norm(tensors, norm)
    return tensors[f"{convolution}.weight"] * factor, tensors[f"{convolution}.bias"] * factor + summand


def _carried(tensors: Tensors, stack: int) -> tuple[_Array, _Array]:
    """What a stack hands on, its features and its maps brought back to as many channels, as one 1 x 1 convolution."""
    of_features, of_maps, to_maps = (tensors[f"{name}{stack}.weight"].astype(np.float64) for name in ("bl", "al", "l"))
    bias = tensors[f"bl{stack}.bias"] + tensors[f"al{stack}.bias"] + tensors[f"l{stack}.bias"] @ of_maps[0, 0]
    return of_features + to_maps @ of_maps, bias


def _frozen(values: _Array) -> Any:
    return keras.Variable(values.astype(np.float32), dtype="float32", trainable=False)
