"""Masks of faces: expressions that mix them, their values in any crop, and their shaping. Imported piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fspp_core.lazy import lazy

if TYPE_CHECKING:
    from fspp_core.masks.choosing import MissingMaskError, Sources, choose
    from fspp_core.masks.evaluating import Layer, evaluate, face_mask
    from fspp_core.masks.expression import MaskExpression
    from fspp_core.masks.parsing import parse_mask
    from fspp_core.masks.shape import MaskShape

_HOMES = {
    "Layer": "evaluating",
    "MaskExpression": "expression",
    "MaskShape": "shape",
    "MissingMaskError": "choosing",
    "Sources": "choosing",
    "choose": "choosing",
    "evaluate": "evaluating",
    "face_mask": "evaluating",
    "parse_mask": "parsing",
}

__all__ = [
    "Layer",
    "MaskExpression",
    "MaskShape",
    "MissingMaskError",
    "Sources",
    "choose",
    "evaluate",
    "face_mask",
    "parse_mask",
]

__getattr__, __dir__ = lazy(__name__, _HOMES)
