"""Options of the MTCNN detector."""

from __future__ import annotations

from dataclasses import dataclass

from fspp_core.options import option


@dataclass(frozen=True, slots=True, kw_only=True)
class MTCNNOptions:
    """What to look for, and how sure to be at each of the three stages."""

    min_face: int = option(
        20, "Smallest face to look for, in pixels of its shorter side. Time grows with its inverse square.", minimum=12
    )
    scale_factor: float = option(
        0.709,
        "Each level of the picture pyramid is this much smaller than the one before. Nearer to 1 finds more, slower.",
        minimum=0.3,
        maximum=0.95,
    )
    proposal_threshold: float = option(
        0.6, "Score from which the first network proposes a box.", minimum=0.0, maximum=1.0, group="Thresholds"
    )
    refine_threshold: float = option(
        0.7, "Score from which the second network keeps a box.", minimum=0.0, maximum=1.0, group="Thresholds"
    )
    output_threshold: float = option(
        0.8, "Score from which the third network calls a box a face.", minimum=0.0, maximum=1.0, group="Thresholds"
    )
