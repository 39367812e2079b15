"""The engine that is always there: Keras, on whatever backend and device it has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np

from fspp_core import backend
from fspp_core.inference.engine import Build, Run, Shape, Wire
from fspp_core.inference.options import Precision
from fspp_core.types import FloatArray

_POLICIES = {"f32": "float32", "bf16": "mixed_bfloat16"}


class KerasEngine:
    """See `fspp_core.inference.engine.Engine`; the functions of all shapes share the weights."""

    def __init__(self, build: Build, precision: Precision) -> None:
        with _computing_in(precision):
            self.wire = build()
        self._precision: Precision = precision
        self.title = f"keras ({backend.backend_name()}), {precision}"

    def compiled(self, shape: tuple[int, ...]) -> Run:
        """A function for batches of exactly this shape."""
        with _computing_in(self._precision):
            network = functional(self.wire, shape)
        if _on_tensorflow_without_gpu():
            network.jit_compile = False  # XLA's convolutions are slower there than TensorFlow's own

        def run(batch: FloatArray) -> list[FloatArray]:
            predicted = network.predict_on_batch(batch)
            several = predicted if isinstance(predicted, list | tuple) else [predicted]  # Keras unpacks a single one
            return [np.asarray(output, np.float32) for output in several]

        return run


def functional(wire: Wire, shape: Shape) -> keras.Model:
    """A Keras model with float32 inputs and outputs for batches of a shape."""
    inputs = keras.Input(batch_shape=shape, dtype="float32")
    wired = wire(inputs)
    several = wired if isinstance(wired, list | tuple) else [wired]
    # Mixed precision gives bfloat16, which neither NumPy nor OpenCV computes with.
    return keras.Model(inputs, [keras.ops.cast(output, "float32") for output in several if output is not None])


@contextmanager
def _computing_in(precision: Precision) -> Iterator[None]:
    """Layers that are made in the block compute in this format, their weights stay float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(_POLICIES[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _on_tensorflow_without_gpu() -> bool:
    return backend.backend_name() == "tensorflow" and all(device.kind == "cpu" for device in backend.devices())
