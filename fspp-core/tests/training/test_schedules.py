"""Schedules: known values by hand, the ends, and past the end."""

from __future__ import annotations

import math

import pytest

from fspp_core.training.schedule_options import ConstantOptions, CosineOptions
from fspp_core.training.schedules import Constant, Cosine


def test_constant_is_one_everywhere():
    schedule = Constant(ConstantOptions())
    assert [schedule.factor(step, 10) for step in (0, 5, 9, 10, 10_000)] == [1.0] * 5


def test_warmup_rises_linearly_and_never_idles():
    schedule = Constant(ConstantOptions(warmup=4))
    assert [schedule.factor(step, 100) for step in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_cosine_by_hand():
    schedule = Cosine(CosineOptions(warmup=10, floor=0.1))
    assert schedule.factor(0, 110) == pytest.approx(0.1)
    assert schedule.factor(9, 110) == pytest.approx(1.0)
    assert schedule.factor(10, 110) == pytest.approx(1.0)
    assert schedule.factor(35, 110) == pytest.approx(0.1 + 0.9 * 0.5 * (1 + math.sqrt(0.5)))
    assert schedule.factor(60, 110) == pytest.approx(0.55)
    assert schedule.factor(110, 110) == pytest.approx(0.1)
    assert schedule.factor(1_000_000, 110) == pytest.approx(0.1)


@pytest.mark.parametrize("total", [1, 5, 10, 11, 1000])
def test_cosine_is_finite_and_in_range_for_any_length(total):
    schedule = Cosine(CosineOptions(warmup=10))
    values = [schedule.factor(step, total) for step in range(total + 20)]
    assert all(0 <= value <= 1 and math.isfinite(value) for value in values)
    falling = values[10:]
    assert falling == sorted(falling, reverse=True)
