"""The arrays of a checkpoint: safetensors, with a checkpoint's errors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from fspp_core.errors import CheckpointError
from fspp_core.tensors import Arrays, read_arrays, write_arrays


def write_tensors(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write arrays of any shape and of the dtypes of safetensors, bfloat16 included.

    Raises:
        CheckpointError: for an array of another dtype, naming it, or when the file cannot be written.
    """
    for name, array in arrays.items():
        if array.dtype.hasobject or array.dtype.kind in "USmM":
            raise CheckpointError(f"{path.name}: array {name!r} has dtype {array.dtype}; only numbers can be saved")
    write_arrays(path, arrays, fault=CheckpointError)


def read_tensors(path: Path) -> Arrays:
    """All arrays of a file, copied into memory, in the order of their names.

    Raises:
        CheckpointError: when the file is missing or is not whole.
    """
    return read_arrays(path, fault=CheckpointError)
