"""How long work tells its caller what it does, and how the caller stops it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
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
    """Seconds spent in each named stage of a job; stages may run in several threads, whose seconds add up."""

    seconds: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Add the time the block takes to `stage`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            with self._lock:
                self.seconds[stage] = self.seconds.get(stage, 0.0) + spent
