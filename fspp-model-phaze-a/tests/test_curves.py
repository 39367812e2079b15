"""Filters of chains of layers, against numbers worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fspp_model_phaze_a.curves import curve, group_count, scale_dim


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        ((512, 64, 4, 0.0), [512, 360, 208, 64]),  # 362.7 and 213.3, floored to multiples of 8
        ((512, 128, 3, -0.33), [512, 256, 128]),
        ((256, 64, 3, -0.33), [256, 128, 64]),
        ((64, 128, 3, -0.5), [64, 112, 128]),
        ((64, 128, 3, 0.5), [64, 80, 128]),
        ((512, 64, 1, -0.45), [512]),
        ((512, 64, 0, -0.45), []),
        ((512, 16, 6, 0.5, "cap_max"), [512, 256, 128, 64, 32, 16]),
        ((512, 16, 8, 0.5, "cap_max"), [512, 512, 512, 256, 128, 64, 32, 16]),
        ((512, 16, 8, -0.5, "cap_min"), [512, 256, 128, 64, 32, 16, 16, 16]),
        ((512, 16, 3, 0.5, "cap_max"), [512, 256, 128]),
    ],
)
def test_numbers_by_hand(arguments: tuple[int, int, int, float], numbers: list[int]) -> None:
    assert curve(*arguments) == numbers


@given(
    high=st.integers(1, 100).map(lambda n: n * 8),
    low=st.integers(1, 100).map(lambda n: n * 8),
    count=st.integers(2, 12),
    slope=st.floats(-0.99, 0.99),
)
def test_a_full_curve_joins_its_ends(high: int, low: int, count: int, slope: float) -> None:
    numbers = curve(high, low, count, slope)
    assert len(numbers) == count
    assert (numbers[0], numbers[-1]) == (high, low)
    assert numbers == sorted(numbers, reverse=high > low)
    assert all(number % 8 == 0 for number in numbers)


@pytest.mark.parametrize(
    ("target", "dim", "start"), [(64, 8, 8), (128, 8, 8), (96, 8, 6), (384, 3, 3), (64, 5, 4), (64, 128, 64)]
)
def test_sides_that_double_into_the_output(target: int, dim: int, start: int) -> None:
    assert scale_dim(target, dim) == start


@pytest.mark.parametrize(("channels", "groups"), [(8, 8), (31, 31), (64, 32), (126, 42), (504, 36), (34, 34), (70, 35)])
def test_groups(channels: int, groups: int) -> None:
    assert group_count(channels) == groups
    assert channels % groups == 0
