"""The demo: two public-domain portraits become clips, and one face moves onto the other by the public functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fspp_core.demo.run import DemoReport, run_demo

__all__ = ["DemoReport", "run_demo"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from fspp_core.demo import run

    return getattr(run, name)
