"""Which masks of an expression one face gets: fallback chains resolved by what is there for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from fspp_core.errors import FsppError
from fspp_core.masks.expression import Chain, Complement, Full, Joined, Leaf, Learned, Named, Node

DRAWN = frozenset({"components", "extended", "dfl-hull", "eyes", "mouth"})
"""Maskers that need landmarks only; their masks are there for every face."""


class MissingMaskError(FsppError):
    """A face lacks a mask and there is nothing to fall back to.

    Attributes:
        leaf: the mask.
    """

    def __init__(self, leaf: Leaf) -> None:
        super().__init__(f"there is no mask {leaf}")
        self.leaf = leaf


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where masks come from besides those stored with a face.

    Attributes:
        maskers: names of maskers that can be used.
        learned: which masks the model predicts, of "swap" and "target".
        swapped: whether there are swapped faces for maskers to look at.
    """

    maskers: frozenset[str] = frozenset()
    learned: frozenset[str] = frozenset()
    swapped: bool = False


@lru_cache(maxsize=1024)
def choose(node: Node, stored: frozenset[str], sources: Sources) -> Node:
    """The expression without chains, as it holds for one face.

    Of a chain it takes the first alternative all of whose masks are there: stored, drawn from landmarks, or predicted.
    The last alternative, and whatever stands in no chain, may also be made by a masker that looks at pixels.

    Args:
        node: what holds for the face's frame.
        stored: names of the masks stored with the face.
        sources: where others come from.

    Raises:
        MissingMaskError: naming the first mask that cannot be had.
    """
    return _choose(node, stored, sources, make=True)


def _choose(node: Node, stored: frozenset[str], sources: Sources, *, make: bool) -> Node:
    if isinstance(node, Chain):
        for alternative in node.alternatives[:-1]:
            try:
                return _choose(alternative, stored, sources, make=False)
            except MissingMaskError:
                continue
        return _choose(node.alternatives[-1], stored, sources, make=make)
    if isinstance(node, Joined):
        left, right = (_choose(part, stored, sources, make=make) for part in (node.left, node.right))
        return Joined(node.sign, left, right)
    if isinstance(node, Complement):
        return Complement(_choose(node.of, stored, sources, make=make))
    if not _there(node, stored, sources, make=make):
        raise MissingMaskError(node)
    return node


def _there(leaf: Leaf, stored: frozenset[str], sources: Sources, *, make: bool) -> bool:
    if isinstance(leaf, Full):
        return True
    if isinstance(leaf, Learned):
        return leaf.of in sources.learned
    if leaf.swapped:
        return sources.swapped and leaf.name in sources.maskers and (make or leaf.name in DRAWN)
    return leaf.name in stored or (leaf.name in sources.maskers and (make or leaf.name in DRAWN))


def is_stored(leaf: Leaf, stored: frozenset[str]) -> bool:
    """Whether a mask is taken from those stored with a face."""
    return isinstance(leaf, Named) and not leaf.swapped and leaf.name in stored
