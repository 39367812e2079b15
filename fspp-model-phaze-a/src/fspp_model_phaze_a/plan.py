"""The sizes of every layer, worked out and checked from the options before anything is built."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fspp_core.errors import ConfigError
from fspp_model_phaze_a.curves import curve, scale_dim
from fspp_model_phaze_a.options import PhazeAOptions

_FULL_INPUT = 1024
_SMALLEST_INPUT = 32
_LAST_ALT_KERNEL = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Sizes of a network; sides in pixels.

    Attributes:
        input_size: side of the input.
        encoder_filters: of each convolution (pair) of the encoder.
        features: side and channels of the map the encoder makes.
        code: length of the bottleneck's vector.
        fc_nodes: of each dense layer.
        fc_map: side and channels of the map they make.
        fc_upsample_filters: of each upscale after them; 0 where the upscale has none.
        fc_output: side and channels of the map that a network of hidden layers gives.
        decoder_input: that map, doubled in channels where two of them are joined.
        decoder_map: the same numbers folded to a side that doubles into the output.
        decoder_filters: of each upscale of the decoder.
    """

    input_size: int
    encoder_filters: tuple[int, ...]
    features: tuple[int, int]
    code: int
    fc_nodes: tuple[int, ...]
    fc_map: tuple[int, int]
    fc_upsample_filters: tuple[int, ...]
    fc_output: tuple[int, int]
    decoder_input: tuple[int, int]
    decoder_map: tuple[int, int]
    decoder_filters: tuple[int, ...]


def make_plan(options: PhazeAOptions) -> Plan:
    """Work out the sizes.

    Raises:
        ConfigError: for options that do not fit each other, all faults at once.
    """
    faults: list[str] = []
    if not options.split_fc and not options.split_decoders:
        faults.append("split_fc, split_decoders: both are off, so the sides could not differ; set one of them")
    for low, high in (
        ("fs_original_min_filters", "fs_original_max_filters"),
        ("fc_min_filters", "fc_max_filters"),
        ("dec_min_filters", "dec_max_filters"),
    ):
        least, most = getattr(options, low), getattr(options, high)
        if least > most:
            faults.append(f"{low}: {least} is above {high}, {most}")

    input_size = max(_SMALLEST_INPUT, _FULL_INPUT * options.enc_scaling // 100 // 16 * 16)
    encoder_filters, features = _encoder(options, input_size, faults)
    code = options.bottleneck_size if options.bottleneck_type == "dense" else features[1]
    fc_nodes, fc_map, upsample_filters = _hidden(options, code, faults)
    side, channels = fc_map[0] * 2**options.fc_upsamples, (upsample_filters or (0,))[-1] or fc_map[1]
    fc_output = (side, channels)
    joined = (side, channels * (1 if options.shared_fc == "none" else 2))
    start = scale_dim(options.output_size, side)
    if start > side or joined[1] * side**2 % start**2:
        faults.append(
            f"output_size: {options.output_size} cannot be reached by doubling {side}, the side that fc_dimensions and "
            f"fc_upsamples give, nor by folding its {joined[1]} channels to a side of {start}"
        )
    doublings = max(0, int(math.log2(options.output_size / start)))
    if options.dec_filters and len(options.dec_filters) != doublings:
        faults.append(f"dec_filters: {len(options.dec_filters)} numbers for {doublings} upscales")
    filters = options.dec_filters or tuple(
        curve(
            options.dec_max_filters,
            options.dec_min_filters,
            doublings,
            options.dec_filter_slope,
            options.dec_slope_mode,
        )
    )
    if faults:
        raise ConfigError("\n".join(f"phaze-a: {fault}" for fault in faults))
    return Plan(
        input_size=input_size,
        encoder_filters=encoder_filters,
        features=features,
        code=code,
        fc_nodes=fc_nodes,
        fc_map=fc_map,
        fc_upsample_filters=upsample_filters,
        fc_output=fc_output,
        decoder_input=joined,
        decoder_map=(start, joined[1] * side**2 // start**2),
        decoder_filters=filters,
    )


def _encoder(options: PhazeAOptions, side: int, faults: list[str]) -> tuple[tuple[int, ...], tuple[int, int]]:
    """Filters of each convolution, and the side and channels of the map."""
    depth, most = options.fs_original_depth, options.fs_original_max_filters
    filters = tuple(min(most, options.fs_original_min_filters * 2**i) for i in range(depth + 1))
    if not options.fs_original_use_alt:
        for _ in range(depth):
            side = -(-side // 2)
        return filters[:-1], (side, filters[-2])
    for _ in range(depth - 1):
        side //= 2
    if side < _LAST_ALT_KERNEL:
        faults.append(
            f"fs_original_depth: {depth} leaves {side} pixels, the last convolution of the alternative encoder needs "
            f"{_LAST_ALT_KERNEL}; lower it or raise enc_scaling"
        )
    return filters, (max(1, side - _LAST_ALT_KERNEL + 1), filters[-1])


def _hidden(
    options: PhazeAOptions, code: int, faults: list[str]
) -> tuple[tuple[int, ...], tuple[int, int], tuple[int, ...]]:
    """Nodes of the dense layers, the map they make, and the filters of the upscales after it."""
    dim = options.fc_dimensions
    final = dim * 2**options.fc_upsamples
    start = scale_dim(options.output_size, final)
    fold = 1 if start == final else start**2  # channels must divide so that the map folds to the side `start`
    fewest, most, upscaled = (
        filters // fold * fold
        for filters in (options.fc_min_filters, options.fc_max_filters, options.fc_upsample_filters)
    )
    if 0 in (fewest, most, upscaled):
        faults.append(
            f"fc_min_filters, fc_max_filters, fc_upsample_filters: must be at least {fold}, since a side of {final} is "
            f"folded to {start} to double into {options.output_size}"
        )
    if options.fc_depth == 0:
        if code % dim**2:
            faults.append(f"fc_dimensions: {code} values of the bottleneck do not fill {dim}x{dim}; fc_depth is 0")
        nodes: tuple[int, ...] = ()
        channels = max(1, code // dim**2)
    else:
        nodes = tuple(curve(fewest * dim**2, most * dim**2, options.fc_depth, options.fc_filter_slope))
        channels = most
        if options.fc_depth == 1 and fewest < most:
            faults.append("fc_min_filters, fc_max_filters: must be equal when fc_depth is 1")
    count = 0 if options.fc_upsampler == "upsample2d" else options.fc_upsamples
    return nodes, (dim, channels), (upscaled,) * count
