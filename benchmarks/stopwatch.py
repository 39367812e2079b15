"""CPU and wall seconds of the stages of one thread's work, each second counted once."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

NETWORK = "network"


@dataclass(slots=True)
class Spent:
    """Seconds of processor and of wall, and how often."""

    cpu: float = 0.0
    wall: float = 0.0
    times: int = 0


@dataclass(slots=True)
class Stopwatch:
    """Seconds by (stage, part); what a stage calls inside another is not counted for the outer one as well.

    Only for work that goes on in one thread, besides the threads of the networks' own backend: processor time is the
    whole process's.
    """

    spent: defaultdict[tuple[str, str], Spent] = field(default_factory=lambda: defaultdict(Spent))
    _open: list[tuple[str, list[float]]] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str, part: str = "") -> Iterator[None]:
        """Count the block for a stage."""
        inner = [0.0, 0.0]
        self._open.append((name, inner))
        cpu, wall = time.process_time(), time.perf_counter()
        try:
            yield
        finally:
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            self._open.pop()
            entry = self.spent[name, part]
            entry.cpu += cpu - inner[0]
            entry.wall += wall - inner[1]
            entry.times += 1
            if self._open:
                outer = self._open[-1][1]
                outer[0] += cpu
                outer[1] += wall

    @contextmanager
    def network(self) -> Iterator[None]:
        """Count the block for the network of the stage it is in."""
        with self.stage(self._open[-1][0] if self._open else "", NETWORK):
            yield

    def of(self, stage: str, part: str | None = None) -> Spent:
        """What a stage took, its network included unless a part is named."""
        total = Spent()
        for (name, which), spent in self.spent.items():
            if name == stage and part in (None, which):
                total.cpu, total.wall = total.cpu + spent.cpu, total.wall + spent.wall
                total.times += spent.times
        return total

    @property
    def networks(self) -> Spent:
        """What all networks took."""
        parts = [spent for (_, part), spent in self.spent.items() if part == NETWORK]
        return Spent(sum(part.cpu for part in parts), sum(part.wall for part in parts), sum(p.times for p in parts))
