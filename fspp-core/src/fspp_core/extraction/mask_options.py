"""Options of core's own maskers; light, because plugins are listed at every start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fspp_core.geometry.names import FaceType
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DFLHullOptions:
    """DeepFaceLab's hull of the landmarks."""

    size: int = option(256, "Side of the mask, in pixels.", minimum=16, maximum=2048)
    brows: float = option(1.0, "How far to raise the brows: DeepFaceLab's eyebrows_expand_mod.", minimum=0, maximum=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class EyesOptions:
    """The hulls of both eyes, grown and blurred."""

    size: int = option(256, "Side of the mask, in pixels.", minimum=16, maximum=2048)
    grow: float = option(
        3.125, "Diameter of the ellipse they are grown by, in percent of the mask's side.", minimum=0, maximum=50
    )
    blur: float = option(
        6.25, "Side of the Gaussian kernel they are blurred by, in percent of the mask's side.", minimum=0, maximum=50
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MouthOptions:
    """The hull of the mouth, grown and blurred."""

    size: int = option(256, "Side of the mask, in pixels.", minimum=16, maximum=2048)
    lips: bool = option(
        True, "Whether the lips belong to it, as in Faceswap; without them it is DeepFaceLab's mouth mask."
    )
    grow: float = option(
        3.125, "Diameter of the ellipse it is grown by, in percent of the mask's side.", minimum=0, maximum=50
    )
    blur: float = option(
        6.25, "Side of the Gaussian kernel it is blurred by, in percent of the mask's side.", minimum=0, maximum=50
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomOptions:
    """A mask to paint in another program."""

    size: int = option(256, "Side of the mask, in pixels.", minimum=16, maximum=2048)
    face_type: FaceType = option("whole", "How much of the head it shows.")
    start: Literal["blank", "filled"] = option("blank", "What to start from: no pixel of the crop, or all of them.")
