"""What a mask expression says: names, operations between them, fallback chains, ranges of frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from fspp_core.errors import ConfigError

Sign = Literal["*", "+", "-"]


@dataclass(frozen=True, slots=True)
class Full:
    """The whole crop: 1 everywhere."""

    def __str__(self) -> str:
        return "none"


@dataclass(frozen=True, slots=True)
class Learned:
    """A mask the model predicts.

    Attributes:
        of: "swap" for the one that comes with the swapped face, "target" for the one that comes with the target's own
            face when the model reconstructs it.
        column: where the expression says so, from 0.
    """

    of: Literal["swap", "target"]
    column: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return "learned" if self.of == "swap" else "learned-target"


@dataclass(frozen=True, slots=True)
class Named:
    """A mask by its name: stored with the face, else made by the masker of this name.

    Attributes:
        swapped: whether the masker looks at the swapped face instead of the frame; stored masks are out of it then.
        column: where the expression says so, from 0.
    """

    name: str
    swapped: bool = False
    column: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.name}@swap" if self.swapped else self.name


@dataclass(frozen=True, slots=True)
class Complement:
    """1 - a."""

    of: Node


@dataclass(frozen=True, slots=True)
class Joined:
    """Two masks as one: a b for "*", the lesser of a + b and 1 for "+", a (1 - b) for "-"."""

    sign: Sign
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Chain:
    """The first of several that is there for a face; the last is made if none is."""

    alternatives: tuple[Node, ...]


Leaf = Full | Learned | Named
Node = Leaf | Complement | Joined | Chain


def leaves(node: Node) -> Iterator[Leaf]:
    """The masks that stand in an expression, from left to right, as often as they do."""
    if isinstance(node, Complement):
        yield from leaves(node.of)
    elif isinstance(node, Joined):
        yield from leaves(node.left)
        yield from leaves(node.right)
    elif isinstance(node, Chain):
        for alternative in node.alternatives:
            yield from leaves(alternative)
    else:
        yield node


@dataclass(frozen=True, slots=True)
class Clause:
    """What holds for some frames.

    Attributes:
        ranges: first and last frame of each range, None where it is open; empty for every frame.
        node: the mask there.
    """

    ranges: tuple[tuple[int, int | None], ...]
    node: Node

    def holds(self, frame: int) -> bool:
        """Whether it is about this frame."""
        inside = (first <= frame and (last is None or frame <= last) for first, last in self.ranges)
        return not self.ranges or any(inside)


@dataclass(frozen=True, slots=True)
class MaskExpression:
    """A mask expression as read by `parse_mask`.

    Attributes:
        text: as it was written.
        clauses: the first that holds for a frame counts.
    """

    text: str
    clauses: tuple[Clause, ...]

    def at(self, frame: int) -> Node:
        """The mask of a frame.

        Raises:
            ConfigError: when no range holds it.
        """
        for clause in self.clauses:
            if clause.holds(frame):
                return clause.node
        raise ConfigError(
            f"mask: no range holds frame {frame} in {self.text!r}; add what holds elsewhere, such as '; extended'"
        )

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """All masks that stand in it, each once."""
        return tuple(dict.fromkeys(leaf for clause in self.clauses for leaf in leaves(clause.node)))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of stored masks and maskers in it, each once."""
        return tuple(dict.fromkeys(leaf.name for leaf in self.leaves if isinstance(leaf, Named)))
