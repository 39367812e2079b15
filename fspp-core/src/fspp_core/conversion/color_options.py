"""Options of core's colour transfers; light, because plugins are listed with them."""

from __future__ import annotations

from dataclasses import dataclass

from fspp_core.options import option


@dataclass(frozen=True, slots=True, kw_only=True)
class RCTOptions:
    """Options of the colour transfer `rct`."""

    zero_outside: bool = option(
        False,
        "Count pixels outside the mask as black in the statistics, as DeepFaceLab and Faceswap do, "
        "instead of leaving them out.",
    )
