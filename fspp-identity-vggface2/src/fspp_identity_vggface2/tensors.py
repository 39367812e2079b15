"""What the tables of all three networks are made of: names and shapes of their tensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]
Tensors = dict[str, Array]
Shapes = dict[str, tuple[int, ...]]

COUNTERS = "num_batches_tracked"
"""What torch adds to every norm, and nothing needs but training."""


def convolution(name: str, side: int, inputs: int, outputs: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Name and shape of a kernel, laid out as torch does: (outputs, inputs, rows, columns)."""
    yield f"{name}.weight", (outputs, inputs, side, side)


def norm(name: str, channels: int, *, affine: bool = True) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of a batch norm; without factor and summand of its own when it is not affine."""
    parts = ("weight", "bias", "running_mean", "running_var") if affine else ("running_mean", "running_var")
    yield from ((f"{name}.{part}", (channels,)) for part in parts)
