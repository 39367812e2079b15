"""Weights of S3FD as they are published, by face-alignment and by DeepFaceLab, made ours; and ours read from disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fspp_core.weights import check_tensors, load_weights
from fspp_detect_s3fd.shapes import NORMS, tensor_shapes

Tensors = dict[str, npt.NDArray[Any]]


def convert(raw: Mapping[str, npt.NDArray[Any]]) -> Tensors:
    """Our tensors from published ones; see `shapes.tensor_shapes` for their names and shapes.

    Args:
        raw: either face-alignment's (`conv1_1.weight`: out, in, rows, columns) or DeepFaceLab's (`conv1_1/weight:0`:
            rows, columns, in, out).

    Raises:
        WeightsError: when these are the weights of something else, naming the tensors.
    """
    return check_tensors(_renamed(raw), tensor_shapes(), "S3FD")


def load(path: Path) -> Tensors:
    """Our tensors from a file.

    Raises:
        PluginError: when the file cannot be read or holds something else, naming it.
    """
    return load_weights(path, tensor_shapes(), "detector s3fd")


def _renamed(raw: Mapping[str, npt.NDArray[Any]]) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    torch = any("/" not in name for name in raw)
    for name, array in raw.items():
        layer, _, part = name.removesuffix(":0").rpartition("." if torch else "/")
        if part == "weight" and layer in NORMS:
            yield f"{layer}/scale", np.asarray(array).reshape(-1)
        elif part == "weight":
            yield f"{layer}/kernel", _kernel(np.asarray(array), torch)
        else:
            yield f"{layer}/bias" if part == "bias" else name, array


def _kernel(array: npt.NDArray[Any], torch: bool) -> npt.NDArray[Any]:
    return array.transpose(2, 3, 1, 0) if torch and array.ndim == 4 else array
