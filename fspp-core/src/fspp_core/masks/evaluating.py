"""The values of a mask expression in any crop: each mask is warped once, from its own space into the wanted one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fspp_core.errors import ShapeError
from fspp_core.geometry import compose, invert, warp
from fspp_core.masks.choosing import MissingMaskError, Sources, choose, is_stored
from fspp_core.masks.expression import Chain, Complement, Full, Joined, Leaf, MaskExpression, Node, leaves
from fspp_core.types import Face, FloatArray, Mask, Matrix


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A mask in a space of its own.

    Attributes:
        image: (h, w) uint8 or uint16 over their full range, or float 0..1.
        matrix: (2, 3) float64, frame -> pixels of `image`.
    """

    image: npt.NDArray[Any]
    matrix: Matrix

    @classmethod
    def of(cls, mask: Mask) -> Layer:
        """A stored mask as it is."""
        return cls(mask.image, mask.matrix)

    def seen(self, matrix: Matrix, size: int) -> FloatArray:
        """(size, size) float32 0..1: the mask in the crop of `matrix`, 0 where it does not reach."""
        image = self.image
        if image.ndim != 2:
            raise ShapeError(f"a mask must be (height, width); received {image.shape}")
        if image.dtype.kind == "u":
            image = np.divide(image, np.iinfo(image.dtype).max, dtype=np.float32)
        through = compose(matrix, invert(self.matrix))
        seen: FloatArray = warp(image.astype(np.float32, copy=False), through, size)
        return np.clip(seen, 0.0, 1.0, out=seen)


def evaluate(node: Node, layers: Mapping[Leaf, Layer], matrix: Matrix, size: int) -> FloatArray:
    """The values of an expression.

    Args:
        node: without chains, as `choose` gives it.
        layers: every mask in it but `Full`.
        matrix: (2, 3), frame -> the wanted crop.
        size: its side in pixels.

    Returns:
        (size, size) float32, 0..1; the caller's own.

    Raises:
        MissingMaskError: for a mask that is not among `layers`.
    """
    seen: dict[Leaf, FloatArray] = {}
    for leaf in leaves(node):
        if isinstance(leaf, Full):
            seen[leaf] = np.ones((size, size), np.float32)
        elif leaf not in seen:
            if leaf not in layers:
                raise MissingMaskError(leaf)
            seen[leaf] = layers[leaf].seen(matrix, size)
    return _values(node, seen)


def _values(node: Node, seen: Mapping[Leaf, FloatArray]) -> FloatArray:
    if isinstance(node, Chain):
        raise ShapeError("a chain has values for a face only: choose first")
    if isinstance(node, Complement):
        return np.float32(1.0) - _values(node.of, seen)
    if isinstance(node, Joined):
        left, right = _values(node.left, seen), _values(node.right, seen)
        if node.sign == "*":
            return left * right
        if node.sign == "+":
            union: FloatArray = np.clip(left + right, 0.0, 1.0)
            return union
        return left * (np.float32(1.0) - right)
    return seen[node]


def face_mask(
    expression: MaskExpression,
    face: Face,
    matrix: Matrix,
    size: int,
    *,
    frame: int = 0,
    sources: Sources | None = None,
    make: Callable[[Leaf], Layer] | None = None,
) -> FloatArray:
    """The mask of one face.

    Args:
        face: with its stored masks.
        matrix: (2, 3), frame -> the wanted crop.
        size: its side in pixels.
        frame: index of the face's frame, for expressions that name ranges.
        sources: what masks can be had besides the stored ones; by default none.
        make: gives those that are not stored: learned ones and those of maskers; each is asked for once.

    Returns:
        (size, size) float32, 0..1.

    Raises:
        MissingMaskError: for a mask that is neither stored nor to be had.
        ConfigError: when no range of the expression holds the frame.
    """
    node = choose(expression.at(frame), frozenset(face.masks), sources or Sources())
    return evaluate(node, layers_of(node, face.masks, make), matrix, size)


def layers_of(node: Node, masks: Mapping[str, Mask], make: Callable[[Leaf], Layer] | None = None) -> dict[Leaf, Layer]:
    """The masks that the values of an expression come from.

    Args:
        node: without chains, as `choose` gives it.
        masks: those stored with the face.
        make: gives those that are not stored, which are left out otherwise; each is asked for once.
    """
    stored = frozenset(masks)
    layers: dict[Leaf, Layer] = {}
    for leaf in leaves(node):
        if isinstance(leaf, Full) or leaf in layers:
            continue
        if is_stored(leaf, stored):
            layers[leaf] = Layer.of(masks[str(leaf)])
        elif make is not None:
            layers[leaf] = make(leaf)
    return layers
