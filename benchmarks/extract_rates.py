"""What the machine multiplies matrices at, and how many operations the networks are."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


def matrix_rate(side: int = 2048, rounds: int = 7) -> tuple[float, float]:
    """GFLOP/s and GFLOP per CPU-second of a product of two float32 matrices, the best of several rounds."""
    from keras import ops

    rng = np.random.default_rng(0)
    one, other = (ops.convert_to_tensor(rng.standard_normal((side, side)).astype(np.float32)) for _ in range(2))

    def product() -> None:
        np.asarray(ops.convert_to_numpy(ops.matmul(one, other)[:1, :1]))  # waits for the device

    product()
    walls, cpus = [], []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        product()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    work = 2 * side**3 / 1e9
    return work / min(walls), work / max(min(cpus), 1e-9)


def operations(network: Any, shape: tuple[int, ...]) -> float:
    """GFLOP of the convolutions of a Keras model for one input of that shape; two for each multiplication and sum."""
    import keras

    counted: list[float] = []
    with _watched_convolutions(counted):
        network(keras.Input(batch_shape=(1, *shape), dtype="float32"))
    return sum(counted) / 1e9


@contextmanager
def _watched_convolutions(counted: list[float]) -> Iterator[None]:
    """Note every convolution: those of Keras's own layers by their shapes, those of other layers as they are called."""
    import keras
    from keras import ops

    of_layer, convolution = keras.layers.Conv2D.compute_output_shape, ops.conv

    def noted(output_shape: Any, kernel_shape: Any) -> None:
        counted.append(2.0 * math.prod(output_shape[1:]) * math.prod(kernel_shape[:-1]))

    def shaped(layer: Any, input_shape: Any) -> Any:
        shape = of_layer(layer, input_shape)
        noted(shape, layer.kernel.shape)
        return shape

    def convolved(inputs: Any, kernel: Any, *arguments: Any, **named: Any) -> Any:
        output = convolution(inputs, kernel, *arguments, **named)
        noted(output.shape, kernel.shape)
        return output

    keras.layers.Conv2D.compute_output_shape, ops.conv = shaped, convolved
    try:
        yield
    finally:
        keras.layers.Conv2D.compute_output_shape, ops.conv = of_layer, convolution
