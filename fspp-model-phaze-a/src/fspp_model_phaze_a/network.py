"""The parts of Phaze-A as Keras models: encoder, hidden layers, decoder."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import keras
from keras import layers

from fspp_model_phaze_a import blocks
from fspp_model_phaze_a.layers import PixelNorm
from fspp_model_phaze_a.options import PhazeAOptions
from fspp_model_phaze_a.plan import Plan

_ENCODER_SLOPE = 0.1
_ALT_SLOPE = 0.2
_FC_SLOPE = 0.1


def encoder(options: PhazeAOptions, plan: Plan) -> keras.Model:
    """Faces (n, side, side, 3) to a map, or to vectors where the bottleneck belongs to it."""
    faces = x = keras.Input((plan.input_size, plan.input_size, 3), name="face")
    x = _alternative_encoder(x, plan) if options.fs_original_use_alt else _original_encoder(x, plan)
    if options.bottleneck_in_encoder:
        x = _bottleneck(x, options, plan)
    return keras.Model(faces, x, name="encoder")


def hidden(options: PhazeAOptions, plan: Plan, name: str) -> keras.Model:
    """What the encoder gives to a small map (n, side, side, channels)."""
    if options.bottleneck_in_encoder:
        inputs = x = keras.Input((plan.code,), name="code")
    else:
        inputs = keras.Input((plan.features[0], *plan.features), name="features")
        x = _bottleneck(inputs, options, plan)
    for i, nodes in enumerate(plan.fc_nodes):
        if options.fc_dropout:
            x = layers.Dropout(options.fc_dropout, name=f"dropout{i}")(x)
        x = layers.Dense(nodes, name=f"dense{i}")(x)
    x = layers.Reshape((plan.fc_map[0], *plan.fc_map), name="map")(x)
    if options.fc_upsampler == "upsample2d":
        if options.fc_upsamples:
            how = "nearest" if options.fc_upsamples == 1 else "bilinear"
            x = layers.UpSampling2D(2**options.fc_upsamples, interpolation=how, name="up")(x)
        x = blocks.leaky(x, _FC_SLOPE, "leaky")
    for i, filters in enumerate(plan.fc_upsample_filters):
        x = blocks.upscale(x, filters, options.fc_upsampler, f"up{i}")
    return keras.Model(inputs, x, name=name)


def decoder(options: PhazeAOptions, plan: Plan, name: str) -> keras.Model:
    """A small map to faces (n, output, output, 3) and, where it is learned, a mask (n, output, output, 1)."""
    inputs = x = keras.Input((plan.decoder_input[0], *plan.decoder_input), name="map")
    if plan.decoder_map != plan.decoder_input:
        x = layers.Reshape((plan.decoder_map[0], *plan.decoder_map), name="fold")(x)
    if options.dec_upscale_method == "upscale_dny":
        for i, kernel in enumerate((4, 3)):
            x = blocks.conv(x, options.dec_max_filters, kernel, f"entry{i}_conv")
            x = blocks.leaky(x, blocks.DNY_SLOPE, f"entry{i}_leaky")
    outputs = [_head(_face_chain(x, options, plan), options, 3, "face_out")]
    if options.learn_mask:
        outputs.append(_head(_mask_chain(x, options, plan), options, 1, "mask_out"))
    return keras.Model(inputs, outputs if options.learn_mask else outputs[0], name=name)


def _original_encoder(x: Any, plan: Plan) -> Any:
    for i, filters in enumerate(plan.encoder_filters):
        x = blocks.leaky(blocks.conv(x, filters, 5, f"down{i}_conv", strides=2), _ENCODER_SLOPE, f"down{i}_leaky")
    return x


def _alternative_encoder(x: Any, plan: Plan) -> Any:
    filters = plan.encoder_filters
    x = blocks.leaky(blocks.conv(x, filters[0], 1, "entry_conv"), _ALT_SLOPE, "entry_leaky")
    for i, (before, after) in enumerate(pairwise(filters)):
        x = blocks.leaky(blocks.conv(x, before, 3, f"down{i}_conv1"), _ALT_SLOPE, f"down{i}_leaky1")
        last = i == len(filters) - 2
        kernel, padding = (4, "valid") if last else (3, "same")
        x = blocks.conv(x, after, kernel, f"down{i}_conv2", padding=padding)
        x = blocks.leaky(x, _ALT_SLOPE, f"down{i}_leaky2")
        if not last:
            x = layers.MaxPooling2D(2, name=f"down{i}_pool")(x)
    return x


def _bottleneck(x: Any, options: PhazeAOptions, plan: Plan) -> Any:
    if options.bottleneck_norm != "pixel":
        x = blocks.normalize(x, options.bottleneck_norm, "bottleneck_norm")
    if options.bottleneck_type == "dense":
        x = layers.Dense(plan.code, name="bottleneck")(layers.Flatten(name="bottleneck_flat")(x))
    elif options.bottleneck_type == "average_pooling":
        x = layers.GlobalAveragePooling2D(name="bottleneck")(x)
    else:
        x = layers.GlobalMaxPooling2D(name="bottleneck")(x)
    return PixelNorm(name="bottleneck_norm")(x) if options.bottleneck_norm == "pixel" else x


def _face_chain(x: Any, options: PhazeAOptions, plan: Plan) -> Any:
    """Upscales with noise, normalization and residual blocks as asked for."""
    for i, filters in enumerate(plan.decoder_filters):
        last = i == len(plan.decoder_filters) - 1
        residuals = 0 if last and options.dec_skip_last_residual else options.dec_res_blocks
        slope = blocks.RESIDUAL_SLOPE if residuals else _plain_slope(options)
        x = _upscale(x, filters, slope, options, f"up{i}", noise=options.dec_gaussian)
        for k in range(residuals):
            x = blocks.residual(x, filters, f"up{i}_res{k}")
    return x


def _mask_chain(x: Any, options: PhazeAOptions, plan: Plan) -> Any:
    """The same upscales, without noise and residual blocks."""
    for i, filters in enumerate(plan.decoder_filters):
        x = _upscale(x, filters, _plain_slope(options), options, f"mask{i}", noise=False)
    return x


def _plain_slope(options: PhazeAOptions) -> float:
    return 1.0 if options.dec_upscale_method == "upscale_dny" else blocks.UPSCALE_SLOPE


def _upscale(x: Any, filters: int, slope: float, options: PhazeAOptions, name: str, *, noise: bool) -> Any:
    """Upscale, noise, normalization, leaky rectifier; the latter joins the upscale's when nothing is between."""
    method, norm = options.dec_upscale_method, options.dec_norm
    if not noise and norm == "none":
        return blocks.upscale(x, filters, method, name, then=slope)
    x = blocks.upscale(x, filters, method, name)
    if noise:
        x = layers.GaussianNoise(1.0, name=f"{name}_noise")(x)
    return blocks.leaky(blocks.normalize(x, norm, f"{name}_norm"), slope, f"{name}_then")


def _head(x: Any, options: PhazeAOptions, channels: int, name: str) -> Any:
    """Float32 whatever the rest computes in: eight bits of a bfloat16 would show as bands."""
    layer = layers.Conv2D(
        channels,
        options.dec_output_kernel,
        padding="same",
        activation="sigmoid",
        kernel_initializer="he_uniform",
        dtype="float32",
        name=name,
    )
    return layer(x)
