"""A network's tensors: checked against what it needs, and read from disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file

from fspp_core.errors import PluginError

Array = npt.NDArray[Any]
Tensors = dict[str, Array]
Shapes = dict[str, tuple[int, ...]]

COUNTERS = "num_batches_tracked"
"""What torch adds to every norm, and nothing needs but training."""

_NAMED = 8


def convolution(name: str, side: int, inputs: int, outputs: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Name and shape of a kernel, laid out as torch does: (outputs, inputs, rows, columns)."""
    yield f"{name}.weight", (outputs, inputs, side, side)


def norm(name: str, channels: int, *, affine: bool = True) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of a batch norm; without factor and summand of its own when it is not affine."""
    parts = ("weight", "bias", "running_mean", "running_var") if affine else ("running_mean", "running_var")
    yield from ((f"{name}.{part}", (channels,)) for part in parts)


def checked(found: Mapping[str, Array], shapes: Shapes, where: str) -> Tensors:
    """The tensors as float32, if they are all there, no others, and all finite.

    Raises:
        PluginError: naming those that are missing, unknown, of another shape, or not finite.
    """
    missing = [f"{name} is missing" for name in shapes if name not in found]
    unknown = [f"{name} is unknown" for name in found if name not in shapes]
    wrong = [
        f"{name} has shape {found[name].shape} instead of {shape}"
        for name, shape in shapes.items()
        if name in found and found[name].shape != shape
    ]
    faults = [*unknown, *missing, *wrong]
    faults = faults or [f"{name} is not finite" for name, array in found.items() if not np.isfinite(array).all()]
    if faults:
        more = f" and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
        raise PluginError(f"{where}: {'; '.join(faults[:_NAMED])}{more}")
    return {name: np.ascontiguousarray(found[name], np.float32) for name in shapes}


def load(path: Path, shapes: Shapes, component: str) -> Tensors:
    """Read stored weights.

    Raises:
        PluginError: when the file cannot be read or holds something else, naming it.
    """
    cure = "import the weights again"
    try:
        found = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise PluginError(f"recognizer {component}: cannot read its weights {path}: {error}; {cure}") from error
    return checked(found, shapes, f"recognizer {component}: {path} does not hold its weights; {cure}")
