"""Extraction: footage in; faces, their landmarks and masks out. Imported piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fspp_core.lazy import lazy

if TYPE_CHECKING:
    from fspp_core.extraction.batch import extract_all
    from fspp_core.extraction.batch_report import BatchReport
    from fspp_core.extraction.detection.import_format import import_schema
    from fspp_core.extraction.driver import extract
    from fspp_core.extraction.options import ExtractOptions
    from fspp_core.extraction.report import ExtractReport

_HOMES = {
    "BatchReport": "batch_report",
    "ExtractOptions": "options",
    "ExtractReport": "report",
    "extract": "driver",
    "extract_all": "batch",
    "import_schema": "detection.import_format",
}

__all__ = ["BatchReport", "ExtractOptions", "ExtractReport", "extract", "extract_all", "import_schema"]

__getattr__, __dir__ = lazy(__name__, _HOMES)
