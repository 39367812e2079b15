"""Options of core's losses; light, no Keras."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fspp_core.options import option


@dataclass(frozen=True, slots=True, kw_only=True)
class DSSIMOptions:
    """Options of the structural loss."""

    window: int = option(11, "Side of the Gaussian window, in pixels.", minimum=2, maximum=99)
    sigma: float = option(1.5, "Standard deviation of the window, in pixels.", exclusive_minimum=0)
    k1: float = option(0.01, "Stabilizer of the luminance term, as a share of the value range.", exclusive_minimum=0)
    k2: float = option(0.03, "Stabilizer of the contrast term, as a share of the value range.", exclusive_minimum=0)
    border: Literal["reflect", "valid"] = option(
        "reflect", "Mirror the picture at its edges and rate every pixel, or rate whole windows only, without a map."
    )
    halved: bool = option(True, "(1 - SSIM) / 2 as DeepFaceLab has it; otherwise 1 - SSIM as Faceswap has it.")
