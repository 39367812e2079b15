"""The tensors of VGGFace2's ResNet-50, under the names Faceswap's .pth and the original Keras file publish them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from fspp_core.weights import check_tensors, load_weights
from fspp_identity_vggface2.tensors import COUNTERS, Array, Shapes, Tensors, convolution, norm

BLOCKS = (3, 4, 6, 3)
DIMENSIONS = 512

_STEM = {"conv1/7x7_s2": "resnet.conv", "conv1/7x7_s2/bn": "resnet.bn", "dim_proj": "dim_proj"}
_LAYER = re.compile(r"conv([2-5])_(\d)_(1x1_reduce|3x3|1x1_increase|1x1_proj)(/bn)?")
_CONVOLUTION = {"1x1_reduce": "reduce_conv", "3x3": "conv", "1x1_increase": "increase_conv", "1x1_proj": "proj"}
_NORM = {"1x1_reduce": "reduce_bn", "3x3": "bn", "1x1_increase": "increase_bn", "1x1_proj": "proj_bn"}
_PARTS = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "bias": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_CLASSIFIER = "classifier_low_dim"  # of the training identities; the Keras file has it, and nothing here needs it


def block_name(stage: int, number: int) -> str:
    """The name of a residual block, both counted from 0."""
    return f"resnet.id{stage + 1}.{number - 1}" if number else f"resnet.block{stage + 1}"


def tensor_shapes() -> Shapes:
    """Names and shapes of all tensors, named and laid out as in Faceswap's .pth."""
    return dict(_tensors())


def _tensors() -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from convolution("resnet.conv", 7, 3, 64)
    yield from norm("resnet.bn", 64)
    inputs = 64
    for stage, blocks in enumerate(BLOCKS):
        width = 64 << stage
        for number in range(blocks):
            name = block_name(stage, number)
            yield from convolution(f"{name}.reduce_conv", 1, inputs, width)
            yield from norm(f"{name}.reduce_bn", width)
            yield from convolution(f"{name}.conv", 3, width, width)
            yield from norm(f"{name}.bn", width)
            yield from convolution(f"{name}.increase_conv", 1, width, 4 * width)
            yield from norm(f"{name}.increase_bn", 4 * width)
            if not number:
                yield from convolution(f"{name}.proj", 1, inputs, 4 * width)
                yield from norm(f"{name}.proj_bn", 4 * width)
            inputs = 4 * width
    yield "dim_proj.weight", (DIMENSIONS, inputs)
    yield "dim_proj.bias", (DIMENSIONS,)


def convert(raw: Mapping[str, Array]) -> Tensors:
    """Our tensors, see `tensor_shapes`, from published ones.

    Args:
        raw: Faceswap's state dict (`resnet.block1.reduce_conv.weight`, kernels OIHW), which is how ours are named too,
            or the layers of the Keras model it was made of (`conv2_1_1x1_reduce/kernel:0`, kernels HWIO).

    Raises:
        WeightsError: when these are the weights of something else, naming the tensors.
    """
    return check_tensors(_renamed(raw), tensor_shapes(), "VGGFace2's ResNet-50, as Faceswap has it")


def _renamed(raw: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    for name, tensor in raw.items():
        if name.endswith(COUNTERS) or name.split("/")[0] == _CLASSIFIER:
            continue
        keras = "/" in name
        array = np.asarray(tensor)
        axes = {4: (3, 2, 0, 1), 2: (1, 0)}.get(array.ndim) if keras else None
        yield _from_keras(name) if keras else name, array if axes is None else array.transpose(axes)


def load_vggface2(path: Path) -> Tensors:
    """Read stored weights.

    Raises:
        PluginError: when the file is missing or damaged, or holds something else.
    """
    return load_weights(path, tensor_shapes(), "recognizer vggface2")


def _from_keras(name: str) -> str:
    """Our name of a Keras one, which stays as it is when it is not known."""
    layer, _, part = name.removesuffix(":0").rpartition("/")
    match = _LAYER.fullmatch(layer)
    if part not in _PARTS:
        return name
    if layer in _STEM:
        return f"{_STEM[layer]}.{_PARTS[part]}"
    if match is None:
        return name
    stage, number, what, is_norm = match.groups()
    kind = _NORM if is_norm else _CONVOLUTION
    return f"{block_name(int(stage) - 2, int(number) - 1)}.{kind[what]}.{_PARTS[part]}"
