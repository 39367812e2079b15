"""Overlapped stages: order, bounded reading ahead, errors once, and closing that reaches the first stage."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fspp_core.concurrency import background, batched, consecutive, few_sizes, ordered_map


class Source:
    """Counts what is read from it and notes when it is closed."""

    def __init__(self, length: int, fail_at: int | None = None) -> None:
        self.length, self.fail_at = length, fail_at
        self.read = 0
        self.closed = threading.Event()

    def __call__(self) -> Iterator[int]:
        try:
            for number in range(self.length):
                if number == self.fail_at:
                    raise ValueError(f"broken at {number}")
                self.read = number + 1
                yield number
        finally:
            self.closed.set()


def test_background_keeps_order_and_closes_its_source() -> None:
    source = Source(100)
    assert list(background(source())) == list(range(100))
    assert source.closed.is_set()


def test_background_reads_ahead_no_more_than_its_depth() -> None:
    source = Source(100)
    stage = background(source(), depth=3)
    assert next(stage) == 0
    time.sleep(0.2)
    # one handed out, three waiting, one in the worker's hand
    assert source.read <= 5
    stage.close()


def test_background_raises_the_error_after_the_good_items() -> None:
    stage = background(Source(10, fail_at=4)())
    got = []
    with pytest.raises(ValueError, match="broken at 4"):
        got.extend(stage)
    with pytest.raises(StopIteration):
        next(stage)


@pytest.mark.parametrize("slow", ["thread", "reader"])
def test_background_tells_who_waits(slow: str) -> None:
    waits: dict[str, list[float]] = {"starved": [], "blocked": []}

    def source() -> Iterator[int]:
        for number in range(8):
            time.sleep(0.03 if slow == "thread" else 0)
            yield number

    for _ in background(source(), 1, starved=waits["starved"].append, blocked=waits["blocked"].append):
        time.sleep(0.03 if slow == "reader" else 0)
    starved, blocked = sum(waits["starved"]), sum(waits["blocked"])
    assert len(waits["starved"]) == len(waits["blocked"]) == 9  # the end is waited for as well
    assert (starved > 0.1 > blocked) if slow == "thread" else (blocked > 0.1 > starved)


def test_closing_the_last_stage_stops_all_of_them() -> None:
    source = Source(10_000)
    chain = background(ordered_map(lambda x: x + 1, background(source()), workers=2))
    assert next(chain) == 1
    chain.close()
    assert source.closed.wait(5)
    assert source.read < 100
    assert not [t for t in threading.enumerate() if t.name.startswith("fspp-")]


def test_an_error_in_the_middle_of_a_chain_closes_the_stages_before_it() -> None:
    source = Source(10_000)

    def double(number: int) -> int:
        if number == 3:
            raise RuntimeError("three")
        return 2 * number

    with pytest.raises(RuntimeError, match="three"):
        list(background(ordered_map(double, background(source()), workers=2)))
    assert source.closed.wait(5)


def test_ordered_map_keeps_order_whatever_the_workers_do() -> None:
    def slow_on_even(number: int) -> int:
        time.sleep(0.01 if number % 2 == 0 else 0)
        return number

    assert list(ordered_map(slow_on_even, range(30), workers=4)) == list(range(30))


def test_ordered_map_limits_what_is_in_flight() -> None:
    source = Source(1000)
    stage = ordered_map(lambda x: x, source(), workers=2)
    next(stage)
    assert source.read <= 4
    stage.close()
    assert source.closed.is_set()


def test_batched_has_a_short_last_batch() -> None:
    assert list(batched(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]


@given(st.integers(0, 300), st.integers(1, 70))
def test_batches_of_few_sizes_cover_everything_once(count: int, most: int) -> None:
    places = list(few_sizes(count, most))
    assert [index for place in places for index in range(place.start, place.stop)] == list(range(count))
    sizes = [place.stop - place.start for place in places]
    assert sizes == sorted(sizes, reverse=True)
    assert max(sizes, default=0) <= most
    assert all(size == most or size & (size - 1) == 0 for size in sizes)
    assert sizes.count(most) >= count // most


@pytest.mark.parametrize("most", [1, 6, 8, 33])
def test_there_are_no_more_sizes_than_stated(most: int) -> None:
    sizes = {place.stop - place.start for count in range(3 * most) for place in few_sizes(count, most)}
    assert len(sizes) <= most.bit_length() + 1


def test_consecutive_places_lie_one_after_another():
    letters = "abcde"
    assert [letters[part] for part in consecutive([2, 0, 3])] == ["ab", "", "cde"]
    assert list(consecutive([])) == []
