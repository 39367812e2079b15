"""The network's tensors: which there are, under which names they are published, and how they are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fspp_core.weights import check_tensors, load_weights
from fspp_mask_bisenet.schemes import FACESWAP, ORIGINAL

Tensors = Mapping[str, npt.NDArray[Any]]
Shape = tuple[int, ...]

STAGES = {"layer1": (64, 64), "layer2": (64, 128), "layer3": (128, 256), "layer4": (256, 512)}
"""Channels that go into and come out of each stage of ResNet-18."""

_NORM = ("weight", "bias", "running_mean", "running_var")
_HEAD = re.compile(r"(conv_out(?:16|32)?)\.conv1\.")


def tensor_shapes(classes: int) -> dict[str, Shape]:
    """Names and shapes of all tensors: zllrunning's names, kernels laid out HWIO."""
    return dict(_tensors(classes))


def _tensors(classes: int) -> Iterator[tuple[str, Shape]]:
    yield from _trunk("cp.resnet")
    for level, inputs in (("16", 256), ("32", 512)):
        yield from _block(f"cp.arm{level}.conv", 3, inputs, 128)
        yield f"cp.arm{level}.conv_atten.weight", (1, 1, 128, 128)
        yield from _norm(f"cp.arm{level}.bn_atten", 128)
        yield from _block(f"cp.conv_head{level}", 3, 128, 128)
    yield from _block("cp.conv_avg", 1, 512, 128)
    yield from _block("ffm.convblk", 1, 256, 256)
    yield "ffm.conv1.weight", (1, 1, 256, 64)
    yield "ffm.conv2.weight", (1, 1, 64, 256)
    for head, inputs, width in (("conv_out", 256, 256), ("conv_out16", 128, 64), ("conv_out32", 128, 64)):
        yield from _block(f"{head}.conv", 3, inputs, width)
        yield f"{head}.conv_out.weight", (1, 1, width, classes)


def _trunk(name: str) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.conv1.weight", (7, 7, 3, 64)
    yield from _norm(f"{name}.bn1", 64)
    for stage, (inputs, outputs) in STAGES.items():
        for number, width in enumerate((inputs, outputs)):
            block = f"{name}.{stage}.{number}"
            yield f"{block}.conv1.weight", (3, 3, width, outputs)
            yield from _norm(f"{block}.bn1", outputs)
            yield f"{block}.conv2.weight", (3, 3, outputs, outputs)
            yield from _norm(f"{block}.bn2", outputs)
            if width != outputs:
                yield f"{block}.downsample.0.weight", (1, 1, width, outputs)
                yield from _norm(f"{block}.downsample.1", outputs)


def _block(name: str, side: int, inputs: int, outputs: int) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.conv.weight", (side, side, inputs, outputs)
    yield from _norm(f"{name}.bn", outputs)


def _norm(name: str, channels: int) -> Iterator[tuple[str, Shape]]:
    yield from ((f"{name}.{part}", (channels,)) for part in _NORM)


def convert_original(raw: Tensors) -> dict[str, npt.NDArray[Any]]:
    """Published tensors with 19 classes under our names; see `convert`."""
    return convert(raw, len(ORIGINAL.classes))


def convert_faceswap(raw: Tensors) -> dict[str, npt.NDArray[Any]]:
    """Published tensors with Faceswap's 5 classes under our names; see `convert`."""
    return convert(raw, len(FACESWAP.classes))


def convert(raw: Tensors, classes: int) -> dict[str, npt.NDArray[Any]]:
    """Published tensors under our names, kernels laid out HWIO.

    Args:
        raw: the state dict of zllrunning's `79999_iter.pth` or of Faceswap's `bisenet_face_parsing_v*.pth`, which name
            the three heads differently; kernels OIHW.
        classes: how many outputs the network must have.

    Returns:
        float32 tensors as `tensor_shapes` lists them.

    Raises:
        WeightsError: when these are other weights, naming the tensors.
    """
    expected = "a state dict as zllrunning or Faceswap publish it as .pth"
    return check_tensors(_renamed(raw), tensor_shapes(classes), f"BiSeNet with {classes} classes", expected=expected)


def _renamed(raw: Tensors) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    for name, tensor in raw.items():
        if not name.endswith("num_batches_tracked"):  # counts training steps
            array = np.asarray(tensor)
            yield _HEAD.sub(r"\1.conv.", name), array.transpose(2, 3, 1, 0) if array.ndim == 4 else array


def load(path: Path, classes: int) -> dict[str, npt.NDArray[Any]]:
    """Our tensors from a safetensors file that `convert` made.

    Raises:
        PluginError: when the file cannot be read or holds something else, naming it.
    """
    return load_weights(path, tensor_shapes(classes), "masker bisenet")
