"""fspp: face swapping as a plugin system. The library's front door; what lies behind is imported when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fspp_core.lazy import lazy

if TYPE_CHECKING:
    from fspp_core.conversion import ConvertOptions, ConvertReport, convert
    from fspp_core.errors import Cancelled, FsppError
    from fspp_core.extraction import ExtractOptions, ExtractReport, extract
    from fspp_core.progress import ProgressEvent
    from fspp_core.registry import Registry, load_registry
    from fspp_core.training import TrainOptions, TrainReport, train

__version__ = "0.1.0"

_HOMES = {
    "Cancelled": "errors",
    "ConvertOptions": "conversion",
    "ConvertReport": "conversion",
    "ExtractOptions": "extraction",
    "ExtractReport": "extraction",
    "FsppError": "errors",
    "ProgressEvent": "progress",
    "Registry": "registry",
    "TrainOptions": "training",
    "TrainReport": "training",
    "convert": "conversion",
    "extract": "extraction",
    "load_registry": "registry",
    "train": "training",
}

__all__ = [
    "Cancelled",
    "ConvertOptions",
    "ConvertReport",
    "ExtractOptions",
    "ExtractReport",
    "FsppError",
    "ProgressEvent",
    "Registry",
    "TrainOptions",
    "TrainReport",
    "convert",
    "extract",
    "load_registry",
    "train",
]

__getattr__, __dir__ = lazy(__name__, _HOMES)
