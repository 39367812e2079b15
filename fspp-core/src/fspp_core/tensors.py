"""Named arrays in safetensors files: no code in them, so that one from elsewhere is safe to read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from fspp_core.errors import FsppError

Arrays = dict[str, npt.NDArray[Any]]

_UNREADABLE = (SafetensorError, OSError, ValueError, TypeError, AttributeError)


def write_arrays(
    path: Path,
    arrays: Mapping[str, npt.NDArray[Any]],
    *,
    fault: type[FsppError],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write arrays of any shape and of the dtypes of safetensors, bfloat16 included.

    Raises:
        fault: when the file cannot be written.
    """
    # safetensors reads the memory behind an array as it lies, whatever its strides
    dense = {name: np.require(array, requirements="C") for name, array in arrays.items()}
    try:
        save_file(dense, str(path), metadata=None if metadata is None else dict(metadata))
    except (SafetensorError, OSError) as error:
        raise fault(f"{path}: cannot be written: {error}; is the disk full?") from error


def read_arrays(path: Path, *, fault: type[FsppError], only: Collection[str] | None = None) -> Arrays:
    """The arrays of a file, copied into memory, in the order of their names.

    Args:
        only: names of those to read, as far as they are there; all when None.

    Raises:
        fault: when the file is missing or is not whole.
    """
    try:
        with safe_open(str(path), framework="np") as file:
            return {name: file.get_tensor(name) for name in sorted(file.keys()) if only is None or name in only}
    except OSError as error:
        raise fault(f"{path}: cannot be read: {error}") from error
    except _UNREADABLE as error:
        raise fault(f"{path}: is not a whole safetensors file: {error}") from error


def read_metadata(path: Path) -> dict[str, str]:
    """What a file says of itself; nothing when it cannot be read."""
    try:
        with safe_open(str(path), framework="np") as file:
            return dict(file.metadata() or {})
    except _UNREADABLE:
        return {}
