"""Conversion: footage, its alignments and a model in; swapped footage out. Imported piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fspp_core.lazy import lazy

if TYPE_CHECKING:
    from fspp_core.conversion.driver import convert
    from fspp_core.conversion.options import ConvertOptions
    from fspp_core.conversion.report import ConvertReport

_HOMES = {"ConvertOptions": "options", "ConvertReport": "report", "convert": "driver"}

__all__ = ["ConvertOptions", "ConvertReport", "convert"]

__getattr__, __dir__ = lazy(__name__, _HOMES)
