"""Options of Phaze-A, under the names that Faceswap gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fspp_core.options import option

_GENERAL, _ENCODER, _BOTTLENECK = "General", "Encoder", "Bottleneck"
_HIDDEN, _DECODER = "Hidden layers", "Decoder"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhazeAOptions:
    """What a Phaze-A network is made of. The defaults make a 128-pixel network with one decoder a side."""

    output_size: int = option(
        128, "Side of the swapped face in pixels.", minimum=32, maximum=2048, multiple_of=16, group=_GENERAL, fixed=True
    )
    learn_mask: bool = option(
        False,
        "Also predict a mask of the face, by a second chain of upscales in each decoder.",
        group=_GENERAL,
        fixed=True,
    )
    shared_fc: Literal["none", "full", "half"] = option(
        "none",
        "Join to each side's hidden layers those of a network shared by both: none; full, one of its own (IAE); half, "
        "those of the target, or the common ones where split_fc is off (LIAE).",
        group=_GENERAL,
        fixed=True,
    )
    split_fc: bool = option(
        False, "Hidden layers of its own for each side, instead of common ones.", group=_GENERAL, fixed=True
    )
    split_decoders: bool = option(
        True, "A decoder of its own for each side, instead of a common one.", group=_GENERAL, fixed=True
    )

    enc_scaling: int = option(
        7,
        "Side of the input in percent of 1024 pixels, rounded down to a multiple of 16 and at least 32: 7 is 64 "
        "pixels, 13 is 128, 25 is 256.",
        minimum=1,
        maximum=100,
        group=_ENCODER,
        fixed=True,
    )
    fs_original_depth: int = option(
        4, "Convolutions, each halving the side.", minimum=2, maximum=10, group=_ENCODER, fixed=True
    )
    fs_original_min_filters: int = option(
        128, "Filters of the first convolution; each next one has twice as many.", minimum=2, group=_ENCODER, fixed=True
    )
    fs_original_max_filters: int = option(
        1024, "Most filters a convolution may have.", minimum=2, group=_ENCODER, fixed=True
    )
    fs_original_use_alt: bool = option(
        False,
        "Pairs of 3x3 convolutions with pooling, as the DNY presets have, instead of strided 5x5 ones.",
        group=_ENCODER,
        fixed=True,
    )

    bottleneck_type: Literal["dense", "average_pooling", "max_pooling"] = option(
        "dense",
        "How the encoder's map becomes a vector: a dense layer, or the mean or maximum of each channel.",
        group=_BOTTLENECK,
        fixed=True,
    )
    bottleneck_norm: Literal["none", "instance", "layer", "rms", "pixel"] = option(
        "none",
        "Normalization: of the map before it, or, for pixel, of the vector after it.",
        group=_BOTTLENECK,
        fixed=True,
    )
    bottleneck_size: int = option(
        1024, "Length of the vector; for the dense type only.", minimum=8, group=_BOTTLENECK, fixed=True
    )
    bottleneck_in_encoder: bool = option(
        True,
        "The bottleneck is part of the encoder, common to both sides, instead of each of the hidden layers.",
        group=_BOTTLENECK,
        fixed=True,
    )

    fc_depth: int = option(
        1,
        "Dense layers; with 0 the bottleneck is folded into a map as it is.",
        minimum=0,
        maximum=16,
        group=_HIDDEN,
        fixed=True,
    )
    fc_min_filters: int = option(
        1024,
        "Filters of the map that the first dense layer stands for.",
        minimum=8,
        multiple_of=8,
        group=_HIDDEN,
        fixed=True,
    )
    fc_max_filters: int = option(
        1024, "Filters of the map that the last dense layer makes.", minimum=8, multiple_of=8, group=_HIDDEN, fixed=True
    )
    fc_dimensions: int = option(
        4, "Side of the map that the dense layers make.", minimum=1, maximum=16, group=_HIDDEN, fixed=True
    )
    fc_filter_slope: float = option(
        -0.5,
        "How filters go from the first to the last dense layer: 0 evenly, below 0 with most of the change early, above "
        "0 late.",
        minimum=-0.99,
        maximum=0.99,
        group=_HIDDEN,
        fixed=True,
    )
    fc_dropout: float = option(
        0.0, "Share of values dropped before each dense layer while training.", minimum=0, maximum=0.99, group=_HIDDEN
    )
    fc_upsampler: Literal["subpixel", "upsample2d", "resize_images", "upscale_fast", "upscale_hybrid"] = option(
        "subpixel", "How the map is enlarged after the dense layers.", group=_HIDDEN, fixed=True
    )
    fc_upsamples: int = option(
        1, "How many times the side of the map is doubled.", minimum=0, maximum=4, group=_HIDDEN, fixed=True
    )
    fc_upsample_filters: int = option(
        512,
        "Filters of each of these upscales; upsample2d has none.",
        minimum=8,
        multiple_of=8,
        group=_HIDDEN,
        fixed=True,
    )

    dec_upscale_method: Literal["subpixel", "resize_images", "upscale_fast", "upscale_hybrid", "upscale_dny"] = option(
        "subpixel",
        "How the decoder doubles the side: pixel shuffle; resize with a transposed convolution; pixel shuffle with a "
        "bilinear branch added (fast) or beside it (hybrid); bilinear with two convolutions (dny).",
        group=_DECODER,
        fixed=True,
    )
    dec_norm: Literal["none", "batch", "group", "instance", "layer", "rms"] = option(
        "none", "Normalization after each upscale.", group=_DECODER, fixed=True
    )
    dec_filters: tuple[int, ...] = option(
        (),
        "Filters of each upscale; empty to take them from the curve of the next options.",
        minimum=1,
        group=_DECODER,
        fixed=True,
    )
    dec_min_filters: int = option(64, "Filters of the last upscale.", minimum=8, group=_DECODER, fixed=True)
    dec_max_filters: int = option(512, "Filters of the first upscale.", minimum=8, group=_DECODER, fixed=True)
    dec_slope_mode: Literal["full", "cap_max", "cap_min"] = option(
        "full",
        "full: a curve over all upscales. cap_max and cap_min: fall by a constant ratio, and stay at the most filters "
        "before or at the fewest after it.",
        group=_DECODER,
        fixed=True,
    )
    dec_filter_slope: float = option(
        -0.45,
        "full: 0 falls evenly, below 0 early, above 0 late. Otherwise 1 minus its size is the ratio.",
        minimum=-0.99,
        maximum=0.99,
        group=_DECODER,
        fixed=True,
    )
    dec_res_blocks: int = option(
        1, "Residual blocks after each upscale of the face.", minimum=0, maximum=8, group=_DECODER, fixed=True
    )
    dec_skip_last_residual: bool = option(
        True, "No residual blocks after the last upscale.", group=_DECODER, fixed=True
    )
    dec_gaussian: bool = option(
        False, "Noise after each upscale of the face while training.", group=_DECODER, fixed=True
    )
    dec_output_kernel: int = option(
        5, "Kernel of the last convolution.", minimum=1, maximum=9, group=_DECODER, fixed=True
    )
