"""Progress on stderr: bars on a terminal, a plain line now and then in a log."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from fspp_core.progress import Progress, ProgressEvent

LOG_EVERY_S = 10.0


class Bars:
    """A bar a stage, for terminals. Safe to call from several threads."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bars: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __call__(self, event: ProgressEvent) -> None:
        """Show one report."""
        from tqdm import tqdm

        with self._lock:
            bar = self._bars.get(event.stage)
            if bar is None or event.done < bar.n:
                self._finish(event.stage)
                bar = tqdm(
                    desc=event.stage,
                    total=event.total,
                    initial=event.done,
                    unit=f" {event.unit}",
                    file=self._stream,
                    dynamic_ncols=True,
                )
                self._bars[event.stage] = bar
            bar.total = event.total
            if event.values:
                bar.set_postfix_str(_values(event.values), refresh=False)
            bar.update(event.done - bar.n)
            if event.done == event.total:
                self._finish(event.stage)

    def close(self) -> None:
        """Leave the bars as they stand."""
        with self._lock:
            for stage in list(self._bars):
                self._finish(stage)

    def _finish(self, stage: str) -> None:
        bar = self._bars.pop(stage, None)
        if bar is not None:
            bar.refresh()
            bar.close()


class Lines:
    """A line a stage every few seconds and at its end, for logs. Safe to call from several threads."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._begun: dict[str, tuple[float, int]] = {}
        self._said: dict[str, float] = {}
        self._lock = threading.Lock()

    def __call__(self, event: ProgressEvent) -> None:
        """Show one report."""
        with self._lock:
            now = self._clock()
            begun, first = self._begun.setdefault(event.stage, (now, event.done))
            last = event.done == event.total
            if not last and now - self._said.get(event.stage, begun) < LOG_EVERY_S:
                return
            self._said[event.stage] = now
            words = [f"{event.stage}: {event.done}"]
            if event.total:
                words = [
                    f"{event.stage}: {event.done}/{event.total} {event.unit} ({100 * event.done // event.total} %)"
                ]
            if now > begun and event.done > first:
                words.append(f"{(event.done - first) / (now - begun):.2f} {event.unit}/s")
            if event.values:
                words.append(_values(event.values))
            self._stream.write(", ".join(words) + "\n")
            self._stream.flush()
            if last:
                del self._begun[event.stage], self._said[event.stage]

    def close(self) -> None:
        """Nothing is held back."""


def _values(values: Mapping[str, float]) -> str:
    return " ".join(f"{name}={value:.4g}" for name, value in values.items())


@contextmanager
def shown_progress(stream: TextIO | None = None) -> Iterator[Progress]:
    """Give a progress callback that suits the stream, stderr by default."""
    stream = sys.stderr if stream is None else stream
    shown = Bars(stream) if stream.isatty() else Lines(stream)
    try:
        yield shown
    finally:
        shown.close()
