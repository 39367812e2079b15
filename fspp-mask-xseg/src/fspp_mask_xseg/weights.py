"""The network's tensors: which there are, how DeepFaceLab's file names them, and how they are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from fspp_core.weights import check_tensors, load_weights

Tensors = Mapping[str, npt.NDArray[Any]]
Shape = tuple[int, ...]

BASE, OUTPUTS, SIDE, CODE = 32, 1, 256, 512
LEVELS = 6

DOWN: dict[str, tuple[int, int]] = {
    "conv01": (3, BASE),
    "conv02": (BASE, BASE),
    "conv11": (BASE, 2 * BASE),
    "conv12": (2 * BASE, 2 * BASE),
    "conv21": (2 * BASE, 4 * BASE),
    "conv22": (4 * BASE, 4 * BASE),
    "conv31": (4 * BASE, 8 * BASE),
    **dict.fromkeys(("conv32", "conv33", "conv41", "conv42", "conv43"), (8 * BASE, 8 * BASE)),
    **dict.fromkeys(("conv51", "conv52", "conv53"), (8 * BASE, 8 * BASE)),
}
"""Channels in and out of the convolutions on the way down, in their order; the first digit is the level."""

UP: dict[str, tuple[int, int]] = {
    **{f"up{level}": (8 * BASE, 4 * BASE) for level in (5, 4, 3, 2)},
    "up1": (4 * BASE, 2 * BASE),
    "up0": (2 * BASE, BASE),
}
"""Channels in and out of the transposed convolutions."""

JOINED: dict[str, tuple[int, int]] = {
    **{
        f"uconv{level}{number}": ((12 if number == 3 else 8) * BASE, 8 * BASE)
        for level in (5, 4, 3)
        for number in (3, 2, 1)
    },
    "uconv22": (8 * BASE, 4 * BASE),
    "uconv21": (4 * BASE, 4 * BASE),
    "uconv12": (4 * BASE, 2 * BASE),
    "uconv11": (2 * BASE, 2 * BASE),
    "uconv02": (2 * BASE, BASE),
    "uconv01": (BASE, BASE),
}
"""Channels in and out of the convolutions on the way up, in their order; the first of a level sees the skip too."""


def tensor_shapes() -> dict[str, Shape]:
    """Names and shapes of all tensors: DeepFaceLab's names without `:0`, in its layouts, which are Keras's too."""
    return dict(_tensors())


def _tensors() -> Iterator[tuple[str, Shape]]:
    for name, (inputs, outputs) in (DOWN | JOINED).items():
        yield from _block(name, (3, 3, inputs, outputs), outputs)
    for name, (inputs, outputs) in UP.items():
        yield from _block(name, (3, 3, outputs, inputs), outputs)
    flat = (SIDE >> LEVELS) ** 2 * 8 * BASE
    yield from {"dense1/weight": (flat, CODE), "dense1/bias": (CODE,)}.items()
    yield from {"dense2/weight": (CODE, flat), "dense2/bias": (flat,)}.items()
    yield from {"out_conv/weight": (3, 3, BASE, OUTPUTS), "out_conv/bias": (OUTPUTS,)}.items()


def _block(name: str, kernel: Shape, outputs: int) -> Iterator[tuple[str, Shape]]:
    yield f"{name}/conv/weight", kernel
    yield f"{name}/frn/eps", (1,)
    yield from ((f"{name}/{part}", (outputs,)) for part in ("conv/bias", "frn/weight", "frn/bias", "tlu/tau"))


def convert(raw: Tensors) -> dict[str, npt.NDArray[Any]]:
    """The tensors of DeepFaceLab's `XSeg_256.npy` under our names.

    Args:
        raw: `conv01/conv/weight:0` and so on, as the file has them.

    Returns:
        float32 tensors as `tensor_shapes` lists them.

    Raises:
        WeightsError: when these are other weights, naming the tensors.
    """
    named = ((name.removesuffix(":0"), tensor) for name, tensor in raw.items())
    return check_tensors(named, tensor_shapes(), "XSeg", expected="DeepFaceLab's XSeg_256.npy")


def load(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Our tensors from a safetensors file that `convert` made.

    Raises:
        PluginError: when the file cannot be read or holds something else, naming it.
    """
    return load_weights(path, tensor_shapes(), "masker xseg")
