"""Pretrained weights: fetched or imported once, checked, and kept as safetensors. Imported piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fspp_core.lazy import lazy

if TYPE_CHECKING:
    from fspp_core.weights.fetching import fetch
    from fspp_core.weights.importing import import_weights
    from fspp_core.weights.loading import check_tensors, load_weights
    from fspp_core.weights.published import read_published
    from fspp_core.weights.store import WeightRecord, WeightStore
    from fspp_core.weights.wanted import Wanted, catalogue

_HOMES = {
    "Wanted": "wanted",
    "WeightRecord": "store",
    "WeightStore": "store",
    "catalogue": "wanted",
    "check_tensors": "loading",
    "fetch": "fetching",
    "import_weights": "importing",
    "load_weights": "loading",
    "read_published": "published",
}

__all__ = [
    "Wanted",
    "WeightRecord",
    "WeightStore",
    "catalogue",
    "check_tensors",
    "fetch",
    "import_weights",
    "load_weights",
    "read_published",
]

__getattr__, __dir__ = lazy(__name__, _HOMES)
