"""Reading mask expressions: what binds first, presets, frames, and carets under what is wrong."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fspp_core.errors import ConfigError
from fspp_core.masks import parse_mask
from fspp_core.masks.expression import Chain, Complement, Full, Joined, Learned, Named, leaves
from fspp_core.masks.parsing import PRESETS, meant_apart

A, B, C, D = (Named(name) for name in "abcd")


def node(text):
    return parse_mask(text).at(0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", A),
        ("  a ", A),
        ("bisenet-fp_face", Named("bisenet-fp_face")),
        ("'my mask'", Named("my mask")),
        ('"none"', Named("none")),
        ("none", Full()),
        ("full", Full()),
        ("learned", Learned("swap")),
        ("learned-target", Learned("target")),
        ("a@swap", Named("a", swapped=True)),
        ("a | b | c", Chain((A, B, C))),
        ("a|b|c", Chain((A, B, C))),
        ("a * b", Joined("*", A, B)),
        ("a*b*c", Joined("*", Joined("*", A, B), C)),
        ("a + b - c", Joined("-", Joined("+", A, B), C)),
        ("a - b + c", Joined("+", Joined("-", A, B), C)),
        ("a - (b + c)", Joined("-", A, Joined("+", B, C))),
        ("a + b * c", Joined("+", A, Joined("*", B, C))),
        ("(a + b) * c", Joined("*", Joined("+", A, B), C)),
        ("a | b + c * !d", Chain((A, Joined("+", B, Joined("*", C, Complement(D)))))),
        ("(a | b) - c", Joined("-", Chain((A, B)), C)),
        ("!!a", Complement(Complement(A))),
        ("a -b", Joined("-", A, B)),
        ("a- b", Joined("-", A, B)),
        ("a\n+ b", Joined("+", A, B)),
    ],
)
def test_what_binds_first(text, expected):
    assert node(text) == expected


def test_deepfacelabs_modes_by_their_own_names_and_numbers():
    prd, dst = Learned("swap"), Learned("target")
    x_prd, x_dst = Named("xseg", swapped=True), Named("xseg")
    modes = {
        "full": Full(),
        "dst": Named("dfl-hull"),
        "learned-prd": prd,
        "learned-dst": dst,
        "learned-prd*learned-dst": Joined("*", prd, dst),
        "learned-prd+learned-dst": Joined("+", prd, dst),
        "XSeg-prd": x_prd,
        "XSeg-dst": x_dst,
        "XSeg-prd*XSeg-dst": Joined("*", x_prd, x_dst),
        "learned-prd*learned-dst*XSeg-prd*XSeg-dst": Joined("*", Joined("*", Joined("*", prd, dst), x_prd), x_dst),
    }
    for number, (name, expected) in enumerate(modes.items()):
        assert node(name) == node(f"dfl-{number}") == expected
    assert all(parse_mask(text) for text in PRESETS.values())


def test_frames_name_their_own():
    expression = parse_mask("0-99: xseg; 120, 130-140, 200-: bisenet | extended; -110: a; b")
    assert [expression.at(frame) for frame in (0, 99)] == [Named("xseg")] * 2
    assert [expression.at(frame) for frame in (100, 110)] == [A, A]
    assert [expression.at(frame) for frame in (111, 119, 121, 129, 141, 199)] == [B] * 6
    assert [expression.at(frame) for frame in (120, 130, 140, 200, 10**9)] == [node("bisenet | extended")] * 5
    assert expression.names == ("xseg", "bisenet", "extended", "a", "b")
    with pytest.raises(ConfigError, match="no range holds frame 100 in '0-99: xseg'"):
        parse_mask("0-99: xseg").at(100)


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("xseg *", "expected a mask after '*'", 6),
        ("| a", "expected a mask; found '|'", 0),
        ("a b", "expected one of | + - * ; or the end; found 'b'", 2),
        ("a & b", "found '&'", 2),
        ("a + * b", "expected a mask after '+'; found '*'", 4),
        ("a * (b + c", "this is never closed", 4),
        ("a * (b c)", "expected one of | + - * or ); found 'c'", 7),
        ("a)", "found ')'", 1),
        ("()", "expected a mask after '('; found ')'", 1),
        ("a | 'b", "this quote is never closed", 4),
        ("''", "a mask without a name", 0),
        ("a @swap", "found '@'", 2),
        ("a@frame", "only swap can follow @", 1),
        ("90-10: a", "from its first frame to its last: 10-90", 0),
        ("1, 2-3-4: a", "frames are given as 7, 0-99, 100- or -99", 3),
        ("0-9: a; b; c", "nothing can follow a mask that holds for every frame", 10),
        ("0-9: a;", "expected a mask after ';'", 7),
        ("first: a", "only frames can stand before a colon", 5),
        ("(" * 60 + "a" + ")" * 60, "too deep", 40),
    ],
)
def test_what_is_wrong_is_pointed_at(text, message, column):
    with pytest.raises(ConfigError) as caught:
        parse_mask(text, where="train.mask")
    first, shown, caret = str(caught.value).split("\n")
    assert first.startswith("train.mask: ")
    assert message in first
    assert (shown, caret) == (f"  {text}", f"  {' ' * column}^")


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_nothing_is_no_mask(text):
    with pytest.raises(ConfigError, match=r"^mask: it is empty; name a mask.*crop$"):
        parse_mask(text)


def attempted(text):
    try:
        return parse_mask(text)
    except ConfigError as error:
        return error


@given(st.text("ab|+-*!(); :,0'\"@\n", max_size=20))
def test_anything_is_read_or_pointed_at(text):
    found = attempted(text)
    if isinstance(found, ConfigError):
        assert not text.strip() or re.search(r"\n  .*\n {2,}\^$", str(found))
    else:
        assert found.clauses
        assert all(text[leaf.column] not in "|+-*!() " for leaf in found.leaves if isinstance(leaf, Named))


trees = st.recursive(
    st.sampled_from([A, B, C, D, Full()]),
    lambda inner: (
        st.builds(Joined, st.sampled_from("*+-"), inner, inner)
        | st.builds(Complement, inner)
        | st.builds(Chain, st.tuples(inner, inner))
    ),
    max_leaves=8,
)


def written(tree):
    if isinstance(tree, Joined):
        return f"({written(tree.left)} {tree.sign} {written(tree.right)})"
    if isinstance(tree, Complement):
        return f"!{written(tree.of)}"
    if isinstance(tree, Chain):
        return "(" + " | ".join(written(one) for one in tree.alternatives) + ")"
    return str(tree)


@given(trees)
def test_what_is_written_is_read(tree):
    assert node(written(tree)) == tree
    assert list(leaves(node(written(tree)))) == list(leaves(tree))


def test_a_hyphen_that_was_meant_as_a_minus():
    assert meant_apart("xseg-hands", {"xseg", "hands"}) == "; for xseg without hands write xseg - hands, with spaces"
    assert meant_apart("a-b-c", {"a-b", "c"}).startswith("; for a-b without c")
    assert meant_apart("learned-hands", {"hands"}).startswith("; for learned without hands")
    assert meant_apart("xseg-hand", {"xseg", "hands"}) == ""
