"""What every optimizer must do."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from fspp_core.specs import Kind
from fspp_core.testing.base import Conformance
from fspp_core.types import FloatArray

START = np.array([[1.0, -2.0], [0.5, 3.0]], np.float32)
RATE = 0.01


class OptimizerConformance(Conformance):
    """Checks for optimizers, on a bowl whose lowest point is at zero.

    Attributes:
        steps: updates after which the bowl must have been descended by a tenth.
    """

    kind: ClassVar[Kind] = "optimizer"
    steps: ClassVar[int] = 100

    @classmethod
    def exercise(cls, component: Any) -> FloatArray:
        """Three updates."""
        return _Descent(component.build(RATE)).run(3)

    def test_rate_is_a_plain_variable(self) -> None:
        """The loop sets the rate before each update; a Keras schedule would refuse."""
        import keras

        optimizer = self.built().build(RATE)
        assert isinstance(optimizer, keras.optimizers.Optimizer)
        assert abs(float(optimizer.learning_rate) - RATE) < 1e-7
        optimizer.learning_rate = 0.5
        assert abs(float(optimizer.learning_rate) - 0.5) < 1e-7

    def test_every_optimizer_is_fresh(self) -> None:
        """Two of them share no state: the second descends as the first did."""
        first = _Descent(self.built().build(RATE)).run(5)
        np.testing.assert_array_equal(_Descent(self.built().build(RATE)).run(5), first)

    def test_descends(self) -> None:
        """The bowl's height falls."""
        descent = _Descent(self.built().build(RATE))
        end = descent.run(self.steps)
        assert np.isfinite(end).all()
        assert np.square(end).sum() < 0.9 * np.square(START).sum(), f"from {START.tolist()} to {end.tolist()}"

    def test_rate_zero_changes_nothing(self) -> None:
        """A warm-up starts there."""
        np.testing.assert_array_equal(_Descent(self.built().build(0.0)).run(3), START)

    def test_zero_gradients_are_finite(self) -> None:
        """Nothing is divided by a moment of zero."""
        assert np.isfinite(_Descent(self.built().build(RATE), slope=0.0).run(3)).all()

    def test_state_can_be_restored(self) -> None:
        """With its variables put back, a fresh optimizer goes on as if it had never stopped."""
        whole = _Descent(self.built().build(RATE)).run(6)
        first = _Descent(self.built().build(RATE))
        first.run(3)
        second = _Descent(self.built().build(RATE))
        second.restore(first)
        np.testing.assert_array_equal(second.run(3), whole)

    def test_config_round_trip(self) -> None:
        """It can be saved and made again without anybody's code in the file."""
        import keras

        optimizer = self.built().build(RATE)
        again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
        assert type(again) is type(optimizer)
        assert again.get_config() == optimizer.get_config()


class _Descent:
    """One variable, pulled to zero by an optimizer."""

    def __init__(self, optimizer: Any, slope: float = 1.0) -> None:
        import keras

        self.ops, self.optimizer, self.slope = keras.ops, optimizer, slope
        self.place = keras.Variable(START)
        optimizer.build([self.place])

    def run(self, steps: int) -> FloatArray:
        for _ in range(steps):
            self.optimizer.apply([self.ops.convert_to_tensor(self.place) * self.slope], [self.place])
        return np.array(self.ops.convert_to_numpy(self.place))

    def restore(self, other: _Descent) -> None:
        self.place.assign(other.place)
        for mine, theirs in zip(self.optimizer.variables, other.optimizer.variables, strict=True):
            mine.assign(theirs)
