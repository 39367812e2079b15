"""The sets of classes of published weights, the parts that users name, and what the networks expect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """What the outputs of a network stand for, and how its inputs were normalised in training.

    Attributes:
        classes: names in the order of the network's outputs, 0 being the background.
        parts: what users name, and the classes each is made of.
        mean: of R, G and B in 0..1, taken away before
        deviation: by which they are then divided.
    """

    classes: tuple[str, ...]
    parts: Mapping[str, tuple[int, ...]]
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]

    def members(self, parts: Iterable[str]) -> tuple[int, ...]:
        """The classes that some parts are made of, in order."""
        return tuple(sorted({number for part in parts for number in self.parts[part]}))


ORIGINAL = Scheme(
    classes=(
        *("background", "skin", "l_brow", "r_brow", "l_eye", "r_eye", "glasses", "l_ear", "r_ear", "earring", "nose"),
        *("mouth", "u_lip", "l_lip", "neck", "necklace", "clothes", "hair", "hat"),
    ),
    parts=MappingProxyType(
        {
            "skin": (1,),
            "brows": (2, 3),
            "eyes": (4, 5),
            "glasses": (6,),
            "ears": (7, 8),
            "earrings": (9,),
            "nose": (10,),
            "mouth": (11,),
            "lips": (12, 13),
            "neck": (14,),
            "necklace": (15,),
            "clothes": (16,),
            "hair": (17,),
            "hat": (18,),
        }
    ),
    mean=(0.485, 0.456, 0.406),
    deviation=(0.229, 0.224, 0.225),
)
"""CelebAMask-HQ's classes, those of zllrunning's weights and of Faceswap's called original; ImageNet's statistics."""

FACESWAP = Scheme(
    classes=("background", "skin", "ears", "hair", "glasses"),
    parts=MappingProxyType({"skin": (1,), "ears": (2,), "hair": (3,), "glasses": (4,)}),
    mean=(0.384, 0.314, 0.279),
    deviation=(0.324, 0.286, 0.275),
)
"""The classes of Faceswap's own weights, whose skin takes in brows, eyes, nose and mouth."""
