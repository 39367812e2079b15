"""The demo: two public-domain portraits become clips, and one face moves onto the other by the public functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fspp_core.lazy import lazy

if TYPE_CHECKING:
    from fspp_core.demo.run import DemoReport, run_demo

_HOMES = {"DemoReport": "run", "run_demo": "run"}

__all__ = ["DemoReport", "run_demo"]

__getattr__, __dir__ = lazy(__name__, _HOMES)
