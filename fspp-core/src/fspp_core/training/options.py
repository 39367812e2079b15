"""What a user can set about a training; light, because the command line reads it at every start."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from fspp_core.errors import ConfigError
from fspp_core.geometry.names import FaceType
from fspp_core.options import option


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """Options of `train`; those of the model, losses, schedule and optimizer are given by component name."""

    model: str = option("phaze-a", "Model component to train.", group="Model", fixed=True)
    preset: str | None = option(None, "Named set of option values that the model ships.", group="Model")
    face_type: FaceType = option("full", "How much of the head the model sees.", group="Model", fixed=True)
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = option(
        "float32",
        "Number format of the layers: bfloat16 for CPUs and GPUs that compute in it, float16 for GPUs.",
        group="Model",
    )
    force_precision: bool = option(
        False, "Use the precision even where no device here computes in it, which is slow.", group="Model"
    )

    steps: int = option(100_000, "Updates in all; raise it to go on with a finished training.", minimum=1)
    batch_size: int = option(16, "Faces of each side in one update.", minimum=1)
    seed: int = option(0, "Start of all random numbers: equal seeds give equal trainings.", minimum=0)

    optimizer: str = option("adam", "Optimizer component.", group="Optimization")
    learning_rate: float = option(5e-5, "Base learning rate.", exclusive_minimum=0, group="Optimization")
    scheduler: str = option("constant", "Learning-rate schedule component.", group="Optimization")
    losses: tuple[str, ...] = option(
        ("dssim=1.0", "mae=1.0"), "Losses to sum, each as name=weight.", group="Optimization"
    )
    mask: str = option(
        "extended",
        "Face mask for the losses: one stored with the faces, else made by the masker of this name. Masks mix: "
        "'xseg | bisenet | extended' takes the first that is there, a * b what both have, a + b what either has, a - b "
        "what b lacks; '0-99: xseg; extended' goes by frame.",
        group="Optimization",
    )
    source_mask: str | None = option(
        None, "Mask of the source's faces, where it is another than that of the target's.", group="Optimization"
    )
    mask_threshold: float = option(
        0.0, "Mask values below this many percent count as outside.", minimum=0, maximum=100, group="Optimization"
    )
    mask_keep_largest: bool = option(
        False, "Of a mask that falls into parts, keep only the largest.", group="Optimization"
    )
    mask_fill_holes: bool = option(False, "Fill what the mask encloses.", group="Optimization")
    mask_erode: float = option(
        0.0,
        "How far to shrink the mask, in percent of the face's size; below 0 grows it.",
        minimum=-100,
        maximum=100,
        group="Optimization",
    )
    mask_blur: Literal["gaussian", "box", "none"] = option(
        "gaussian", "How the mask's edge is softened.", group="Optimization"
    )
    mask_blur_size: float = option(
        0.0,
        "How far the softening reaches to either side of the edge, in percent of the face's size.",
        minimum=0,
        maximum=100,
        group="Optimization",
    )
    mask_blur_passes: int = option(1, "How often the softening is applied.", minimum=1, maximum=8, group="Optimization")
    background_weight: float = option(
        0.1,
        "Weight in the losses of what lies outside the face mask: 0 ignores it, 1 ignores the mask.",
        minimum=0,
        maximum=1,
        group="Optimization",
    )
    mask_loss_weight: float = option(
        1.0,
        "Weight of the error of the predicted mask, for models that predict one.",
        exclusive_minimum=0,
        group="Optimization",
    )

    warp: float = option(1.0, "Strength of the random warp of the model's input; 0 is off.", minimum=0, group="Data")
    transform: float = option(
        1.0, "Strength of rotation (10 degrees at 1), zoom and shift (5 % at 1).", minimum=0, maximum=4, group="Data"
    )
    flip: float = option(0.5, "Chance that a face is mirrored.", minimum=0, maximum=1, group="Data")
    color: float = option(
        1.0, "Strength of lightness (30 % at 1) and colour (8 % at 1) changes.", minimum=0, maximum=3, group="Data"
    )
    clahe: float = option(0.5, "Chance of a local contrast change.", minimum=0, maximum=1, group="Data")
    source_media: str | None = option(
        None, "Footage of the source, when it is alignments whose footage has moved.", group="Data"
    )
    target_media: str | None = option(
        None, "Footage of the target, when it is alignments whose footage has moved.", group="Data"
    )
    workers: int = option(2, "Threads that prepare batches.", minimum=1, group="Data")
    cache_mb: int = option(2048, "Memory for decoded faces, in megabytes.", minimum=0, group="Data")

    save_every: int = option(1000, "Steps between checkpoints.", minimum=1, group="Output")
    save_minutes: float = option(
        15.0, "Longest time between checkpoints, in minutes; 0 goes by steps alone.", minimum=0, group="Output"
    )
    keep_checkpoints: int = option(3, "Newest checkpoints kept.", minimum=1, group="Output")
    preview_every: int = option(500, "Steps between preview sheets; 0 is none.", minimum=0, group="Output")
    preview_faces: int = option(6, "Faces of each side on a preview sheet.", minimum=1, maximum=16, group="Output")
    log_every: int = option(10, "Steps between rows of log.csv and TensorBoard points.", minimum=1, group="Output")
    tensorboard: bool = option(True, "Write TensorBoard scalars too.", group="Output")


def loss_weights(losses: tuple[str, ...]) -> dict[str, float]:
    """Read `name=weight` words; a word without a weight counts 1.

    Raises:
        ConfigError: listing every word that is wrong.
    """
    weights: dict[str, float] = {}
    faults = []
    for word in losses:
        name, equals, text = (part.strip() for part in word.partition("="))
        try:
            weight = float(text) if equals else 1.0
        except ValueError:
            weight = math.nan
        if not name or not math.isfinite(weight) or weight <= 0:
            faults.append(f"losses: {word!r} is not name=weight with a weight above 0, such as dssim=1.0")
        elif name in weights:
            faults.append(f"losses: {name!r} is listed twice; give it once with the sum of its weights")
        else:
            weights[name] = weight
    if not losses:
        faults.append("losses: none is listed; training needs at least one, such as dssim=1.0")
    if faults:
        raise ConfigError("\n".join(faults))
    return weights
