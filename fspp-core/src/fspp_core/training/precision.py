"""Number formats and seeds that hold while a network is built and are put back afterwards."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np

from fspp_core import backend
from fspp_core.errors import TrainingError


def check_precision(precision: str, *, force: bool) -> None:
    """Refuse a number format that no device here computes in.

    Raises:
        TrainingError: naming the format and what to use instead.
    """
    if precision == "float32" or force or any(device.kind != "cpu" for device in backend.devices()):
        return
    instead = "use float32, which is faster here, or set force_precision to use it all the same"
    if precision == "mixed_float16":
        raise TrainingError(f"precision: mixed_float16 needs a GPU, and there is none that Keras can use; {instead}")
    able = backend.cpu_has_bfloat16()
    if not able:
        raise TrainingError(f"precision: mixed_bfloat16 would be slow: {able.reason}; {instead}")


@contextmanager
def building(precision: str, seed: int) -> Iterator[None]:
    """Build layers in this number format and initialize them from this seed; both are local to the block.

    Keras layers without a seed of their own take one from Python's generator, some initializers use numpy's.
    """
    policy, python, legacy = keras.config.dtype_policy(), random.getstate(), np.random.get_state()
    try:
        keras.config.set_dtype_policy(precision)
        random.seed(seed)
        np.random.seed(seed % 2**32)
        yield
    finally:
        keras.config.set_dtype_policy(policy)
        random.setstate(python)
        np.random.set_state(legacy)
