"""The network's tensors: which there are, under which names peers publish them, and how they are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fspp_core.weights import check_tensors, load_weights

STACKS, DEPTH, CHANNELS, LANDMARKS = 4, 4, 256, 68

Tensors = Mapping[str, npt.NDArray[Any]]

_NORM = ("weight", "bias", "running_mean", "running_var")
_NESTED = re.compile(r"m(\d)\.((?:b2_plus\.){0,4})(b[123]\.)?(.+)")
_EXPECTED = "a FAN with four stacks, as face-alignment, Faceswap or DeepFaceLab publish it"


def tensor_shapes(stacks: int = STACKS) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all tensors the first so many stacks need: face-alignment's names, kernels laid out HWIO."""
    return dict(_tensors(stacks))


def _tensors(stacks: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    half = CHANNELS // 2
    yield from _convolution("conv1", 7, 3, 64, bias=True)
    yield from _norm("bn1", 64)
    yield from _block("conv2", 64, half)
    yield from _block("conv3", half, half)
    yield from _block("conv4", half, CHANNELS)
    for stack in range(stacks):
        for level in range(1, DEPTH + 1):
            for branch in ("b1", "b2", "b3"):
                yield from _block(f"m{stack}.{branch}_{level}", CHANNELS, CHANNELS)
        yield from _block(f"m{stack}.b2_plus_1", CHANNELS, CHANNELS)
        yield from _block(f"top_m_{stack}", CHANNELS, CHANNELS)
        yield from _convolution(f"conv_last{stack}", 1, CHANNELS, CHANNELS, bias=True)
        yield from _norm(f"bn_end{stack}", CHANNELS)
        yield from _convolution(f"l{stack}", 1, CHANNELS, LANDMARKS, bias=True)
        if stack < stacks - 1:
            yield from _convolution(f"bl{stack}", 1, CHANNELS, CHANNELS, bias=True)
            yield from _convolution(f"al{stack}", 1, LANDMARKS, CHANNELS, bias=True)


def _convolution(
    name: str, side: int, inputs: int, outputs: int, *, bias: bool = False
) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", (side, side, inputs, outputs)
    if bias:
        yield f"{name}.bias", (outputs,)


def _norm(name: str, channels: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from ((f"{name}.{part}", (channels,)) for part in _NORM)


def _block(name: str, inputs: int, outputs: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    widths = (inputs, outputs // 2, outputs // 4, outputs // 4)
    for number in (1, 2, 3):
        yield from _norm(f"{name}.bn{number}", widths[number - 1])
        yield from _convolution(f"{name}.conv{number}", 3, widths[number - 1], widths[number])
    if inputs != outputs:
        yield from _norm(f"{name}.downsample.0", inputs)
        yield from _convolution(f"{name}.downsample.2", 1, inputs, outputs)


def convert(raw: Tensors) -> dict[str, npt.NDArray[Any]]:
    """Published tensors under our names, kernels laid out HWIO.

    Args:
        raw: a state dict of face-alignment or of Faceswap (kernels OIHW), or the arrays of DeepFaceLab's 2DFAN.npy or
            3DFAN.npy (kernels HWIO).

    Returns:
        float32 tensors as `tensor_shapes` lists them.

    Raises:
        WeightsError: when these are the weights of something else, naming the tensors.
    """
    return check_tensors(_renamed(raw), tensor_shapes(), "FAN", expected=_EXPECTED)


def _renamed(raw: Tensors) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    leras = any(name.endswith(":0") for name in raw)
    for name, tensor in raw.items():
        if name.endswith("num_batches_tracked"):  # counts training steps
            continue
        array = np.asarray(tensor)
        ours = _from_leras(name) if leras else _from_torch(name)
        yield ours, array.transpose(2, 3, 1, 0) if array.ndim == 4 and not leras else array


def load(path: Path, stacks: int = STACKS) -> dict[str, npt.NDArray[Any]]:
    """Read what the first so many stacks need from a safetensors file that `convert` made.

    Raises:
        PluginError: when the file is missing or damaged, or has other tensors.
    """
    return load_weights(path, tensor_shapes(stacks), "aligner fan", part=True)


def _from_torch(name: str) -> str:
    """Faceswap numbers the one module of each hourglass level and puts stack and module the other way round."""
    name = re.sub(r"^(m\d\.b\d(?:_plus)?_\d)_0\.", r"\1.", name)
    return re.sub(r"^top_m0_(\d)\.", r"top_m_\1.", name)


def _from_leras(name: str) -> str:
    """DeepFaceLab nests an hourglass level in the one above, where face-alignment counts levels down to 1."""
    name = name.removesuffix(":0").replace("/", ".")
    name = name.replace("down_bn1.", "downsample.0.").replace("down_conv1.", "downsample.2.")
    name = re.sub(r"^(m|conv_last|bn_end|l|bl|al)_(\d)\.", r"\1\2.", name)
    match = _NESTED.fullmatch(name)
    if match is None:
        return name
    stack, nesting, branch, rest = match.groups()
    level = DEPTH - nesting.count(".")
    return f"m{stack}.{branch[:-1]}_{level}.{rest}" if branch else f"m{stack}.b2_plus_{level + 1}.{rest}"
