"""Options of networks small enough to build in a moment, in which every option matters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest

from fspp_core.options import parse_options
from fspp_model_phaze_a.model import PhazeA
from fspp_model_phaze_a.options import PhazeAOptions

SMALL: dict[str, Any] = {
    "output_size": 64,
    "enc_scaling": 3,
    "fs_original_depth": 3,
    "fs_original_min_filters": 8,
    "fs_original_max_filters": 16,
    "bottleneck_size": 16,
    "fc_depth": 3,
    "fc_min_filters": 16,
    "fc_max_filters": 32,
    "fc_dimensions": 2,
    "fc_upsample_filters": 32,
    "dec_min_filters": 8,
    "dec_max_filters": 32,
    "dec_output_kernel": 3,
    "dec_skip_last_residual": False,
}


@pytest.fixture
def small() -> Callable[..., PhazeA]:
    """`small(name=value, ...)` builds a small network with these options, always from the same seed."""

    def build(**changed: Any) -> PhazeA:
        keras.utils.set_random_seed(5)
        return PhazeA(parse_options(PhazeAOptions, SMALL | changed))

    return build
