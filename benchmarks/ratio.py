"""What every benchmark here shares: time two ways of doing one thing, in turn, and print their ratio."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Comparison:
    """Outcome of one pairing; `ratio` is ours / baseline in CPU or wall seconds, below 1 is faster."""

    name: str
    baseline: str
    ours_s: float
    baseline_s: float
    ratio: float
    aim: str

    def __str__(self) -> str:
        return (
            f"{self.name:<44} x{self.ratio:6.2f}   ours {self.ours_s:9.4f} s   "
            f"{self.baseline} {self.baseline_s:9.4f} s   aim: {self.aim}"
        )


def compare(
    name: str,
    ours: Callable[[], object],
    baseline: Callable[[], object],
    *,
    against: str,
    aim: str,
    rounds: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> Comparison:
    """Run both `rounds` times in turn after one warm-up each; the ratio is the median of the pairs' ratios.

    Args:
        clock: `time.perf_counter` for wall time, `time.process_time` where other work shares the machine.
    """
    ours()
    baseline()
    pairs = []
    for _ in range(rounds):
        pairs.append((_seconds(ours, clock), _seconds(baseline, clock)))
    result = Comparison(
        name,
        against,
        statistics.median(p[0] for p in pairs),
        statistics.median(p[1] for p in pairs),
        statistics.median(p[0] / p[1] for p in pairs),
        aim,
    )
    print(result, flush=True)
    return result


def _seconds(job: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    job()
    return clock() - start
