"""Options of the BiSeNet maskers; light, because plugins are listed at every start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fspp_core.geometry.names import FaceType
from fspp_core.inference.options import EngineName, Precision, engine_option, precision_option
from fspp_core.options import option

OriginalPart = Literal[
    "skin",
    "brows",
    "eyes",
    "nose",
    "mouth",
    "lips",
    "glasses",
    "ears",
    "earrings",
    "neck",
    "necklace",
    "clothes",
    "hair",
    "hat",
]
FaceswapPart = Literal["skin", "ears", "hair", "glasses"]

_PARTS = "Parts of the head that count as the face."


@dataclass(frozen=True, slots=True, kw_only=True)
class BiSeNetOptions:
    """What the network sees of a face, and how its answer becomes a mask."""

    face_type: FaceType | None = option(
        None,
        "Crop that the network sees. Without one as Faceswap: fs-head when hair is among the parts, else fs-face.",
        group="Crop",
    )
    size: int = option(
        512, "Side of the crop and of the stored mask, in pixels.", minimum=32, maximum=2048, group="Crop"
    )
    input_side: int = option(
        512,
        "Side of what the network sees, in pixels; the crop is scaled to it. It was trained at 512: 256 takes a "
        "quarter of the time and finds edges less exactly.",
        minimum=64,
        maximum=1024,
        multiple_of=32,
        group="Crop",
    )
    soft: bool = option(
        False,
        "Store how probable it is that a pixel belongs to the parts, rather than whether its most probable class does.",
        group="Mask",
    )
    batch_size: int = option(
        8, "Most faces to run at once; memory grows with it.", minimum=1, maximum=256, group="Speed"
    )
    engine: EngineName = engine_option()
    precision: Precision = precision_option()


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalOptions(BiSeNetOptions):
    """For the weights with 19 classes."""

    parts: tuple[OriginalPart, ...] = option(
        ("skin", "brows", "eyes", "nose", "mouth", "lips", "glasses"), _PARTS, group="Mask"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceOptions(BiSeNetOptions):
    """For Faceswap's weights with 5 classes, trained on its face crops."""

    parts: tuple[FaceswapPart, ...] = option(("skin", "glasses"), _PARTS, group="Mask")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadOptions(BiSeNetOptions):
    """For Faceswap's weights with 5 classes, trained on its head crops."""

    parts: tuple[FaceswapPart, ...] = option(("skin", "hair", "glasses"), _PARTS, group="Mask")
