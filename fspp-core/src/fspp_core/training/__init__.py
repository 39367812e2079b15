"""Training: face crops in, a model folder out. Everything here is imported when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fspp_core.lazy import lazy

if TYPE_CHECKING:
    from fspp_core.training.loop import train
    from fspp_core.training.options import TrainOptions
    from fspp_core.training.report import TrainReport

_HOMES = {"TrainOptions": "options", "TrainReport": "report", "train": "loop"}

__all__ = ["TrainOptions", "TrainReport", "train"]

__getattr__, __dir__ = lazy(__name__, _HOMES)
