"""Networks made to run: an engine, a number format, one compiled function for each shape. Imported piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fspp_core.lazy import lazy

if TYPE_CHECKING:
    from fspp_core.inference.network import Network
    from fspp_core.inference.options import EngineName, Precision, engine_option, precision_option

_HOMES = {
    "EngineName": "options",
    "Network": "network",
    "Precision": "options",
    "engine_option": "options",
    "precision_option": "options",
}

__all__ = ["EngineName", "Network", "Precision", "engine_option", "precision_option"]

__getattr__, __dir__ = lazy(__name__, _HOMES)
