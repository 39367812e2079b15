"""What an engine is: it makes a function that runs a network on batches of one shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from fspp_core.types import FloatArray

Wire = Callable[[Any], Any]
"""From a Keras tensor (batch, ...) to an output or several; None among them is left out."""
Build = Callable[[], Wire]
"""Makes the layers of a network and gives what connects them."""
Run = Callable[[FloatArray], list[FloatArray]]
"""From (batch, ...) float32 to the outputs, (batch, ...) float32 each."""
Shape = tuple[int | None, ...]
"""Of a batch; None where it may differ from one batch to the next."""


class Engine(Protocol):
    """Runs one network.

    Attributes:
        title: what runs and in which numbers, for messages.
    """

    title: str

    def compiled(self, shape: tuple[int, ...]) -> Run:
        """A function for batches of exactly this shape."""
