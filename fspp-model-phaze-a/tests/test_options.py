"""Every option changes the network, and in the way it says."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from fspp_core.options import fixed_options, schema_of
from fspp_model_phaze_a.model import PhazeA
from fspp_model_phaze_a.options import PhazeAOptions

Small = Callable[..., PhazeA]

OTHER: dict[str, Any] = {
    "output_size": 128,
    "learn_mask": True,
    "shared_fc": "full",
    "split_fc": True,
    "split_decoders": False,
    "enc_scaling": 7,
    "fs_original_depth": 2,
    "fs_original_min_filters": 4,
    "fs_original_max_filters": 24,
    "fs_original_use_alt": True,
    "bottleneck_type": "max_pooling",
    "bottleneck_norm": "rms",
    "bottleneck_size": 24,
    "bottleneck_in_encoder": False,
    "fc_depth": 2,
    "fc_min_filters": 8,
    "fc_max_filters": 40,
    "fc_dimensions": 4,
    "fc_filter_slope": 0.5,
    "fc_dropout": 0.5,
    "fc_upsampler": "upsample2d",
    "fc_upsamples": 2,
    "fc_upsample_filters": 24,
    "dec_upscale_method": "upscale_fast",
    "dec_norm": "layer",
    "dec_filters": [16, 16, 8, 8],
    "dec_min_filters": 16,
    "dec_max_filters": 40,
    "dec_slope_mode": "cap_max",
    "dec_filter_slope": 0.4,
    "dec_res_blocks": 2,
    "dec_skip_last_residual": True,
    "dec_gaussian": True,
    "dec_output_kernel": 5,
}
CHOICES = {name: entry["enum"] for name, entry in schema_of(PhazeAOptions)["properties"].items() if "enum" in entry}
FACES = np.random.default_rng(1).uniform(size=(2, 32, 32, 3)).astype(np.float32)


def anatomy(model: PhazeA) -> str:
    """Every layer with its settings, except what is drawn at random for it, and the sizes of its weights."""
    parts = {}
    for name, part in model.parts.items():
        entries = [
            (type(layer).__name__, layer.get_config(), [w.shape for w in layer.weights]) for layer in part.layers
        ]
        parts[name] = json.loads(json.dumps(entries, default=str), object_hook=lambda d: d | {"seed": None})
    return json.dumps([model.input_size, model.output_size, parts])


def test_equal_options_make_equal_networks(small: Small) -> None:
    assert anatomy(small()) == anatomy(small())


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(PhazeAOptions)])
def test_every_option_changes_the_network(small: Small, name: str) -> None:
    base = {"split_fc": True} if name == "split_decoders" else {}
    assert anatomy(small(**base, **{name: OTHER[name]})) != anatomy(small(**base))


@pytest.mark.parametrize(("name", "values"), CHOICES.items())
def test_every_choice_makes_another_network_that_works(small: Small, name: str, values: list[str]) -> None:
    seen = set()
    for value in values:
        more = {"output_size": 128, "fc_upsamples": 0, "dec_max_filters": 64} if name == "dec_slope_mode" else {}
        model = small(**{"fc_upsamples": 2, name: value} | more)
        seen.add(anatomy(model))
        faces, mask = model.swap(FACES)
        assert faces.shape == (2, model.output_size, model.output_size, 3)
        assert mask is None
        assert np.isfinite(np.asarray(faces)).all()
    assert len(seen) == len(values)


def test_only_dropout_can_change_later() -> None:
    names = {field.name for field in dataclasses.fields(PhazeAOptions)}
    assert names - fixed_options(PhazeAOptions) == {"fc_dropout"}


def test_dropout_and_noise_act_in_training_only(small: Small) -> None:
    for changed, part in (({"fc_dropout": 0.5}, "fc_both"), ({"dec_gaussian": True}, "decoder_source")):
        network = small(**changed).parts[part]
        inputs = np.random.default_rng(2).normal(size=(2, *network.input_shape[1:])).astype(np.float32)
        np.testing.assert_array_equal(network(inputs), network(inputs))
        first, second = (np.asarray(network(inputs, training=True)) for _ in range(2))
        assert np.abs(first - second).max() > 1e-3


def test_the_mask_is_a_chain_of_its_own_without_noise_and_residuals(small: Small) -> None:
    plain, masked = small(), small(learn_mask=True, dec_gaussian=True)
    _, mask = masked.reconstruct("target", FACES)
    assert mask is not None
    assert mask.shape == (2, 64, 64, 1)
    assert masked.has_mask
    names = [layer.name for layer in masked.parts["decoder_target"].layers]
    assert not any(name.startswith("mask") and ("res" in name or "noise" in name) for name in names)
    extra = masked.parts["decoder_target"].count_params() - plain.parts["decoder_target"].count_params()
    chain = sum(
        layer.count_params() for layer in masked.parts["decoder_target"].layers if layer.name.startswith("mask")
    )
    assert extra == chain > 0


def test_two_layers_of_the_same_shape_begin_differently(small: Small) -> None:
    model = small()
    source, target = (np.asarray(model.parts[f"decoder_{side}"].weights[0]) for side in ("source", "target"))
    assert np.abs(source - target).max() > 0


def test_equal_seeds_give_equal_weights(small: Small) -> None:
    first, second = small(), small()
    for name, part in first.parts.items():
        for a, b in zip(part.weights, second.parts[name].weights, strict=True):
            np.testing.assert_array_equal(a, b)


def test_heads_stay_float32(small: Small) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = small(learn_mask=True)
    finally:
        keras.config.set_dtype_policy(before)
    faces, mask = model.swap(FACES)
    assert {keras.backend.standardize_dtype(x.dtype) for x in (faces, mask)} == {"float32"}
    assert model.parts["encoder"].layers[1].compute_dtype == "bfloat16"
