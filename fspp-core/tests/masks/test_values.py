"""What mask expressions are worth, pixel by pixel, for faces that have some masks and lack others."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fspp_core import geometry
from fspp_core.errors import ConfigError, ShapeError
from fspp_core.geometry import MEAN_FACE_68
from fspp_core.masks import Layer, MissingMaskError, Sources, choose, evaluate, face_mask, parse_mask
from fspp_core.masks.expression import Learned, Named
from fspp_core.types import Face, Mask

SIZE = 24
HERE = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
LANDMARKS = (MEAN_FACE_68 * 90 + (60, 70)).astype(np.float32)


def pattern(seed):
    return np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE), np.uint8)


STORED = {name: Mask(image=pattern(seed), matrix=HERE) for seed, name in enumerate("abc")}
VALUES = {name: mask.image.astype(np.float64) / 255 for name, mask in STORED.items()}
MADE = {"m": pattern(7) / np.float32(255), "extended": pattern(8) / np.float32(255)}
LEARNED = {"swap": pattern(9) / np.float32(255), "target": pattern(10) / np.float32(255)}
SWAPPED = {"m": pattern(11) / np.float32(255)}
ALL = Sources(maskers=frozenset(MADE), learned=frozenset({"swap", "target"}), swapped=True)


def face(*names):
    return Face(
        box=geometry.box_of(LANDMARKS),
        score=1.0,
        landmarks=LANDMARKS,
        landmarks_origin="detected",
        detector="none",
        aligner="none",
        masks={name: STORED[name] for name in names},
    )


def make(leaf):
    if isinstance(leaf, Learned):
        return Layer(LEARNED[leaf.of], HERE)
    return Layer((SWAPPED if leaf.swapped else MADE)[leaf.name], HERE)


def value(text, stored="abc", *, frame=0, sources=ALL):
    mask = face_mask(parse_mask(text), face(*stored), HERE, SIZE, frame=frame, sources=sources, make=make)
    assert mask.shape == (SIZE, SIZE)
    assert mask.dtype == np.float32
    return mask


a, b, c = VALUES.values()
m, e = (MADE[name].astype(np.float64) for name in ("m", "extended"))
prd, dst = (LEARNED[name].astype(np.float64) for name in ("swap", "target"))
x = SWAPPED["m"].astype(np.float64)


@pytest.mark.parametrize(
    ("text", "stored", "expected"),
    [
        ("none", "", np.ones((SIZE, SIZE))),
        ("a", "abc", a),
        ("a | b", "ab", a),
        ("a | b", "b", b),
        ("a | b | extended", "", e),
        ("a | extended | b", "b", e),
        ("a | m", "", m),
        ("m | a", "a", a),  # a masker that looks at pixels is a last resort
        ("m | a | m", "", m),
        ("a * b", "ab", a * b),
        ("a + b", "ab", np.minimum(a + b, 1)),
        ("a - b", "ab", a * (1 - b)),
        ("!a", "a", 1 - a),
        ("none - a", "a", 1 - a),
        ("a - b - c", "abc", a * (1 - b) * (1 - c)),
        ("a - (b + c)", "abc", a * (1 - np.minimum(b + c, 1))),
        ("a + b * c", "abc", np.minimum(a + b * c, 1)),
        ("(a + b) * c", "abc", np.minimum(a + b, 1) * c),
        ("a + b - c", "abc", np.minimum(a + b, 1) * (1 - c)),
        ("(a | b) * c", "bc", b * c),
        ("a * c | b", "bc", b),
        ("a * c | b", "abc", a * c),
        ("(a | m) * c", "c", m * c),
        ("(m | a) * c | b", "bc", b),
        ("!(a | b)", "b", 1 - b),
        ("a - m", "a", a * (1 - m)),
        ("learned", "", prd),
        ("learned * a", "a", prd * a),
        ("learned | a", "a", prd),
        ("learned-target + learned", "", np.minimum(prd + dst, 1)),
        ("m@swap", "", x),
        ("m@swap * m", "", x * m),
        ("a | m@swap", "", x),
        ("a * a", "a", a * a),
    ],
)
def test_values(text, stored, expected):
    np.testing.assert_allclose(value(text, stored), expected, atol=1e-6)


def test_deepfacelabs_ten_modes():
    """Its products, its clipped sum, each of the four masks from where it has them."""
    layers = {
        Learned("swap"): LEARNED["swap"],
        Learned("target"): LEARNED["target"],
        Named("xseg", swapped=True): SWAPPED["m"],
        Named("xseg"): MADE["m"],
        Named("dfl-hull"): MADE["extended"],
    }
    layers = {leaf: Layer(image, HERE) for leaf, image in layers.items()}
    ones = np.ones((SIZE, SIZE))
    expected = [ones, e, prd, dst, prd * dst, np.clip(prd + dst, 0, 1), x, m, x * m, prd * dst * x * m]
    for number, values in enumerate(expected):
        made = evaluate(parse_mask(f"dfl-{number}").at(0), layers, HERE, SIZE)
        np.testing.assert_allclose(made, values, atol=1e-6, err_msg=str(number))


def test_each_mask_is_warped_once_and_made_once(monkeypatch):
    calls, asked, seen = [], [], Layer.seen
    monkeypatch.setattr(Layer, "seen", lambda self, *place: calls.append(self) or seen(self, *place))
    expression = parse_mask("a * m + a - m * !a")
    made = face_mask(expression, face("a"), HERE, SIZE, sources=ALL, make=lambda leaf: asked.append(leaf) or make(leaf))
    assert len(calls) == 2
    assert asked == [Named("m")]
    np.testing.assert_allclose(made, np.minimum(a * m + a, 1) * (1 - m * (1 - a)), atol=1e-6)


def test_frames_have_their_own():
    text = "0-4: a; 5: b * c; extended"
    for frame, expected in ((4, a), (5, b * c), (6, e)):
        np.testing.assert_allclose(value(text, frame=frame), expected, atol=1e-6)
    with pytest.raises(ConfigError, match="no range holds frame 9"):
        value("0-4: a", frame=9)


@pytest.mark.parametrize(
    ("text", "stored", "lacks"),
    [
        ("a", "b", Named("a")),
        ("a | b", "c", Named("b")),
        ("a * b", "b", Named("a")),
        ("m - hands", "", Named("hands")),
        ("(m | a) * b", "b", Named("a")),
        ("hands@swap", "", Named("hands", swapped=True)),
    ],
)
def test_what_is_missing_is_named(text, stored, lacks):
    with pytest.raises(MissingMaskError) as caught:
        value(text, stored)
    assert caught.value.leaf == lacks
    assert caught.value.leaf.column == text.index(lacks.name)


def test_what_a_place_does_not_have_falls_through():
    """A training has no swapped face and predicts nothing; a model without masks neither."""
    bare = Sources(maskers=frozenset(MADE))
    np.testing.assert_array_equal(value("learned | a", sources=bare), value("a"))
    np.testing.assert_array_equal(value("m@swap | a", sources=bare), value("a"))
    for text in ("learned", "learned-target * a", "m@swap"):
        with pytest.raises(MissingMaskError):
            value(text, sources=bare)
    with pytest.raises(MissingMaskError):
        face_mask(parse_mask("extended"), face(), HERE, SIZE)


def test_masks_of_other_sizes_and_places_meet_in_the_wanted_crop():
    """Discs drawn at three sizes in three crops: their mixture is that of one disc."""
    landmarks = geometry.transform(LANDMARKS, np.array([[2.0, 0.5, 10.0], [-0.5, 2.0, 60.0]]))
    middle = landmarks.mean(axis=0)

    def disc(face_type, size, radius, dtype=np.uint8):
        matrix = geometry.crop_matrix(landmarks, face_type, size)
        back = geometry.invert(matrix)
        y, x = np.mgrid[:size, :size]
        places = geometry.transform(np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float64), back)
        inside = np.clip(radius - np.hypot(*(places - middle).T) + 0.5, 0, 1).reshape(size, size)
        return matrix, (inside * np.iinfo(dtype).max).round().astype(dtype)

    wanted, expected = disc("full", 128, 60)
    sizes = {
        "small": disc("whole", 64, 60),
        "turned": disc("fs-head", 256, 60),
        "deep": disc("full", 200, 60, np.uint16),
    }
    layers = {Named(name): Layer(image, matrix) for name, (matrix, image) in sizes.items()}
    for text in ("small", "turned", "deep", "small * turned * deep", "deep + small", "none - !turned"):
        made = evaluate(parse_mask(text).at(0), layers, wanted, 128)
        assert np.abs(made - expected / 255).mean() < 0.01, text
    left = evaluate(parse_mask("turned - small").at(0), layers, wanted, 128)
    assert left.mean() < 0.02
    off = wanted.copy()
    off[:, 2] += 1000
    assert evaluate(parse_mask("small").at(0), layers, off, 128).max() == 0
    assert evaluate(parse_mask("!small").at(0), layers, off, 128).min() == 1


def test_a_chain_needs_a_face_and_a_mask_has_no_channels():
    with pytest.raises(ShapeError, match="choose first"):
        evaluate(parse_mask("none | none").at(0), {}, HERE, SIZE)
    with pytest.raises(ShapeError, match=r"\(height, width\); received \(4, 4, 3\)"):
        Layer(np.zeros((4, 4, 3), np.uint8), HERE).seen(HERE, SIZE)


fuzzy = arrays(np.uint8, (6, 6))
crisp = arrays(np.bool_, (6, 6)).map(lambda mask: mask.astype(np.uint8) * np.uint8(255))


def equal(left, right, masks, atol=2e-6):
    layers = {Named(name): Layer(image, HERE) for name, image in zip("pqr", masks, strict=True)}
    one, other = (evaluate(parse_mask(text).at(0), layers, HERE, 6) for text in (left, right))
    np.testing.assert_allclose(one, other, atol=atol)


@settings(max_examples=40, deadline=None)
@given(st.tuples(fuzzy, fuzzy, fuzzy))
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("p * q", "q * p"),
        ("p + q", "q + p"),
        ("(p * q) * r", "p * (q * r)"),
        ("(p + q) + r", "p + (q + r)"),
        ("p - q", "p * !q"),
        ("p - q - r", "p - r - q"),
        ("p - q - r", "p * !q * !r"),
        ("!!p", "p"),
        ("p * none", "p"),
        ("p + none", "none"),
        ("p - none", "!none"),
        ("p + !none", "p"),
        ("p + !p", "none"),
        ("!(p - q)", "!(p * !q)"),
    ],
)
def test_laws_of_soft_masks(left, right, masks):
    equal(left, right, masks)


@settings(max_examples=40, deadline=None)
@given(st.tuples(crisp, crisp, crisp))
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("!(p + q)", "!p * !q"),
        ("!(p * q)", "!p + !q"),
        ("p * p", "p"),
        ("p + p", "p"),
        ("p - p", "!none"),
        ("p * (q + r)", "p * q + p * r"),
        ("p + q * r", "(p + q) * (p + r)"),
        ("p - (q + r)", "p - q - r"),
        ("p * q + (p - q)", "p"),
        ("p + p * q", "p"),
    ],
)
def test_laws_of_hard_masks(left, right, masks):
    equal(left, right, masks)


@given(st.permutations("abc"), st.sets(st.sampled_from("abc")))
def test_a_chain_is_its_first_that_is_there(order, stored):
    text = " | ".join(order)
    assume(stored)
    first = next(name for name in order if name in stored)
    assert choose(parse_mask(text).at(0), frozenset(stored), Sources()) == Named(first)


def test_grouping_a_chain_does_not_matter():
    for stored in itertools.chain.from_iterable(itertools.combinations("abc", n) for n in range(4)):
        chosen = []
        for text in ("a | b | c | m", "(a | b) | (c | m)", "a | (b | (c | m))", "((a | b) | c) | m"):
            chosen.append(choose(parse_mask(text).at(0), frozenset(stored), ALL))
        assert len(set(chosen)) == 1


def test_what_is_drawn_is_known_without_building_it():
    """A chain goes by names alone: those of core's maskers that see no pixels. `custom` is there when stored."""
    from fspp_core.masks.choosing import DRAWN
    from fspp_core.registry import load_registry

    registry = load_registry()
    core = [spec.name for spec in registry.specs("masker") if spec.factory.startswith("fspp_core.")]
    blind = {name for name in core if not getattr(registry.build("masker", name, {}), "looks_at_pixels", True)}
    assert blind - {"custom"} == DRAWN
