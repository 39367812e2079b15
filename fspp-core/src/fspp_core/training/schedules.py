"""Learning-rate schedules: pure functions of the update count, so that they survive any resume."""

from __future__ import annotations

import math

from fspp_core.training.schedule_options import ConstantOptions, CosineOptions


def _warmup(step: int, length: int) -> float:
    """1 / length at step 0, 1 from step `length` - 1 on: no update is spent at rate zero."""
    return min(1.0, (step + 1) / length) if length else 1.0


class Constant:
    """The base rate, after an optional linear warm-up."""

    def __init__(self, options: ConstantOptions) -> None:
        self.options = options

    def factor(self, step: int, total: int) -> float:
        """Factor on the base rate for the update after `step` updates; `total` does not matter."""
        return _warmup(step, self.options.warmup)


class Cosine:
    """Linear warm-up, then half a cosine down to a floor, which is kept past the end.

    Reference: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, without restarts.
    """

    def __init__(self, options: CosineOptions) -> None:
        self.options = options

    def factor(self, step: int, total: int) -> float:
        """Factor on the base rate for the update after `step` of `total` updates."""
        warmup, floor = self.options.warmup, self.options.floor
        if step < warmup:
            return _warmup(step, warmup)
        done = min(1.0, (step - warmup) / max(1, total - warmup))
        return floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * done))
