"""Ctrl-C: once to stop properly, twice to stop at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

INTERRUPTED = 130
_MESSAGE = b"\nStopping after the current step, and saving. Ctrl-C again stops at once.\n"


@contextmanager
def cancel_on_interrupt() -> Iterator[threading.Event]:
    """Give a flag that the first interrupt or termination signal sets; the second one ends the process."""
    cancel = threading.Event()

    def on_signal(_number: int, _frame: Any) -> None:
        if cancel.is_set():
            os._exit(INTERRUPTED)  # not an exception: a thread or a long native call must not hold it up
        cancel.set()
        os.write(2, _MESSAGE)  # the streams may be in use where the signal struck

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield cancel
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
