"""Core's own components, registered through the same hooks as anyone's."""

from __future__ import annotations

from typing import Any

from fspp_core.conversion.color_options import RCTOptions
from fspp_core.extraction.mask_options import (
    ComponentsOptions,
    CustomOptions,
    DFLHullOptions,
    ExtendedOptions,
    EyesOptions,
    MouthOptions,
)
from fspp_core.hookspecs import hookimpl
from fspp_core.options import NoOptions
from fspp_core.specs import ComponentSpec, Kind
from fspp_core.training.loss_options import DSSIMOptions
from fspp_core.training.optimizer_options import AdamOptions, AdamWOptions, RMSpropOptions
from fspp_core.training.schedule_options import ConstantOptions, CosineOptions

FSPP_API = 1


def _spec(kind: Kind, name: str, place: str, summary: str, options: type[Any] = NoOptions) -> ComponentSpec:
    return ComponentSpec(kind=kind, name=name, factory=f"fspp_core.{place}", summary=summary, options=options)


@hookimpl
def fspp_aligners() -> list[ComponentSpec]:
    """Landmarks without a network."""
    return [
        _spec(
            "aligner",
            "keypoints",
            "extraction.alignment.keypoints:KeypointsAligner",
            "The mean 68-point face, fitted to the detector's five keypoints.",
        )
    ]


@hookimpl
def fspp_maskers() -> list[ComponentSpec]:
    """Masks drawn from landmarks."""
    place = "extraction.maskers"
    return [
        _spec("masker", "components", f"{place}:ComponentsMasker", "The hull of the landmarks.", ComponentsOptions),
        _spec(
            "masker",
            "extended",
            f"{place}:ExtendedMasker",
            "The hull of the landmarks with raised brows, to take in some of the forehead.",
            ExtendedOptions,
        ),
        _spec(
            "masker",
            "dfl-hull",
            f"{place}:DFLHullMasker",
            "The hull of the landmarks with raised brows as DeepFaceLab draws it: whole pixels, hard edges.",
            DFLHullOptions,
        ),
        _spec("masker", "eyes", f"{place}:EyesMasker", "Both eyes, grown and blurred.", EyesOptions),
        _spec("masker", "mouth", f"{place}:MouthMasker", "The mouth, grown and blurred.", MouthOptions),
        _spec(
            "masker", "custom", f"{place}:CustomMasker", "A blank or filled mask, to paint and import.", CustomOptions
        ),
    ]


@hookimpl
def fspp_recognizers() -> list[ComponentSpec]:
    """A description of faces without a network."""
    return [
        _spec(
            "recognizer",
            "hog-color",
            "extraction.identity.descriptor:HogColor",
            "Gradients and colours of a face; no recognition network: knows people in like pose and light only.",
        )
    ]


@hookimpl
def fspp_losses() -> list[ComponentSpec]:
    """Reconstruction losses."""
    place = "training.losses"
    return [
        _spec("loss", "dssim", f"{place}:DSSIM", "Structural dissimilarity over a Gaussian window.", DSSIMOptions),
        _spec("loss", "mae", f"{place}:MAE", "Mean absolute error."),
        _spec("loss", "mse", f"{place}:MSE", "Mean squared error."),
    ]


@hookimpl
def fspp_schedulers() -> list[ComponentSpec]:
    """Learning-rate schedules."""
    place = "training.schedules"
    return [
        _spec("scheduler", "constant", f"{place}:Constant", "The base rate throughout.", ConstantOptions),
        _spec("scheduler", "cosine", f"{place}:Cosine", "Half a cosine from the base rate to a floor.", CosineOptions),
    ]


@hookimpl
def fspp_optimizers() -> list[ComponentSpec]:
    """Optimizers that Keras has."""
    place = "training.optimizers"
    return [
        _spec("optimizer", "adam", f"{place}:Adam", "Adam.", AdamOptions),
        _spec("optimizer", "adamw", f"{place}:AdamW", "Adam with decoupled weight decay.", AdamWOptions),
        _spec("optimizer", "rmsprop", f"{place}:RMSprop", "RMSprop, optionally with momentum.", RMSpropOptions),
    ]


@hookimpl
def fspp_color_transfers() -> list[ComponentSpec]:
    """Colour transfers."""
    place = "conversion.colors"
    return [
        _spec("color_transfer", "none", f"{place}:NoTransfer", "The swapped face's colours as they are."),
        _spec("color_transfer", "mean", f"{place}:Mean", "Shift of each channel to the mean of the frame's face."),
        _spec(
            "color_transfer",
            "rct",
            f"{place}:RCT",
            "Mean and spread in CIELAB, after Reinhard et al. 2001.",
            RCTOptions,
        ),
    ]
