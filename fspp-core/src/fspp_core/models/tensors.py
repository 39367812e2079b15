"""Named arrays in safetensors files: no code in them, so that a checkpoint from elsewhere is safe to read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from fspp_core.errors import CheckpointError

Arrays = dict[str, npt.NDArray[Any]]


def write_tensors(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write arrays of any shape and of the dtypes of safetensors, bfloat16 included.

    Raises:
        CheckpointError: for an array of another dtype, naming it.
    """
    # safetensors reads the memory behind an array as it lies, whatever its strides
    dense = {name: np.require(array, requirements="C") for name, array in arrays.items()}
    for name, array in dense.items():
        if array.dtype.hasobject or array.dtype.kind in "USmM":
            raise CheckpointError(f"{path.name}: array {name!r} has dtype {array.dtype}; only numbers can be saved")
    try:
        save_file(dense, str(path))
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: cannot be written: {error}; is the disk full?") from error


def read_tensors(path: Path) -> Arrays:
    """All arrays of a file, copied into memory, in the order of their names.

    Raises:
        CheckpointError: when the file is missing or is not whole.
    """
    try:
        with safe_open(str(path), framework="np") as file:
            return {name: file.get_tensor(name) for name in sorted(file.keys())}
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{path}: is not a whole safetensors file: {error}") from error
