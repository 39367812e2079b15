"""How long work tells its caller what it does, and how the caller stops it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from fspp_core.errors import Cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressEvent:
    """One report of a running stage.

    Attributes:
        stage: what is being done, a short phrase such as "extract".
        done: units finished so far.
        total: units in all, None while unknown.
        unit: what is counted, such as "frame".
        values: figures to show beside it, such as losses.
    """

    stage: str
    done: int
    total: int | None = None
    unit: str = "it"
    values: Mapping[str, float] = field(default_factory=dict)


Progress = Callable[[ProgressEvent], None]


class CancelFlag(Protocol):
    """Anything with `is_set`, such as `threading.Event`."""

    def is_set(self) -> bool:
        """Whether to stop."""
        ...


def ignore(event: ProgressEvent) -> None:
    """Progress callback of callers that do not want to know."""


def check(cancel: CancelFlag | None) -> None:
    """Raise `Cancelled` if the caller asked to stop."""
    if cancel is not None and cancel.is_set():
        raise Cancelled("stopped on request; run the same command again to go on")


@dataclass(slots=True)
class Timings:
    """What each named stage of a job did; stages may run in several threads, whose seconds add up.

    Attributes:
        seconds: at work, by stage.
        items: done by the stages that count them.
        starved: seconds that such a stage waited for the one before it.
        blocked: seconds that it waited for the one after it.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)
    starved: dict[str, float] = field(default_factory=dict)
    blocked: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Add the time the block takes to `stage`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._add(self.seconds, stage, time.perf_counter() - start)

    def count(self, stage: str, items: int) -> None:
        """Add to what a stage has done."""
        with self._lock:
            self.items[stage] = self.items.get(stage, 0) + items

    def starving(self, stage: str) -> Callable[[float], None]:
        """What to tell the seconds that a stage waits for the one before it."""
        return partial(self._add, self.starved, stage)

    def blocking(self, stage: str) -> Callable[[float], None]:
        """What to tell the seconds that a stage waits for the one after it."""
        return partial(self._add, self.blocked, stage)

    def profile(self) -> dict[str, dict[str, float]]:
        """What the stages that count items did, in the order they began, ready for JSON.

        Returns:
            By stage "items", "busy_s", "starved_s", "blocked_s", and "items_per_s" of a thread that need not wait.
        """
        with self._lock:
            return {stage: self._row(stage) for stage in self.items}

    def _row(self, stage: str) -> dict[str, float]:
        items, busy = self.items[stage], self.seconds.get(stage, 0.0)
        return {
            "items": items,
            "busy_s": round(busy, 3),
            "starved_s": round(self.starved.get(stage, 0.0), 3),
            "blocked_s": round(self.blocked.get(stage, 0.0), 3),
            "items_per_s": round(items / busy, 3) if busy else 0.0,
        }

    def _add(self, table: dict[str, float], stage: str, seconds: float) -> None:
        with self._lock:
            table[stage] = table.get(stage, 0.0) + seconds
