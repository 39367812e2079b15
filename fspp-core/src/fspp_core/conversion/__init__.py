"""Conversion: footage, its alignments and a model in; swapped footage out. Imported piece by piece."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fspp_core.conversion.driver import convert
    from fspp_core.conversion.options import ConvertOptions
    from fspp_core.conversion.report import ConvertReport

_HOMES = {"ConvertOptions": "options", "ConvertReport": "report", "convert": "driver"}

__all__ = ["ConvertOptions", "ConvertReport", "convert"]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
