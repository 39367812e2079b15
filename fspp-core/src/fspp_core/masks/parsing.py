"""Read mask expressions, such as `0-99: xseg; 100-: (bisenet | extended) - hands`; what is wrong is pointed at.

    a | b      per face: a where it is there, else b
    a + b      union: the sum, at most 1
    a - b      a without b: a (1 - b)
    a * b      what both have: the product
    !a         all but a: 1 - a
    ( )        binds first; then ! before * before + and - before |

A mask is there when it is stored with the face, drawn from landmarks alone, or predicted by the model. Only what is
not an alternative to something else, and the last alternative, is also made by the masker of that name.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import replace
from functools import lru_cache
from typing import NoReturn

from fspp_core.errors import ConfigError
from fspp_core.masks.expression import Chain, Clause, Complement, Full, Joined, Learned, MaskExpression, Named, Node

PRESETS: dict[str, str] = {
    "dfl-0": "full",
    "dfl-1": "dst",
    "dfl-2": "learned-prd",
    "dfl-3": "learned-dst",
    "dfl-4": "learned-prd * learned-dst",
    "dfl-5": "learned-prd + learned-dst",
    "dfl-6": "xseg-prd",
    "dfl-7": "xseg-dst",
    "dfl-8": "xseg-prd * xseg-dst",
    "dfl-9": "learned-prd * learned-dst * xseg-prd * xseg-dst",
    "dst": "dfl-hull",
    "learned-prd": "learned",
    "learned-dst": "learned-target",
    "xseg-prd": "xseg@swap",
    "xseg-dst": "xseg",
}
"""DeepFaceLab's ten mask modes by their numbers, and the names it writes them with."""

_KEYWORDS: dict[str, Node] = {"none": Full(), "full": Full(), "learned": Learned("swap")}
_KEYWORDS["learned-target"] = Learned("target")
_WORD = re.compile(r"\w(?:[\w.]|-(?=\w))*")
_RANGES = re.compile(r"-?\s*\d[\d\s,-]*(?=:)")
_RANGE = re.compile(r"\s*(?:(\d+)\s*(-)\s*(\d+)|(\d+)\s*(-)?|-\s*(\d+))\s*")
_DEEPEST = 40  # parentheses in parentheses


@lru_cache(maxsize=256)
def parse_mask(text: str, *, where: str = "mask") -> MaskExpression:
    """Read a mask expression.

    Args:
        where: what the message of an error starts with.

    Raises:
        ConfigError: saying what is wrong, with a caret under the place.
    """
    return _Parser(text, where).expression()


class _Parser:
    def __init__(self, text: str, where: str) -> None:
        self._text, self._where = text, where
        self._at = 0
        self._depth = 0

    def expression(self) -> MaskExpression:
        clauses = [self._clause()]
        while self._take(";"):
            if not clauses[-1].ranges:
                self._fail("nothing can follow a mask that holds for every frame; name its frames, or put it last")
            clauses.append(self._clause())
        if self._peek():
            self._unexpected()
        return MaskExpression(self._text, tuple(clauses))

    def _clause(self) -> Clause:
        self._peek()
        found = _RANGES.match(self._text, self._at)
        if found is None:
            return Clause((), self._chain())
        ranges, start = [], found.start()
        for part in found[0].split(","):
            ranges.append(self._range(part, start))
            start += len(part) + 1
        self._at = found.end() + 1
        return Clause(tuple(ranges), self._chain())

    def _range(self, part: str, start: int) -> tuple[int, int | None]:
        start += len(part) - len(part.lstrip())
        found = _RANGE.fullmatch(part)
        if found is None:
            self._fail("frames are given as 7, 0-99, 100- or -99", start)
        first, _, last, only, still, until = found.groups()
        if until is not None:
            return 0, int(until)
        if only is not None:
            return int(only), None if still else int(only)
        if int(last) < int(first):
            self._fail(f"a range goes from its first frame to its last: {last}-{first}", start)
        return int(first), int(last)

    def _chain(self) -> Node:
        alternatives = [self._sum()]
        while self._take("|"):
            alternatives.append(self._sum())
        return alternatives[0] if len(alternatives) == 1 else Chain(tuple(alternatives))

    def _sum(self) -> Node:
        node = self._product()
        while True:
            if self._take("+"):
                node = Joined("+", node, self._product())
            elif self._take("-"):
                node = Joined("-", node, self._product())
            else:
                return node

    def _product(self) -> Node:
        node = self._factor()
        while self._take("*"):
            node = Joined("*", node, self._factor())
        return node

    def _factor(self) -> Node:
        sign = self._peek()
        if sign not in ("!", "("):
            return self._name()
        start = self._at
        self._at += 1
        self._depth += 1
        if self._depth > _DEEPEST:
            self._fail("too deep to follow", start)
        node: Node = Complement(self._factor()) if sign == "!" else self._chain()
        if sign == "(" and not self._take(")"):
            if self._peek():
                self._unexpected("expected one of | + - * or )")
            self._fail("this is never closed", start)
        self._depth -= 1
        return node

    def _name(self) -> Node:
        start = self._at
        quote = self._text[start : start + 1]
        if quote in ("'", '"') and quote:
            end = self._text.find(quote, start + 1)
            if end < 0:
                self._fail("this quote is never closed")
            if end == start + 1:
                self._fail("a mask without a name")
            self._at = end + 1
            return Named(self._text[start + 1 : end], self._swapped(), column=start)
        found = _WORD.match(self._text, start)
        if found is None:
            self._unexpected("expected a mask" + (f" after {self._before()!r}" if self._before() else ""))
        self._at = found.end()
        word, swapped = found[0], self._swapped()
        known = word.lower()
        if not swapped and known in PRESETS:
            return _placed(_Parser(PRESETS[known], self._where).expression().clauses[0].node, start)
        if not swapped and known in _KEYWORDS:
            return _placed(_KEYWORDS[known], start)
        return Named(word, swapped, column=start)

    def _swapped(self) -> bool:
        if self._text[self._at : self._at + 1] != "@":
            return False
        found = _WORD.match(self._text, self._at + 1)
        if found is None or found[0] != "swap":
            self._fail("only swap can follow @: NAME@swap is what the masker NAME makes of the swapped face")
        self._at = found.end()
        return True

    def _before(self) -> str:
        """The last sign before this place."""
        return self._text[: self._at].rstrip()[-1:]

    def _peek(self) -> str:
        """The next sign, behind any space; empty at the end."""
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        return self._text[self._at : self._at + 1]

    def _take(self, sign: str) -> bool:
        if self._peek() != sign:
            return False
        self._at += 1
        return True

    def _unexpected(self, expected: str = "expected one of | + - * ; or the end") -> NoReturn:
        if not self._text.strip():
            self._fail("it is empty; name a mask, such as extended, or none for the whole crop")
        sign = self._peek()
        if sign == ":":
            expected = "only frames can stand before a colon, such as 0-99: xseg"
        self._fail(expected if not sign or sign == ":" else f"{expected}; found {sign!r}")

    def _fail(self, message: str, at: int | None = None) -> NoReturn:
        at = self._at if at is None else at
        raise ConfigError(f"{self._where}: {pointed(message, self._text, at)}")


def meant_apart(name: str, known: Set[str]) -> str:
    """A hint for an unknown name that was meant as a difference, such as xseg-hands; else empty."""
    for place in (found.start() for found in re.finditer("-", name)):
        left, right = name[:place], name[place + 1 :]
        if {left, right} <= known | _KEYWORDS.keys() | PRESETS.keys():
            return f"; for {left} without {right} write {left} - {right}, with spaces"
    return ""


def pointed(message: str, text: str, at: int) -> str:
    """A message with the text under it, and a caret under its place."""
    if not text.strip():
        return message
    line = "".join(" " if sign.isspace() else sign for sign in text)
    return f"{message}\n  {line}\n  {' ' * at}^"


def _placed(node: Node, column: int) -> Node:
    """The same with every name at one place: where the preset's name stands."""
    if isinstance(node, Joined):
        return Joined(node.sign, _placed(node.left, column), _placed(node.right, column))
    return replace(node, column=column) if isinstance(node, Named | Learned) else node
