"""What every loss must do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pytest

from fspp_core.specs import Kind
from fspp_core.testing.base import Conformance
from fspp_core.testing.pictures import drawn_face, noise
from fspp_core.types import FloatArray


class LossConformance(Conformance):
    """Checks for losses, on whatever backend Keras runs.

    Attributes:
        side: of the pictures compared, in pixels; raise it for losses that look at many scales.
        zero_at_equality: how far from zero the loss of equal pictures may be.
    """

    kind: ClassVar[Kind] = "loss"
    side: ClassVar[int] = 32
    zero_at_equality: ClassVar[float] = 1e-6

    @classmethod
    def known(cls) -> Sequence[tuple[FloatArray, FloatArray, float]]:
        """True and predicted pictures (n, h, w, 3) and the mean loss between them, worked out by hand for `options`."""
        return ()

    @classmethod
    def pictures(cls) -> tuple[FloatArray, FloatArray]:
        """Two batches (2, side, side, 3) float32 0..1 that differ a little."""
        edge = cls.side * 0.9
        face = drawn_face(cls.side, cls.side, (cls.side * 0.1, cls.side * 0.1, edge, edge))
        true = (np.stack([face, face[:, ::-1] // 2]) / 255).astype(np.float32)
        return true, (true * 0.9 + noise(cls.side, cls.side).astype(np.float32) / 255 * 0.1).astype(np.float32)

    @classmethod
    def exercise(cls, component: Any) -> FloatArray:
        """Compare two batches."""
        return _loss(component, *cls.pictures())

    def test_shape(self) -> None:
        """(n, h, w, 1) or (n,), float32."""
        result = self.exercise(self.built())
        assert result.dtype == np.float32
        assert result.shape in ((2, self.side, self.side, 1), (2,)), f"shape {result.shape}"

    def test_equal_pictures_lose_nothing(self) -> None:
        """Zero at equality."""
        true, _ = self.pictures()
        np.testing.assert_allclose(_loss(self.built(), true, true), 0, rtol=0, atol=self.zero_at_equality)

    def test_different_pictures_lose_something(self) -> None:
        """The mean of each picture is positive and finite, and more so the more they differ."""
        true, near = self.pictures()
        far = (true + (near - true) * 2).clip(0, 1)
        small, large = (_loss(self.built(), true, p).reshape(2, -1).mean(1) for p in (near, far))
        assert np.isfinite(large).all()
        assert (small > 0).all(), f"losses {small}"
        assert (large > small).all(), f"losses {small} grow to {large}"

    def test_pictures_of_a_batch_are_apart(self) -> None:
        """Each is compared on its own."""
        true, predicted = self.pictures()
        singles = [_loss(self.built(), true[i : i + 1], predicted[i : i + 1])[0] for i in range(2)]
        np.testing.assert_allclose(_loss(self.built(), true, predicted), singles, rtol=1e-4, atol=1e-6)

    @pytest.mark.parametrize("case", ["different", "equal", "both black", "black and white"])
    def test_gradients_are_finite(self, case: str) -> None:
        """Also at zero and at equality, where square roots and divisions lie in wait."""
        true, predicted = self.pictures()
        black, white = np.zeros_like(true), np.ones_like(true)
        pairs = {
            "different": (true, predicted),
            "equal": (true, true),
            "both black": (black, black),
            "black and white": (black, white),
        }
        gradient = _gradient(self.built(), *pairs[case])
        assert np.isfinite(gradient).all(), f"{np.count_nonzero(~np.isfinite(gradient))} gradients are not finite"

    def test_gradient_goes_downhill(self) -> None:
        """A small step against it lowers the loss."""
        true, predicted = self.pictures()
        gradient = _gradient(self.built(), true, predicted)
        before = float(_loss(self.built(), true, predicted).mean())
        step = predicted - gradient / np.abs(gradient).max() * 1e-3
        assert float(_loss(self.built(), true, step.astype(np.float32)).mean()) < before

    def test_known_values(self) -> None:
        """As worked out by hand."""
        if not self.known():
            pytest.skip("known() is empty: no values worked out by hand are given")
        for true, predicted, expected in self.known():
            assert float(_loss(self.built(), true, predicted).mean()) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def _loss(loss: Any, true: FloatArray, predicted: FloatArray) -> FloatArray:
    from keras import ops

    result = loss(ops.convert_to_tensor(true), ops.convert_to_tensor(predicted))
    return np.asarray(ops.convert_to_numpy(result))


def _gradient(loss: Any, true: FloatArray, predicted: FloatArray) -> FloatArray:
    """Gradient of the mean loss by `predicted`: what a step at rate 1 takes off a picture made of weights."""
    import keras

    class Picture(keras.layers.Layer):  # type: ignore[misc]
        """Gives its weights, whatever comes in."""

        def build(self, input_shape: Any) -> None:
            self.pixels = self.add_weight(shape=predicted.shape, initializer="zeros")

        def call(self, inputs: Any) -> Any:
            return self.pixels + 0 * inputs

    layer = Picture()
    inputs = keras.Input(batch_shape=predicted.shape)
    model = keras.Model(inputs, layer(inputs))
    layer.pixels.assign(predicted)
    model.compile(keras.optimizers.SGD(1.0), loss=lambda t, p: keras.ops.mean(loss(t, p)))
    model.train_on_batch(np.zeros_like(true), true)
    after: FloatArray = keras.ops.convert_to_numpy(layer.pixels)
    return predicted - after
