"""The maskers from crops to masks: which parts count, soft and hard, at any size, in batches of few sizes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from fspp_core.backend import Capability
from fspp_core.errors import ConfigError, ShapeError
from fspp_core.options import parse_options
from fspp_mask_bisenet.masker import FaceswapMasker, OriginalMasker
from fspp_mask_bisenet.options import FaceOptions, HeadOptions, OriginalOptions
from fspp_mask_bisenet.schemes import FACESWAP, ORIGINAL

HAIR = FACESWAP.classes.index("hair")
LANDMARKS = np.zeros((8, 68, 2), np.float32)
SMALL = {"size": 128, "input_side": 128}


@pytest.fixture(scope="module")
def skin(skin_file):
    """Weights that take red for skin and blue for hair."""
    return {"weights": skin_file(FACESWAP, (HAIR,))}


def crops(count=1, size=128):
    """Grey, with a red square on the left and a blue one on the right."""
    picture = np.full((count, size, size, 3), 90, np.uint8)
    quarter = size // 4
    picture[:, quarter : 3 * quarter, size // 8 : size // 2] = 20, 60, 240
    picture[:, quarter : 3 * quarter, size // 2 : size - size // 8] = 240, 60, 20
    return picture


def masked(skin, options=FaceOptions, **values):
    masker = FaceswapMasker(options(**{**SMALL, **values}), skin)
    return masker.mask(crops(size=masker.size), LANDMARKS[:1])[0]


def test_defaults_are_faceswaps():
    """Skin and glasses; with hair on the wider crop; and the original classes that make Faceswap's skin."""
    assert ORIGINAL.members(OriginalOptions().parts) == (1, 2, 3, 4, 5, 6, 10, 11, 12, 13)
    assert FACESWAP.members(FaceOptions().parts) == (1, 4)
    assert FACESWAP.members(HeadOptions().parts) == (1, 3, 4)
    assert ORIGINAL.members(("ears", "earrings", "hair")) == (7, 8, 9, 17)


def test_every_class_but_the_background_is_in_one_part():
    for scheme in (ORIGINAL, FACESWAP):
        numbers = [number for members in scheme.parts.values() for number in members]
        assert sorted(numbers) == list(range(1, len(scheme.classes)))


@pytest.mark.parametrize(
    ("parts", "face_type", "expected"),
    [(("skin",), None, "fs-face"), (("hair", "skin"), None, "fs-head"), (("hair",), "whole", "whole")],
)
def test_crops_are_faceswaps_unless_another_is_named(skin, parts, face_type, expected):
    assert FaceswapMasker(FaceOptions(**SMALL, parts=parts, face_type=face_type), skin).face_type == expected


def test_the_parts_change_the_mask(skin):
    red, blue = (slice(40, 88), slice(24, 56)), (slice(40, 88), slice(72, 104))
    for parts, in_red, in_blue in [(("skin",), 1, 0), (("hair",), 0, 1), (("skin", "hair"), 1, 1), (("ears",), 0, 0)]:
        mask = masked(skin, parts=parts)
        assert (mask[red] == in_red).all(), parts
        assert (mask[blue] == in_blue).all(), parts
        assert (mask[:16] == 0).all()
        assert set(np.unique(mask)) <= {0, 1}


def test_a_soft_mask_has_probabilities(skin):
    hard, soft = masked(skin, parts=("skin",)), masked(skin, parts=("skin",), soft=True)
    assert soft.dtype == np.float32
    assert ((soft > 0.01) & (soft < 0.99)).sum() > 50
    assert ((soft > 0.5) == (hard > 0.5)).mean() > 0.99
    everything = masked(skin, parts=("skin", "hair"), soft=True)
    assert (everything >= soft - 1e-6).all()


def test_labels_name_every_pixel(skin):
    masker = FaceswapMasker(FaceOptions(**SMALL), skin)
    [labels] = masker.labels(crops())
    assert labels.dtype == np.uint8
    names = np.array(masker.scheme.classes)[labels]
    assert (names[60, 30], names[60, 90], names[4, 4]) == ("skin", "hair", "background")


@pytest.mark.parametrize("size", [64, 200, 512])
def test_masks_of_any_size_show_the_same(skin, size):
    """The crop is scaled to what the network sees, the answer stretched to the crop's size."""
    mask, plain = masked(skin, size=size, parts=("skin",)), masked(skin, parts=("skin",))
    assert mask.shape == (size, size)
    np.testing.assert_allclose(middle(mask), middle(plain), atol=0.01)
    assert mask.mean() == pytest.approx(plain.mean(), rel=0.03)


def middle(mask):
    """Where it lies, as shares of its side; cells of the network's last map are a 16th of it, to be exact to."""
    rows, columns = np.nonzero(mask)
    found = (np.array([rows.mean(), columns.mean()]) + 0.5) / len(mask)
    np.testing.assert_allclose(found, [0.5, 0.3125], atol=1 / 16)
    return found


def test_the_network_sees_what_input_side_says(skin):
    fine, coarse = (masked(skin, size=256, input_side=side, parts=("skin",)) for side in (256, 64))
    edge = crops(size=256)[0, :, :, 2] == 240
    assert (fine != edge).sum() < (coarse != edge).sum()


def test_batches_have_few_sizes_and_no_padding(skin):
    masker = FaceswapMasker(FaceOptions(**SMALL, batch_size=4), skin)
    pictures = crops(7)
    pictures[3] = 90
    masks = masker.mask(pictures, LANDMARKS[:7])
    assert [shape[0] for shape in masker._network.compiled_shapes] == [4, 2, 1]
    assert [bool(mask.any()) for mask in masks] == [True] * 3 + [False] + [True] * 3
    assert masker.mask(pictures[:0], LANDMARKS[:0]).shape == (0, 128, 128)


@pytest.mark.parametrize(("engine", "precision"), [("keras", "bf16"), ("openvino", "f32")])
def test_engines_and_precisions_make_the_same_masks(peer, tmp_path, monkeypatch, engine, precision):
    if engine == "openvino":
        pytest.importorskip("openvino")
    monkeypatch.setenv("FSPP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("fspp_core.backend.cpu_has_bfloat16", lambda: Capability(True, "for this test"))
    save_file(peer("fs_bisenet_faceswap").tensors, tmp_path / "weights.safetensors")
    weights = {"weights": tmp_path / "weights.safetensors"}
    picture = np.random.default_rng(3).integers(0, 256, (1, 16, 16, 3), np.uint8).repeat(8, 1).repeat(8, 2)
    options = FaceOptions(**SMALL, parts=("skin", "ears"), soft=True)
    plain = FaceswapMasker(options, weights).mask(picture, LANDMARKS[:1])
    other = FaceswapMasker(replace(options, engine=engine, precision=precision), weights).mask(picture, LANDMARKS[:1])
    difference = np.abs(plain - other)
    assert difference.mean() < (0.05 if precision == "bf16" else 1e-4)
    assert (difference.max() > 1e-4) == (precision == "bf16"), "the precision is wired"


def test_the_original_classes(skin_file):
    weights = {"weights": skin_file(ORIGINAL, (ORIGINAL.classes.index("neck"),))}
    options = OriginalOptions(**SMALL)
    picture = crops()
    face = OriginalMasker(options, weights).mask(picture, LANDMARKS[:1])
    neck = OriginalMasker(replace(options, parts=("neck",)), weights).mask(picture, LANDMARKS[:1])
    assert face[0, 60, 30] == 1
    assert face[0, 60, 90] == 0
    assert neck[0, 60, 30] == 0
    assert neck[0, 60, 90] == 1


def test_parts_that_do_not_exist_are_refused(skin):
    with pytest.raises(ConfigError, match="'neck' is not one of"):
        parse_options(FaceOptions, {"parts": ["neck"]})
    with pytest.raises(ConfigError, match="parts names none; choose from skin, ears, hair, glasses"):
        FaceswapMasker(FaceOptions(parts=()), skin)
    with pytest.raises(ConfigError, match="multiple of 32"):
        parse_options(FaceOptions, {"input_side": 500})


def test_other_crops_are_refused(skin):
    masker = FaceswapMasker(FaceOptions(**SMALL), skin)
    for wrong in (crops(size=96), crops().astype(np.float32), crops()[0]):
        with pytest.raises(ShapeError, match=r"crops must be \(n, 128, 128, 3\) uint8"):
            masker.mask(wrong, LANDMARKS[:1])
