"""Start the numeric backend without the greetings of its C++ libraries, which no logging setting reaches."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

LOG = logging.getLogger(__name__)


@contextmanager
def held_back_stderr() -> Iterator[None]:
    """Hold back what anything in the process writes to standard error; it is shown if the block fails."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as kept:
        before = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            sys.stderr.flush()
            kept.seek(0)
            os.write(before, kept.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(before, 2)
            os.close(before)


def start_backend() -> None:
    """Import the numeric backend, which takes some seconds; quietly, unless messages for debugging are wanted."""
    from fspp_core.backend import backend_name

    if LOG.isEnabledFor(logging.DEBUG):
        backend_name()
        return
    # Footage of many sizes makes networks compile many times; TensorFlow's advice on that is for those who wrote them.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with held_back_stderr():
        backend_name()
