"""Options of the FAN aligner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fspp_core.inference.options import EngineName, Precision, engine_option, precision_option
from fspp_core.options import option

CropRule = Literal["deepfacelab", "face-alignment", "faceswap"]
Decoder = Literal["quarter", "dark"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FANOptions:
    """What the network sees of a face, how much of it runs, and how its heat maps are read."""

    stacks: int = option(
        4,
        "Hourglass stacks to run. Each costs about as much time as the others; fewer are faster and less accurate.",
        minimum=1,
        maximum=4,
    )
    crop: CropRule = option(
        "deepfacelab",
        "Square cut out around a box: as DeepFaceLab does; higher by 12 % of the box, as face-alignment and Faceswap 2 "
        "do; or smaller, as Faceswap 3 does.",
    )
    seed: Literal["keypoints", "box"] = option(
        "keypoints",
        "What the square is laid around: the face that the detector's five keypoints show, where it gives them, or "
        "always its box.",
    )
    decoder: Decoder = option(
        "quarter",
        "How places between the heat maps' cells are found: a quarter cell towards the higher neighbour, or the top of "
        "the curve through the peak (DARK).",
    )
    flip: bool = option(False, "Average with what the network sees in the mirror: steadier, and twice the time.")
    engine: EngineName = engine_option()
    precision: Precision = precision_option()
    batch_size: int = option(
        8, "Most faces to run at once; memory grows with it.", minimum=1, maximum=256, group="Speed"
    )
