"""Options of the XSeg masker; light, because plugins are listed at every start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fspp_core.inference.options import EngineName, Precision, engine_option, precision_option
from fspp_core.options import option


@dataclass(frozen=True, slots=True, kw_only=True)
class XSegOptions:
    """What the network sees of a face, and how its answer becomes a mask."""

    face_type: Literal["half", "midfull", "full", "whole", "head"] = option(
        "whole",
        "Crop that the network sees: the face type it was trained on, wf in DeepFaceLab being whole.",
        group="Crop",
    )
    size: int = option(
        256,
        "Side of the crop and of the stored mask, in pixels; the network sees 256 of whatever size.",
        minimum=32,
        maximum=2048,
        group="Crop",
    )
    floor: float = option(
        0.1, "Below it a pixel does not belong to the face at all.", minimum=0.0, maximum=1.0, group="Mask"
    )
    threshold: float | None = option(
        None,
        "From it on a pixel belongs to the face, and below it does not; without one, edges stay soft. DeepFaceLab's "
        "apply stores masks cut at 0.5, its merger uses soft ones.",
        minimum=0.0,
        maximum=1.0,
        group="Mask",
    )
    batch_size: int = option(
        8, "Most faces to run at once; memory grows with it.", minimum=1, maximum=256, group="Speed"
    )
    engine: EngineName = engine_option()
    precision: Precision = precision_option()
