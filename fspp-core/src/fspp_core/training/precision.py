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
    if precision == "float32" or force or any(device.kind == "gpu" for device in backend.devices()):
        return
    if precision == "mixed_float16":
        raise TrainingError(
            "precision: mixed_float16 needs a GPU and TensorFlow sees none (fspp doctor lists the devices); "
            "use float32 or mixed_bfloat16, or set force_precision to use it all the same"
        )
    if precision == "mixed_bfloat16" and not backend.cpu_has_bfloat16():
        raise TrainingError(
            "precision: mixed_bfloat16 needs a processor with AVX512-BF16 or AMX, and this one has neither; use "
            "float32, which is faster here, or set force_precision to use it all the same"
        )


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
