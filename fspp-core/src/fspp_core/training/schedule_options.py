"""Options of core's learning-rate schedules; light."""

from __future__ import annotations

from dataclasses import dataclass

from fspp_core.options import option


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantOptions:
    """Options of the constant schedule."""

    warmup: int = option(0, "Updates over which the rate rises linearly to its base.", minimum=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CosineOptions:
    """Options of the cosine schedule."""

    warmup: int = option(0, "Updates over which the rate rises linearly to its base.", minimum=0)
    floor: float = option(0.0, "Share of the base rate that is left at the end.", minimum=0, maximum=1)
