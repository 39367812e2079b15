"""Extraction: footage in; faces, their landmarks and masks out. Imported piece by piece."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fspp_core.extraction.driver import extract
    from fspp_core.extraction.options import ExtractOptions
    from fspp_core.extraction.report import ExtractReport

_HOMES = {"ExtractOptions": "options", "ExtractReport": "report", "extract": "driver"}

__all__ = ["ExtractOptions", "ExtractReport", "extract"]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
