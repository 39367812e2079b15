"""The tensors of S3FD: the layers that have weights, and the shapes of those."""

from __future__ import annotations

CONVOLUTIONS = {
    "conv1_1": (3, 3, 64),
    "conv1_2": (3, 64, 64),
    "conv2_1": (3, 64, 128),
    "conv2_2": (3, 128, 128),
    "conv3_1": (3, 128, 256),
    "conv3_2": (3, 256, 256),
    "conv3_3": (3, 256, 256),
    "conv4_1": (3, 256, 512),
    "conv4_2": (3, 512, 512),
    "conv4_3": (3, 512, 512),
    "conv5_1": (3, 512, 512),
    "conv5_2": (3, 512, 512),
    "conv5_3": (3, 512, 512),
    "fc6": (3, 512, 1024),
    "fc7": (1, 1024, 1024),
    "conv6_1": (1, 1024, 256),
    "conv6_2": (3, 256, 512),
    "conv7_1": (1, 512, 128),
    "conv7_2": (3, 128, 256),
}
"""Side of the kernel, channels in and channels out of each convolution but the heads'."""

NORMS = {"conv3_3_norm": 256, "conv4_3_norm": 512, "conv5_3_norm": 512}
"""Channels of each layer that brings the channels of a cell to one length."""

HEADS = {"conv3_3_norm": 256, "conv4_3_norm": 512, "conv5_3_norm": 512, "fc7": 1024, "conv6_2": 512, "conv7_2": 256}
"""Layers that boxes are read from, finest first, with their channels."""

SCORES_OF_FIRST = 4  # three kinds of background and the face; two channels elsewhere


def tensor_shapes() -> dict[str, tuple[int, ...]]:
    """Shapes by name: `LAYER/kernel` (rows, columns, in, out), `LAYER/bias` (out,) and `LAYER/scale` (channels,)."""
    convolutions = dict(CONVOLUTIONS)
    for number, (level, channels) in enumerate(HEADS.items()):
        convolutions[f"{level}_mbox_conf"] = (3, channels, 2 if number else SCORES_OF_FIRST)
        convolutions[f"{level}_mbox_loc"] = (3, channels, 4)
    shapes: dict[str, tuple[int, ...]] = {}
    for name, (side, given, made) in convolutions.items():
        shapes[f"{name}/kernel"] = (side, side, given, made)
        shapes[f"{name}/bias"] = (made,)
    for name, channels in NORMS.items():
        shapes[f"{name}/scale"] = (channels,)
    return shapes
