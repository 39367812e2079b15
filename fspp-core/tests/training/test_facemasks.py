"""Masks to train on: as stored, made, mixed, shaped; where the training crop sees them."""

from __future__ import annotations

import numpy as np
import pytest

from fspp_core import geometry
from fspp_core.errors import ConfigError, TrainingError
from fspp_core.masks import MaskShape
from fspp_core.registry import load_registry
from fspp_core.training.facemasks import FaceMasks, Maskers, training_expression, training_shape
from fspp_core.training.faces import CropPlan
from fspp_core.training.findfaces import find_crops
from fspp_core.training.options import TrainOptions

PLAN = CropPlan("full", 48, 64)


@pytest.fixture(scope="module")
def refs(crops):
    return find_crops(crops[0], workers=1)


@pytest.fixture(scope="module")
def maskers():
    return Maskers(load_registry(), {"eyes": {"grow": 0, "blur": 0}})


@pytest.fixture(scope="module")
def seen(refs, maskers):
    """`seen(expression, number)` is the mask in the training crop, 0..1."""

    def view(text, number=0, shape=None):
        ref = refs[number]
        mask = FaceMasks(training_expression(text), maskers, PLAN, shape).mask(ref, *ref.read())
        assert mask.image.dtype == np.uint8
        matrix = geometry.crop_matrix(ref.landmarks, PLAN.face_type, PLAN.output_size)
        through = geometry.compose(matrix, geometry.invert(mask.matrix))
        return geometry.warp(mask.image, through, PLAN.output_size, interpolation="linear") / 255

    return view


def test_a_stored_mask_is_left_as_it_is(refs, maskers):
    image, masks = refs[0].read()
    for text in ("hull", "hands | hull", "(hull)"):
        mask = FaceMasks(training_expression(text), maskers, PLAN, MaskShape()).mask(refs[0], image, masks)
        assert mask.image is masks["hull"].image
        assert mask.matrix is masks["hull"].matrix


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hull * extended", lambda m: m["hull"] * m["extended"]),
        ("hull + mouth", lambda m: np.minimum(m["hull"] + m["mouth"], 1)),
        ("extended - eyes - mouth", lambda m: m["extended"] * (1 - m["eyes"]) * (1 - m["mouth"])),
        ("!hull", lambda m: 1 - m["hull"]),
        ("hands | hull - eyes", lambda m: m["hull"] * (1 - m["eyes"])),
        ("none", lambda m: np.ones((64, 64))),
    ],
)
def test_mixed_masks(seen, text, expected):
    wanted = expected({name: seen(name) for name in ("hull", "extended", "eyes", "mouth")})
    off = np.abs(seen(text) - wanted)
    assert off.mean() < 0.012  # sampled in another space, so edges differ a little
    assert np.median(off) < 0.005


def test_mixed_masks_reach_beyond_the_crop(refs, maskers):
    """A face turned or shifted by augmentation still has its mask."""
    mask = FaceMasks(training_expression("none * none"), maskers, PLAN).mask(refs[0], *refs[0].read())
    assert mask.image.shape == (96, 96)
    corners = geometry.crop_corners(geometry.crop_matrix(refs[0].landmarks, "full", 64), 64)
    inside = geometry.transform(corners, mask.matrix)
    np.testing.assert_allclose(np.sort(inside, axis=0)[[0, -1]], [(16, 16), (80, 80)], atol=1e-6)


def test_frames_have_their_own(refs, seen):
    text = "0-1: hull; 4: none; extended"
    for number, name in enumerate(("hull", "hull", "extended", "extended", "none", "extended")):
        assert refs[number].frame == number
        np.testing.assert_allclose(seen(text, number), seen(name, number), atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"mask_threshold": 60.0},
        {"mask_erode": 10.0},
        {"mask_erode": -10.0},
        {"mask_blur_size": 10.0},
        {"mask_blur_size": 10.0, "mask_blur": "box"},
        {"mask_blur_size": 10.0, "mask_blur_passes": 3},
        {"mask_keep_largest": True},
        {"mask_fill_holes": True},
    ],
)
def test_shaping(seen, options):
    text = "mouth" if "mask_threshold" in options else "eyes"
    if "mask_fill_holes" in options:
        text = "hull - mouth"
    plain = seen(text)
    shaped = seen(text, shape=training_shape(TrainOptions(**options)))
    assert np.abs(shaped - plain).max() > 0.2
    if "mask_fill_holes" in options:
        assert np.abs(shaped - seen("hull")).mean() < 0.005


def test_no_shape_by_default():
    assert training_shape(TrainOptions()) == MaskShape()
    assert training_shape(TrainOptions(mask_blur="none", mask_blur_size=5.0, mask_blur_passes=3)) == MaskShape()


def test_what_cannot_be_had_is_named(refs, maskers):
    def mask(text):
        return FaceMasks(training_expression(text), maskers, PLAN).mask(refs[3], *refs[3].read())

    with pytest.raises(TrainingError, match=r"no mask 'hands'.*frame 3; stored: hull.*background_weight"):
        mask("hull - hands")
    with pytest.raises(TrainingError, match="for hull without eyes write hull - eyes"):
        mask("hull-eyes")
    with pytest.raises(ConfigError, match="no range holds frame 3"):
        mask("0-2: hull")
    with pytest.raises(ConfigError, match=r"mask: learned-target is there in conversions only.*\n.*\n {9}\^"):
        training_expression("hull + learned-dst")
