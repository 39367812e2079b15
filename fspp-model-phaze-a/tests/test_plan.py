"""Sizes worked out from the options, and options that do not fit each other."""

from __future__ import annotations

from typing import Any

import pytest

from fspp_core.errors import ConfigError
from fspp_core.options import parse_options
from fspp_model_phaze_a.options import PhazeAOptions
from fspp_model_phaze_a.plan import Plan, make_plan


def plan(**raw: Any) -> Plan:
    return make_plan(parse_options(PhazeAOptions, raw))


def test_the_defaults() -> None:
    made = plan()
    assert made.input_size == 64
    assert made.encoder_filters == (128, 256, 512, 1024)
    assert made.features == (4, 1024)
    assert made.fc_nodes == (16384,)
    assert made.fc_map == (4, 1024)
    assert made.fc_output == made.decoder_input == made.decoder_map == (8, 512)
    assert made.decoder_filters[0] == 512
    assert made.decoder_filters[-1] == 64
    assert len(made.decoder_filters) == 4


@pytest.mark.parametrize(("percent", "side"), [(1, 32), (3, 32), (7, 64), (13, 128), (25, 256), (50, 512), (100, 1024)])
def test_input_sizes(percent: int, side: int) -> None:
    assert plan(enc_scaling=percent).input_size == side


def test_a_side_that_does_not_double_into_the_output_is_folded() -> None:
    made = plan(output_size=96, fc_upsample_filters=512)
    assert made.fc_output == (8, 504), "a multiple of 6 * 6, so that 8 * 8 * 504 values fold to a side of 6"
    assert made.decoder_map == (6, 896)
    assert len(made.decoder_filters) == 4


def test_joined_hidden_layers_have_twice_the_channels() -> None:
    assert plan(shared_fc="full", split_fc=True).decoder_input == (8, 1024)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"split_decoders": False}, "split_fc, split_decoders: both are off"),
        ({"dec_filters": [64, 32]}, "dec_filters: 2 numbers for 4 upscales"),
        ({"fc_min_filters": 512}, "must be equal when fc_depth is 1"),
        ({"fc_min_filters": 2048}, "fc_min_filters: 2048 is above fc_max_filters, 1024"),
        ({"dec_min_filters": 1024}, "dec_min_filters: 1024 is above dec_max_filters, 512"),
        ({"fs_original_min_filters": 2048}, "fs_original_min_filters: 2048 is above"),
        ({"fc_depth": 0, "bottleneck_size": 1000}, "fc_dimensions: 1000 values of the bottleneck do not fill 4x4"),
        ({"fs_original_use_alt": True, "fs_original_depth": 7}, "fs_original_depth: 7 leaves 1 pixels"),
        ({"output_size": 80, "fc_upsample_filters": 16}, "must be at least 25"),
        ({"fc_dimensions": 3, "fc_upsamples": 0, "output_size": 80}, "cannot be reached by doubling 3"),
    ],
)
def test_options_that_do_not_fit_are_refused_by_name(raw: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        plan(**raw)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        plan(split_decoders=False, dec_filters=[8], fc_min_filters=512)
    assert len(str(caught.value).splitlines()) == 3
