"""Stages that overlap: run an iterable in a thread ahead of its reader, over a bounded queue."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_POLL_S = 0.1


class _End:
    """Marks the end of the stream, with the error that ended it."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def background(
    items: Iterable[T],
    depth: int = 2,
    *,
    starved: Callable[[float], None] | None = None,
    blocked: Callable[[float], None] | None = None,
) -> Generator[T, None, None]:
    """Iterate over `items` in a thread, at most `depth` items ahead.

    An exception of `items` is raised here, once. Closing this generator stops the thread and closes `items`, so that
    closing the last stage of a chain stops all of them.

    Args:
        starved: told the seconds that the reader waits for each item.
        blocked: told the seconds that the thread waits, at each item, for the reader to take what lies ready.
    """
    ready: queue.Queue[T | _End] = queue.Queue(maxsize=max(1, depth))
    stop = threading.Event()

    def put(item: T | _End) -> bool:
        with _told(blocked):
            return put_in_time(item)

    def put_in_time(item: T | _End) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=_POLL_S)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                if not put(item):
                    break
        except BaseException as caught:  # noqa: BLE001 - handed over to the reader
            error = caught
        finally:
            close(items)
            put(_End(error))

    thread = threading.Thread(target=work, name="fspp-stage", daemon=True)
    thread.start()
    try:
        while True:
            with _told(starved):
                item = ready.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        stop.set()
        thread.join()


@contextmanager
def _told(listener: Callable[[float], None] | None) -> Iterator[None]:
    start = time.perf_counter()
    yield
    if listener is not None:
        listener(time.perf_counter() - start)


def close(closable: Any) -> None:
    """Call `close` where there is one: of a generator, a stage, a component."""
    closing = getattr(closable, "close", None)
    if closing is not None:
        closing()


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items, the last one shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def consecutive(lengths: Iterable[int]) -> Iterator[slice]:
    """Places of runs of these lengths, one after another: what belongs to each of several in one long list."""
    first = 0
    for length in lengths:
        yield slice(first, first + length)
        first += length


def few_sizes(count: int, most: int) -> Iterator[slice]:
    """Places of batches that are full, then of ever smaller powers of two: few sizes, and nothing runs for padding.

    Args:
        count: items in all.
        most: items in a full batch. There are up to `most.bit_length() + 1` sizes.
    """
    first = 0
    while first < count:
        left = count - first
        size = most if left >= most else 1 << (left.bit_length() - 1)
        yield slice(first, first + size)
        first += size


def ordered_map(function: Callable[[T], R], items: Iterable[T], workers: int) -> Generator[R, None, None]:
    """Like `map`, in `workers` threads, results in order, at most `2 * workers` items in flight."""
    with ThreadPoolExecutor(workers, thread_name_prefix="fspp-map") as pool:
        pending: list[Future[R]] = []
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) >= 2 * workers:
                    yield pending.pop(0).result()
            while pending:
                yield pending.pop(0).result()
        finally:
            for future in pending:
                future.cancel()
            close(items)
