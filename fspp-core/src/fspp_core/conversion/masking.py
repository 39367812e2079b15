"""What of each face is seen: the mask expression of a conversion, decided face by face, and who makes its masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from fspp_core.conversion.selection import Selection
from fspp_core.errors import AlignmentsError, CheckpointError, ConfigError, FsppError
from fspp_core.interfaces import Masker
from fspp_core.masks.choosing import MissingMaskError, Sources, choose, is_stored
from fspp_core.masks.expression import Learned, MaskExpression, Named, Node, leaves
from fspp_core.masks.parsing import meant_apart, pointed

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskPlan:
    """The mask of every face.

    Attributes:
        expression: as the user gave it.
        sources: what can be had besides stored masks.
        maskers: by name, those that make a mask for some face.
    """

    expression: MaskExpression
    sources: Sources = field(default_factory=Sources)
    maskers: Mapping[str, Masker] = field(default_factory=dict)

    def node(self, frame: int, stored: Set[str]) -> Node:
        """The expression of a face without chains.

        Args:
            frame: index of its frame.
            stored: names of its stored masks.

        Raises:
            MissingMaskError: naming the mask that it lacks.
        """
        return choose(self.expression.at(frame), frozenset(stored), self.sources)

    def stored(self, frame: int, stored: Set[str]) -> set[str]:
        """Which of its stored masks a face needs; the others need not be decoded."""
        there = frozenset(stored)
        return {str(leaf) for leaf in leaves(self.node(frame, stored)) if is_stored(leaf, there)}


def made_masks(
    expression: MaskExpression, sources: Sources, selection: Selection, alignments: Path
) -> tuple[set[str], bool]:
    """What has to be made for some face: by which maskers, and whether the model's mask of the target is needed.

    Args:
        sources: all that can be had besides stored masks.
        alignments: their file, for the message.

    Raises:
        CheckpointError: for `learned` when the model predicts no mask and nothing else is given.
        AlignmentsError: when a mask is stored with some faces only and no masker makes it, or means nothing here.
        ConfigError: when no range of the expression holds a frame with faces.
    """
    nodes: set[tuple[Node, frozenset[str]]] = set()
    for index, _, record in selection:
        stored = frozenset(record.masks)
        try:
            nodes.add((choose(expression.at(index), stored, sources), stored))
        except MissingMaskError as error:
            raise _missing(error, expression, sources, selection, alignments) from error
    made = {leaf for node, stored in nodes for leaf in leaves(node) if not is_stored(leaf, stored)}
    return {leaf.name for leaf in made if isinstance(leaf, Named)}, Learned("target") in made


def _missing(
    error: MissingMaskError, expression: MaskExpression, sources: Sources, selection: Selection, path: Path
) -> FsppError:
    leaf = error.leaf
    if isinstance(leaf, Learned):
        message = "there is no learned one, the model predicts none; take extended, components or a stored mask"
        return CheckpointError(f"mask: {_placed(message, leaf.column, expression)}")
    if not isinstance(leaf, Named):
        return error
    maskers = ", ".join(sorted(sources.maskers)) or "none"
    if leaf.swapped:
        message = f"{leaf} needs the masker {leaf.name!r}, which is not installed; installed: {maskers}"
        return ConfigError(f"mask: {_placed(message, leaf.column, expression)}")
    stored = sorted({name for _, _, face in selection for name in face.masks})
    if leaf.name in stored:
        lacking = [
            str(index) for index, _, face in selection if _lacks(leaf, expression.at(index), face.masks, sources)
        ]
        message = (
            f"{len(lacking)} faces have no mask {leaf.name!r} (frames {_list(lacking)}), and no masker of that name "
            "is installed to make it; make it for them first, or choose another mask"
        )
        return AlignmentsError(f"{path}: {_placed(message, leaf.column, expression)}")
    apart = meant_apart(leaf.name, {*stored, *sources.maskers})
    message = (
        f"there is no {leaf.name!r}{apart}. Stored in {path}: {', '.join(stored) or 'none'}; maskers installed: "
        f"{maskers}; besides these there are learned and none"
    )
    return AlignmentsError(f"mask: {_placed(message, leaf.column, expression)}")


def _lacks(leaf: Named, node: Node, stored: Mapping[str, object], sources: Sources) -> bool:
    """Whether a face cannot have its mask because of this name."""
    try:
        choose(node, frozenset(stored), sources)
    except MissingMaskError as error:
        return error.leaf == leaf
    return False


def _placed(message: str, column: int, expression: MaskExpression) -> str:
    """The message, with its place in the expression where that says more than one name."""
    single = len(expression.text.split()) == 1 and len(expression.leaves) == 1
    return message if single else pointed(message, expression.text, column)


def _list(items: Sequence[str]) -> str:
    return ", ".join(items[:_SHOWN]) + (", …" if len(items) > _SHOWN else "")
