"""How many threads OpenCV works with while an extraction runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2


@contextmanager
def opencv_in_one_thread() -> Iterator[None]:
    """Let each call of OpenCV stay in the thread that makes it; afterwards it works as before.

    The stages run in threads of their own, and the networks' library keeps all cores busy; a pool of OpenCV's, which
    waits for work by spinning, would take time from both, and win nothing on the small pictures that it gets here: on
    two cores it cost 3 to 10 % more of the processors' time, and by the clock nothing could be told apart.

    The setting is one for the whole process: other threads that use OpenCV meanwhile share it, and where two runs
    overlap, the one that ends last leaves what it found.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
