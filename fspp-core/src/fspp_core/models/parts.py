"""The weights of a part, a Keras model, as named arrays and back, whatever numbers Keras gave to its layers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fspp_core.errors import CheckpointError
from fspp_core.tensors import Arrays

if TYPE_CHECKING:
    import keras


def part_variables(part: keras.Model) -> dict[str, Any]:
    """Variables of a part by their paths in it, such as `down_0/conv/kernel`.

    Names that Keras made up (`conv2d_57`, where 57 counts the layers of the whole process) are replaced by the class
    and the place among the siblings of that class, so that a path depends on the part alone.
    """
    named: dict[str, Any] = {}
    seen: set[int] = set()
    for path, variable in _walk(part, ""):
        if id(variable) not in seen:
            seen.add(id(variable))
            named[path] = variable
    return named


def part_arrays(part: keras.Model) -> Arrays:
    """The weights of a part as arrays by path."""
    from keras import ops

    return {path: np.asarray(ops.convert_to_numpy(variable)) for path, variable in part_variables(part).items()}


def part_faults(name: str, part: keras.Model, arrays: Mapping[str, npt.NDArray[Any]]) -> list[str]:
    """Everything that keeps `arrays` from being the weights of `part`: missing, unknown, of another shape."""
    variables = part_variables(part)
    faults = [f"{name}: {path} is missing" for path in variables if path not in arrays]
    faults += [f"{name}: {path} is not in the model" for path in arrays if path not in variables]
    for path, variable in variables.items():
        wanted = tuple(variable.shape)
        if path in arrays and arrays[path].shape != wanted:
            faults.append(f"{name}: {path} has shape {arrays[path].shape}, the model wants {wanted}")
    return faults


def load_parts(
    parts: Mapping[str, keras.Model], arrays: Mapping[str, Mapping[str, npt.NDArray[Any]]], *, where: str
) -> None:
    """Put arrays into the parts, all or none.

    Args:
        parts: by name.
        arrays: weights of each part by path; numbers are converted to the dtype of the variable.
        where: what the arrays come from, for messages.

    Raises:
        CheckpointError: listing every part and weight that does not fit; nothing has been changed then.
    """
    faults = [f"part {name} is missing" for name in parts if name not in arrays]
    faults += [f"part {name} is not in the model" for name in arrays if name not in parts]
    for name in (name for name in parts if name in arrays):
        faults += part_faults(name, parts[name], arrays[name])
    if faults:
        raise CheckpointError(
            f"{where}: does not fit the model, nothing was loaded:\n  "
            + "\n  ".join(faults)
            + "\nBuild the model with the options it was saved with"
        )
    for name, part in parts.items():
        for path, variable in part_variables(part).items():
            variable.assign(arrays[name][path])


def _walk(layer: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Every variable at or below a layer with its path; those of sublayers first, so that they get the deepest path."""
    taken: set[str] = set()
    inner: set[int] = set()
    for child in layer._flatten_layers(include_self=False, recursive=False):
        if child.weights:
            inner.update(id(variable) for variable in child.weights)
            yield from _walk(child, f"{prefix}{_free(_stable_name(child), taken)}/")
    for variable in layer.weights:
        if id(variable) not in inner:
            yield f"{prefix}{_free(variable.name, taken)}", variable


def _stable_name(layer: Any) -> str:
    """The layer's own name, or that of its class where Keras made the name up from it and its count of such layers."""
    made_up = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", type(layer).__name__)
    made_up = re.sub(r"([a-z])([A-Z])", r"\1_\2", made_up).lower()
    own: str = layer.name
    return made_up if re.fullmatch(rf"{re.escape(made_up)}(_\d+)?", own) else own


def _free(name: str, taken: set[str]) -> str:
    """`name`, numbered if a sibling has it, and taken from now on."""
    free = next(n for n in chain([name], (f"{name}_{i}" for i in count(1))) if n not in taken)
    taken.add(free)
    return free
