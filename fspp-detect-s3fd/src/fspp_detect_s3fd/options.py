"""Options of the S3FD detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fspp_core.inference.options import EngineName, Precision, engine_option, precision_option
from fspp_core.options import option


@dataclass(frozen=True, slots=True, kw_only=True)
class S3FDOptions:
    """What counts as a face, and at which size frames are looked at."""

    confidence: float = option(0.5, "Score from which a box is a face.", minimum=0.05, maximum=1.0, group="Boxes")
    nms_mode: Literal["greedy", "vote"] = option(
        "greedy",
        "Of boxes that overlap, greedy keeps the best as it is, as DeepFaceLab and face-alignment do; vote gives it "
        "the mean of the others, weighted by their scores, as Faceswap does.",
        group="Boxes",
    )
    nms_threshold: float = option(
        0.3,
        "Boxes that share more than this with a better one, measured against both together, are the same face.",
        minimum=0.0,
        maximum=1.0,
        group="Boxes",
    )
    min_face: int = option(
        20, "Smallest face to report, in pixels of the frame and of its shorter side.", minimum=1, group="Boxes"
    )
    extend_bottom: float = option(
        0.0,
        "Lengthen each box downwards by this share of its height, for the chin. DeepFaceLab's is 0.1.",
        minimum=0.0,
        maximum=1.0,
        group="Boxes",
    )
    input_rule: Literal["letterbox", "deepfacelab"] = option(
        "letterbox",
        "How frames are scaled, always keeping their proportions: letterbox makes the longer side input_side; "
        "deepfacelab halves it, to at least 64 and at most 640 pixels.",
        group="Input",
    )
    input_side: int = option(
        640,
        "Longer side of what the network sees, in pixels, under input_rule letterbox. Time grows with its square; "
        "the smallest face that is found is about 1/40 of it.",
        minimum=64,
        maximum=4096,
        group="Input",
    )
    pad_multiple: int = option(
        8,
        "Under input_rule letterbox each side is filled up to a multiple of this with the mean colour. From 32 on the "
        "last rows and columns count at every scale.",
        minimum=1,
        maximum=128,
        group="Input",
    )
    channel_order: Literal["bgr", "rgb"] = option(
        "bgr",
        "Order of the colours the network sees. The weights were made for bgr; DeepFaceLab feeds rgb.",
        group="Input",
    )
    engine: EngineName = engine_option()
    precision: Precision = precision_option()
    batch_size: int | None = option(
        None,
        "Frames that go through the network together. Nothing given: 8 on a graphics card, 1 on a processor, where "
        "more gain nothing.",
        minimum=1,
        maximum=256,
        group="Speed",
    )
