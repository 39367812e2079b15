"""A network's own tensors: checked against the names and shapes it has, when they are converted and when loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fspp_core.errors import PluginError, WeightsError
from fspp_core.tensors import Arrays, read_arrays

Shapes = Mapping[str, tuple[int, ...]]

_NAMED = 5  # faults in one message
_CURE = "fetch or import the weights again"


def check_tensors(
    tensors: Iterable[tuple[str, npt.NDArray[Any]]], shapes: Shapes, network: str, *, expected: str | None = None
) -> Arrays:
    """Published tensors, renamed and laid out as yours, if they are those of the network: for `WeightFile.convert`.

    Args:
        tensors: name and array of each, of any dtype of numbers.
        shapes: names and shapes of all tensors the network has.
        network: what users call it, as "S3FD".
        expected: which file to look for instead, for the message.

    Returns:
        float32 tensors, C-contiguous, in the order of `shapes`.

    Raises:
        WeightsError: naming tensors that come twice, have another shape, are unknown, missing, or not finite.
    """
    found: Arrays = {}
    twice = []
    for name, tensor in tensors:
        if name in found:
            twice.append(f"{name} comes twice")
        found[name] = np.asarray(tensor)
    faults = [*twice, *_faults(found, shapes)]
    if faults:
        hint = "" if expected is None else f"; expected {expected}"
        raise WeightsError(f"these are not the weights of {network}: {_several(faults)}{hint}")
    return _plain(found, shapes)


def load_weights(path: Path, shapes: Shapes, component: str, *, part: bool = False) -> Arrays:
    """The tensors of a network from the safetensors that its component was given.

    Args:
        path: file in the store.
        shapes: names and shapes of the tensors the network has.
        component: kind and name, as "detector s3fd".
        part: take what `shapes` names and leave what else is in the file unread, for a network that runs in part;
            otherwise other tensors in it are a fault.

    Returns:
        float32 tensors, C-contiguous, in the order of `shapes`.

    Raises:
        PluginError: naming the component and the file, when that is missing or damaged, and the tensors that have
            another shape, are unknown, missing, or not finite.
    """
    try:
        found = read_arrays(path, fault=PluginError, only=frozenset(shapes) if part else None)
    except PluginError as error:
        raise PluginError(f"{component}: {error}; {_CURE}") from error
    faults = _faults(found, shapes)
    if faults:
        raise PluginError(f"{component}: {path} does not hold its weights: {_several(faults)}; {_CURE}")
    return _plain(found, shapes)


def _faults(found: Mapping[str, npt.NDArray[Any]], shapes: Shapes) -> list[str]:
    """The most telling first: a tensor of another shape is often the right network made otherwise."""
    wrong = [
        f"{name} has shape {found[name].shape} instead of {shape}"
        for name, shape in shapes.items()
        if name in found and found[name].shape != shape
    ]
    unknown = [f"{name} is unknown" for name in found if name not in shapes]
    missing = [f"{name} is missing" for name in shapes if name not in found]
    return [*wrong, *unknown, *missing] or [f"{name} is not finite" for name in shapes if not _finite(found[name])]


def _finite(array: npt.NDArray[Any]) -> bool:
    """Whether all values are numbers that float32 reaches."""
    with np.errstate(over="ignore"):
        return bool(np.isfinite(array.astype(np.float32, copy=False)).all())


def _plain(found: Mapping[str, npt.NDArray[Any]], shapes: Shapes) -> Arrays:
    return {name: np.asarray(found[name], np.float32, order="C") for name in shapes}


def _several(faults: list[str]) -> str:
    more = f" and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
    return "; ".join(faults[:_NAMED]) + more
