"""Weights of S3FD as they are published, by face-alignment and by DeepFaceLab, made ours; and ours read from disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file

from fspp_core.errors import PluginError
from fspp_detect_s3fd.shapes import NORMS, tensor_shapes

Tensors = dict[str, npt.NDArray[Any]]


def convert(raw: Mapping[str, npt.NDArray[Any]]) -> Tensors:
    """Our tensors from published ones; see `shapes.tensor_shapes` for their names and shapes.

    Args:
        raw: either face-alignment's (`conv1_1.weight`: out, in, rows, columns) or DeepFaceLab's (`conv1_1/weight:0`:
            rows, columns, in, out).

    Raises:
        PluginError: when these are the weights of something else, naming every tensor that is missing, unknown or of
            another shape.
    """
    torch = any("/" not in name for name in raw)
    found: Tensors = {}
    unknown = []
    for name, array in raw.items():
        layer, _, part = name.removesuffix(":0").rpartition("." if torch else "/")
        if part == "weight" and layer in NORMS:
            found[f"{layer}/scale"] = np.asarray(array).reshape(-1)
        elif part == "weight":
            found[f"{layer}/kernel"] = _kernel(np.asarray(array), torch)
        elif part == "bias":
            found[f"{layer}/bias"] = np.asarray(array)
        else:
            unknown.append(name)
    faults = [f"{name} is unknown" for name in unknown] + _faults(found)
    if faults:
        raise PluginError(f"these are not the weights of S3FD: {_several(faults)}")
    return {name: np.ascontiguousarray(array, np.float32) for name, array in found.items()}


def load(path: Path) -> Tensors:
    """Our tensors from a file.

    Raises:
        PluginError: when the file cannot be read or holds something else, naming it.
    """
    cure = "fetch or import the weights again"
    try:
        tensors: Tensors = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise PluginError(f"detector s3fd: cannot read its weights {path}: {error}; {cure}") from error
    faults = _faults(tensors) or [
        f"{name} is not finite" for name, array in tensors.items() if not np.isfinite(array).all()
    ]
    if faults:
        raise PluginError(f"detector s3fd: {path} does not hold its weights: {_several(faults)}; {cure}")
    return tensors


def _kernel(array: npt.NDArray[Any], torch: bool) -> npt.NDArray[Any]:
    return array.transpose(2, 3, 1, 0) if torch and array.ndim == 4 else array


def _faults(found: Mapping[str, npt.NDArray[Any]]) -> list[str]:
    wanted = tensor_shapes()
    missing = [f"{name} is missing" for name in wanted if name not in found]
    unknown = [f"{name} is unknown" for name in found if name not in wanted]
    wrong = [
        f"{name} has shape {found[name].shape} instead of {shape}"
        for name, shape in wanted.items()
        if name in found and found[name].shape != shape
    ]
    return [*missing, *unknown, *wrong]


def _several(faults: list[str]) -> str:
    more = f" and {len(faults) - 5} more" if len(faults) > 5 else ""
    return "; ".join(faults[:5]) + more
