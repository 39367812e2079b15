"""Training: face crops in, a model folder out. Everything here is imported when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fspp_core.training.loop import train
    from fspp_core.training.options import TrainOptions
    from fspp_core.training.report import TrainReport

_HOMES = {"TrainOptions": "options", "TrainReport": "report", "train": "loop"}

__all__ = ["TrainOptions", "TrainReport", "train"]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
