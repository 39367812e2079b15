"""Options of core's own maskers; light, because plugins are listed at every start."""

from __future__ import annotations

from dataclasses import dataclass

from fspp_core.options import option


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentsOptions:
    """The hull of the landmarks."""

    size: int = option(256, "Side of the mask, in pixels.", minimum=16, maximum=2048)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendedOptions:
    """The hull of the landmarks with raised brows."""

    size: int = option(256, "Side of the mask, in pixels.", minimum=16, maximum=2048)
    brows: float = option(
        1.0, "How far to raise the brows: 1 as Faceswap's mask of this name, 0 not at all.", minimum=0, maximum=3
    )
