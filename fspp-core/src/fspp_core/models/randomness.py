"""The random numbers inside a model, such as those of dropout: where they stand, and putting them back."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

if TYPE_CHECKING:
    from fspp_core.interfaces import SwapModel

LOG = logging.getLogger(__name__)


def random_state(model: SwapModel) -> dict[str, list[list[int]]]:
    """States of the parts' own random numbers, such as those of dropout, by part."""
    return {
        name: [[int(number) for number in np.asarray(keras.ops.convert_to_numpy(seed)).ravel()] for seed in seeds]
        for name, seeds in _seeds(model).items()
    }


def restore_random_state(model: SwapModel, state: Mapping[str, list[list[int]]]) -> None:
    """Put the parts' random numbers back where they stood; parts that have other ones now start afresh."""
    for name, seeds in _seeds(model).items():
        stored = state.get(name, [])
        if len(stored) != len(seeds):
            LOG.warning("part %s: its random numbers start afresh, the checkpoint holds %d of them", name, len(stored))
            continue
        for seed, numbers in zip(seeds, stored, strict=True):
            seed.assign(np.asarray(numbers, np.uint32).reshape(seed.shape))


def _seeds(model: SwapModel) -> dict[str, list[Any]]:
    """Variables of the parts that are no weights: the states of Keras's seed generators."""
    found = {}
    for name, part in model.parts.items():
        weights = {id(variable) for variable in part.weights}
        seeds = [variable for variable in part.variables if id(variable) not in weights]
        if seeds:
            found[name] = seeds
    return found
