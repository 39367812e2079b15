"""The stored form of weights: safetensors, which hold names and numbers and no code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from fspp_core.errors import WeightsError
from fspp_core.weights.arrays import Arrays

_MARK = "fspp_weights"  # key in the file's own metadata: which weights these are


def write_tensors(path: Path, name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write tensors, marked as the weights called `name`.

    Raises:
        WeightsError: for an array that is not of numbers, or when the file cannot be written.
    """
    for key, array in arrays.items():
        if not isinstance(key, str) or not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
            raise WeightsError(f"weights {name!r}: {key!r} is {type(array).__name__}, expected an array of numbers")
    dense = {key: np.require(array, requirements="C") for key, array in arrays.items()}
    try:
        save_file(dense, str(path), metadata={_MARK: name})
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: cannot be written: {error}; is the disk full?") from error


def read_tensors(path: Path) -> Arrays:
    """All tensors of a file, in the order of their names.

    Raises:
        WeightsError: when the file is not whole.
    """
    try:
        with safe_open(str(path), framework="np") as file:
            return {name: file.get_tensor(name) for name in sorted(file.keys())}
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path}: is not a whole safetensors file: {error}") from error


def stored_name(path: Path) -> str | None:
    """The name of the weights a file of a store holds, None for other files."""
    try:
        with safe_open(str(path), framework="np") as file:
            return (file.metadata() or {}).get(_MARK)
    except (SafetensorError, OSError, ValueError, TypeError):
        return None
