"""Going on with a training: what may have changed, and putting weights, optimizer and random numbers back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import numpy.typing as npt

from fspp_core.errors import CheckpointError, TrainingError
from fspp_core.options import fixed_options, options_dict
from fspp_core.registry import Registry
from fspp_core.training.options import TrainOptions

if TYPE_CHECKING:
    from fspp_core.models import Checkpoint


def model_options(
    registry: Registry, options: TrainOptions, raw: Mapping[str, Any], checkpoint: Checkpoint | None
) -> Any:
    """The options to build the model with: those of the checkpoint with what may change laid over them.

    Args:
        raw: option values the user gave for the model.

    Raises:
        TrainingError: naming each fixed option that differs from the model in the folder.
    """
    asked = registry.options("model", options.model, raw, preset=options.preset)
    if checkpoint is None:
        return asked
    faults = []
    stored_training = {"model": checkpoint.model_name, **checkpoint.state.get("train_options", {})}
    for name in sorted(fixed_options(TrainOptions)):
        stored, wanted = stored_training.get(name), getattr(options, name)
        if stored is not None and stored != wanted:
            faults.append(f"{name}: the model was made with {stored!r}, now it is {wanted!r}")
    if checkpoint.model_name == options.model:
        wanted_values = options_dict(asked)
        named = set(wanted_values) if options.preset is not None else set(raw)
        for name in sorted(named & fixed_options(type(asked))):
            stored = checkpoint.model_options.get(name, wanted_values[name])
            if stored != wanted_values[name]:
                faults.append(
                    f"{options.model}.{name}: the model was made with {stored!r}, now it is {wanted_values[name]!r}"
                )
    if faults:
        raise TrainingError(
            f"{checkpoint.path}: the model in this folder is another one and these options cannot change:\n  "
            + "\n  ".join(faults)
            + "\nLeave them as they were, or train into another folder"
        )
    fixed = fixed_options(type(asked))
    changed = {name: value for name, value in raw.items() if name not in fixed}
    return registry.options("model", options.model, {**checkpoint.model_options, **changed})


def optimizer_arrays(optimizer: keras.optimizers.Optimizer) -> dict[str, npt.NDArray[Any]]:
    """All variables of an optimizer by stable names; a loss-scaling wrapper's own ones apart."""
    return {name: np.asarray(keras.ops.convert_to_numpy(value)) for name, value in _variables(optimizer).items()}


def restore_optimizer(optimizer: keras.optimizers.Optimizer, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Put the variables back into an optimizer that has been built; those of a loss scaling it lacked stay fresh.

    Raises:
        CheckpointError: when they are not those of such an optimizer; nothing has been changed then.
    """
    variables = _variables(optimizer)
    for name, variable in variables.items():
        shape = tuple(variable.shape)
        if name not in arrays and name.startswith("inner/"):
            raise CheckpointError(f"optimizer: {name} is missing; expected {len(variables)}, found {len(arrays)}")
        if name in arrays and arrays[name].shape != shape:
            raise CheckpointError(f"optimizer: {name} has shape {arrays[name].shape}, the model wants {shape}")
    for name, variable in variables.items():
        if name in arrays:
            variable.assign(arrays[name])


def _variables(optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    named = {f"inner/{number:05d}": variable for number, variable in enumerate(inner.variables)}
    known = {id(variable) for variable in inner.variables}
    own = [variable for variable in optimizer.variables if id(variable) not in known]
    return named | {f"outer/{number:05d}": variable for number, variable in enumerate(own)}
