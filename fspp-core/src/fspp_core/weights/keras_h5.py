"""Reads the weights in Keras's HDF5 files, of any version, and nothing that such a file may point to elsewhere."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fspp_core.errors import WeightsError
from fspp_core.weights.arrays import MAX_BYTES, Arrays
from fspp_core.weights.tensors import read_tensors, write_tensors

_MAX_ITEMS = 100_000
_TIMEOUT_S = 600
_FILTERS = {"1", "2", "3", "32000"}  # deflate, shuffle, Fletcher-32 and LZF, which all h5py bring; no plugin is loaded


def read_h5(path: Path) -> Arrays:
    """Tensors by the names Keras gave them, read in a process of their own.

    The HDF5 library does not survive every damaged file; so it is another process that ends.

    In the layout of Keras 2 (`layer_names`, `weight_names`) these are names as `conv1/kernel:0`; a name that two layers
    use is preceded by the layer's. In other files they are the paths of the datasets, joined with slashes.

    Raises:
        WeightsError: when the file is damaged, refers to other files, or holds more than weights can.
    """
    with tempfile.TemporaryDirectory() as folder:
        whole, fault = Path(folder) / "whole", Path(folder) / "fault"
        words = [sys.executable, "-m", __name__, str(path.resolve()), folder]
        try:
            code = subprocess.run(words, capture_output=True, timeout=_TIMEOUT_S, check=False).returncode
        except subprocess.TimeoutExpired:
            raise WeightsError(f"the HDF5 file is damaged: it could not be read in {_TIMEOUT_S} s") from None
        if fault.exists():
            raise WeightsError(fault.read_text(encoding="utf-8"))
        if code or not whole.exists():
            raise WeightsError(f"the HDF5 file is damaged: the HDF5 library crashed on it (exit code {code})")
        return read_tensors(whole)


def main(path: Path, folder: Path) -> None:
    """What the other process does: write the tensors of `path`, or why there are none, into `folder`."""
    try:
        write_tensors(folder / "draft", "", _read(path))
        (folder / "draft").replace(folder / "whole")
    except WeightsError as error:
        (folder / "fault").write_text(str(error), encoding="utf-8")


def _read(path: Path) -> Arrays:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            root = _child(file, "model_weights") if "model_weights" in file else file
            found = list(_keras2(root) if _has_layers(root) else _all(root, ""))
            _check_sizes(found)
            arrays: Arrays = {}
            for layer, name, dataset in found:
                key = f"{layer}/{name}" if name in arrays else name
                if key in arrays:
                    raise WeightsError(f"two tensors are called {key!r}")
                arrays[key] = np.asarray(dataset[()])
    except (OSError, ValueError, TypeError, LookupError, RuntimeError, AttributeError, RecursionError) as error:
        raise WeightsError(f"the HDF5 file is damaged: {type(error).__name__}: {error}") from error
    if not arrays:
        raise WeightsError("there are no tensors in the file")
    return arrays


def _has_layers(group: Any) -> bool:
    return "layer_names" in group.attrs or "layer_names0" in group.attrs


def _names(group: Any, attribute: str) -> list[str]:
    """An attribute with names, which Keras splits when it grows beyond what HDF5 takes."""
    if attribute in group.attrs:
        parts = [group.attrs[attribute]]
    else:
        parts = []
        while f"{attribute}{len(parts)}" in group.attrs:
            parts.append(group.attrs[f"{attribute}{len(parts)}"])
    return [name.decode("utf-8") if isinstance(name, bytes) else str(name) for part in parts for name in part]


def _keras2(root: Any) -> Iterator[tuple[str, str, Any]]:
    for layer in _names(root, "layer_names"):
        group = _child(root, layer)
        for name in _names(group, "weight_names"):
            yield layer, name, _dataset(group, name)


def _all(group: Any, prefix: str, depth: int = 0) -> Iterator[tuple[str, str, Any]]:
    import h5py

    if depth > 64:
        raise WeightsError("the HDF5 file nests deeper than weights do")
    for key in group:
        child = _child(group, key)
        if isinstance(child, h5py.Group):
            yield from _all(child, f"{prefix}{key}/", depth + 1)
        else:
            yield "", f"{prefix}{key}", _plain(child, f"{prefix}{key}")


def _child(group: Any, path: str) -> Any:
    """What lies at a path in a group, without following links that could lead out of the file."""
    import h5py

    here = group
    for key in filter(None, path.split("/")):
        if key == ".." or not isinstance(here, h5py.Group):
            raise WeightsError(f"the HDF5 file names {path[:100]!r}, which is not in it")
        if not isinstance(here.get(key, getlink=True), h5py.HardLink):
            raise WeightsError(f"{path[:100]!r} in the HDF5 file is a link; it was not followed")
        here = here[key]
    return here


def _dataset(group: Any, path: str) -> Any:
    return _plain(_child(group, path), path)


def _plain(dataset: Any, path: str) -> Any:
    """The dataset, if its numbers lie in this file.

    Raises:
        WeightsError: when they do not, or are no numbers.
    """
    import h5py

    if not isinstance(dataset, h5py.Dataset) or dataset.is_virtual or dataset.external:
        raise WeightsError(f"{path[:100]!r} in the HDF5 file has its content elsewhere; it was not read")
    if dataset.dtype.kind not in "biuf":
        raise WeightsError(f"{path[:100]!r} in the HDF5 file has dtype {dataset.dtype}: only numbers can be weights")
    unknown = set(dataset._filters) - _FILTERS - {"gzip", "shuffle", "fletcher32", "lzf"}
    if unknown:
        raise WeightsError(f"{path[:100]!r} in the HDF5 file is packed with {', '.join(unknown)}; it was not read")
    return dataset


def _check_sizes(found: list[tuple[str, str, Any]]) -> None:
    total = sum(int(dataset.size) * dataset.dtype.itemsize for _, _, dataset in found)
    if len(found) > _MAX_ITEMS or total > MAX_BYTES:
        raise WeightsError(f"{len(found)} tensors of {total} bytes are more than weights have")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
