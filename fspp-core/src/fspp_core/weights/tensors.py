"""The stored form of weights: safetensors, marked with their name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fspp_core.errors import WeightsError
from fspp_core.tensors import Arrays, read_arrays, read_metadata, write_arrays

_MARK = "fspp_weights"  # key in the file's own metadata: which weights these are


def write_tensors(path: Path, name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write tensors, marked as the weights called `name`.

    Raises:
        WeightsError: for an array that is not of numbers, or when the file cannot be written.
    """
    for key, array in arrays.items():
        if not isinstance(key, str) or not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
            raise WeightsError(f"weights {name!r}: {key!r} is {type(array).__name__}, expected an array of numbers")
    write_arrays(path, arrays, fault=WeightsError, metadata={_MARK: name})


def read_tensors(path: Path) -> Arrays:
    """All tensors of a file, in the order of their names.

    Raises:
        WeightsError: when the file is not whole.
    """
    return read_arrays(path, fault=WeightsError)


def stored_name(path: Path) -> str | None:
    """The name of the weights a file of a store holds, None for other files."""
    return read_metadata(path).get(_MARK)
