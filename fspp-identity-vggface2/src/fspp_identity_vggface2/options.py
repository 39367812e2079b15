"""Options of the recognizers."""

from __future__ import annotations

from dataclasses import dataclass

from fspp_core.inference.options import EngineName, Precision, engine_option, precision_option
from fspp_core.options import option


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognizerOptions:
    """How faces go through the network."""

    flip: bool = option(False, "Average with what the network sees in the mirror: steadier, and twice the time.")
    batch_size: int = option(
        8, "Most faces to run at once; memory grows with it.", minimum=1, maximum=256, group="Speed"
    )
    engine: EngineName = engine_option()
    precision: Precision = precision_option()
