"""Run a network on batches of one fixed size: it is compiled once, and every place in a batch always computes alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from fspp_core.errors import ShapeError
from fspp_core.types import FloatArray


class FixedBatches:
    """A network for inputs of one shape.

    Args:
        wire: builds the network: from a Keras tensor (batch, *shape) to its outputs; None among them is left out.
        shape: of one input.
        batch: inputs in a batch.
    """

    def __init__(self, wire: Callable[[Any], Sequence[Any]], shape: tuple[int, ...], batch: int) -> None:
        inputs = keras.Input(batch_shape=(batch, *shape), dtype="float32")
        # Mixed precision gives bfloat16, which neither NumPy nor OpenCV computes with.
        outputs = [keras.ops.cast(output, "float32") for output in wire(inputs) if output is not None]
        self._network = keras.Model(inputs, outputs)
        self.input_shape = (batch, *shape)

    def __call__(self, batch: FloatArray) -> list[FloatArray]:
        """Run one full batch; a part of one is filled up by the caller.

        Args:
            batch: (batch, *shape) float32.

        Returns:
            The outputs, (batch, ...) float32 each.

        Raises:
            ShapeError: when the batch has another shape, or an output is not finite.
        """
        if batch.shape != self.input_shape:
            raise ShapeError(f"the network takes batches of {self.input_shape}; received {batch.shape}")
        predicted = self._network.predict_on_batch(batch)
        several = predicted if isinstance(predicted, list | tuple) else [predicted]  # Keras unpacks a single one
        outputs = [np.asarray(output, np.float32) for output in several]
        if not all(np.isfinite(output).all() for output in outputs):
            raise ShapeError("the network gave values that are not finite (NaN or infinity); its weights are damaged")
        return outputs
