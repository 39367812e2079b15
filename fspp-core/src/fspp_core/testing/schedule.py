"""What every learning-rate schedule must do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from fspp_core.specs import Kind
from fspp_core.testing.base import Conformance

TOTALS = (1, 2, 1000)


class ScheduleConformance(Conformance):
    """Checks for schedules.

    Attributes:
        known: factors worked out by hand, by (step, total), for `options`.
    """

    kind: ClassVar[Kind] = "scheduler"
    known: ClassVar[Mapping[tuple[int, int], float]] = {}

    @classmethod
    def exercise(cls, component: Any) -> list[float]:
        """The factors of a whole run of 1000 updates, and some past its end."""
        return [component.factor(step, 1000) for step in range(1010)]

    @pytest.mark.parametrize("total", TOTALS)
    def test_factors_are_finite_and_not_negative(self, total: int) -> None:
        """From the first update to far past the last."""
        for step in sorted({0, 1, total // 2, total - 1, total, total + 1, 10 * total, 10**9}):
            factor = self.built().factor(step, total)
            assert isinstance(factor, float), f"factor({step}, {total}) is a {type(factor).__name__}"
            assert math.isfinite(factor), f"factor({step}, {total}) is {factor}"
            assert factor >= 0, f"factor({step}, {total}) is {factor}"

    def test_the_rate_is_not_always_zero(self) -> None:
        """Some update must learn."""
        assert max(self.exercise(self.built())) > 0

    def test_factors_depend_on_the_step_only(self) -> None:
        """A resumed run asks a fresh schedule, out of order."""
        steps = [*range(0, 1010, 7)]
        forward = [self.built().factor(step, 1000) for step in steps]
        backward = [self.built().factor(step, 1000) for step in reversed(steps)]
        fresh = self.build()
        assert forward == backward[::-1] == [fresh.factor(step, 1000) for step in steps]

    def test_known_values(self) -> None:
        """As worked out by hand."""
        if not self.known:
            pytest.skip("known is empty: no values worked out by hand are given")
        for (step, total), factor in self.known.items():
            assert self.built().factor(step, total) == pytest.approx(factor, abs=1e-9), f"factor({step}, {total})"
