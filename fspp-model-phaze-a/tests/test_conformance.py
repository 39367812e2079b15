"""Phaze-A passes the checks that every model must."""

from __future__ import annotations

from typing import Any, ClassVar

from fspp_core.testing import ModelConformance

SMALL: dict[str, Any] = {
    "output_size": 32,
    "enc_scaling": 3,
    "fs_original_depth": 3,
    "fs_original_min_filters": 8,
    "fs_original_max_filters": 16,
    "bottleneck_size": 16,
    "fc_min_filters": 16,
    "fc_max_filters": 16,
    "fc_dimensions": 4,
    "fc_upsample_filters": 16,
    "dec_min_filters": 8,
    "dec_max_filters": 16,
    "dec_output_kernel": 3,
}


class TestTwoDecoders(ModelConformance):
    """The layout of the presets `original`, `lightweight` and `demo`, with residual blocks and a mask."""

    component: ClassVar[str] = "phaze-a"
    options: ClassVar[dict[str, Any]] = SMALL | {
        "learn_mask": True,
        "dec_skip_last_residual": False,
    }


class TestTwoHiddenNetworks(ModelConformance):
    """One decoder, hidden layers of each side joined to the target's, and every layer of our own in it."""

    component: ClassVar[str] = "phaze-a"
    options: ClassVar[dict[str, Any]] = SMALL | {
        "split_decoders": False,
        "split_fc": True,
        "shared_fc": "half",
        "bottleneck_in_encoder": False,
        "bottleneck_norm": "pixel",
        "fc_upsampler": "resize_images",
        "dec_norm": "instance",
        "dec_gaussian": True,
        "fc_dropout": 0.1,
    }
