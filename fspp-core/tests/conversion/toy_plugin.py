"""A plugin in one file: a model that tints faces, with or without a mask, a round masker, and a recorder of events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fspp_core.hookspecs import hookimpl
from fspp_core.options import option
from fspp_core.specs import ComponentSpec

FSPP_API = 1

EVENTS = []


@dataclass(frozen=True, slots=True, kw_only=True)
class TintOptions:
    size: int = option(32, "Side of the input in pixels.", minimum=4, fixed=True)
    upscale: int = option(1, "Output side as a multiple of the input side.", minimum=1, maximum=4, fixed=True)
    mask: bool = option(False, "Predict a mask.", fixed=True)
    order: str = option("bgr", "Order of the channels.", fixed=True)


class Tint:
    """Half the face and half of one colour: (0.9, 0.1, 0.2) in the model's channel order, as its weights start."""

    def __init__(self, options):
        import keras
        from keras import layers

        self.options = options
        self.input_size, self.output_size = options.size, options.size * options.upscale
        self.channel_order, self.has_mask = options.order, options.mask
        faces = keras.Input((options.size, options.size, 3))
        x = layers.UpSampling2D(options.upscale)(faces)
        tint = layers.Conv2D(3, 1, name="mix")
        outputs = [tint(x)]
        if options.mask:
            # A mask that follows the picture, so that it is another one in every frame.
            outputs.append(layers.Conv2D(1, 1, activation="sigmoid", name="mask")(x))
        model = keras.Model(faces, outputs, name="tint")
        tint.set_weights([0.5 * np.eye(3, dtype=np.float32)[None, None], 0.5 * np.float32([0.9, 0.1, 0.2])])
        self.parts = {"tint": model}

    def reconstruct(self, side, faces):
        outputs = self.parts["tint"](faces)
        outputs = outputs if isinstance(outputs, list) else [outputs]
        if side == "target" and self.has_mask:
            outputs = [outputs[0], 1.0 - outputs[1]]
        return (*outputs, None)[:2]

    def swap(self, faces):
        return self.reconstruct("source", faces)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscOptions:
    radius: float = option(0.4, "Radius in sides of the crop.", minimum=0, maximum=1)


class Disc:
    """A disc around the middle of the landmarks."""

    face_type = "full"
    size = 48
    calls = []

    def __init__(self, options):
        self.options = options

    def mask(self, crops, landmarks):
        Disc.calls.append(len(crops))
        y, x = np.mgrid[: self.size, : self.size]
        middle = landmarks.mean(axis=1)[:, None, None]
        away = np.hypot(x - middle[..., 0], y - middle[..., 1])
        return np.clip(self.options.radius * self.size - away, 0, 1).astype(np.float32)


class Bright:
    """How bright each pixel is."""

    face_type = "full"
    size = 48

    def __init__(self, options):
        pass

    def mask(self, crops, landmarks):
        return crops.mean(axis=3, dtype=np.float32) / np.float32(255)


@hookimpl
def fspp_models():
    return [
        ComponentSpec(name="tint", kind="model", summary="For tests.", factory=f"{__name__}:Tint", options=TintOptions)
    ]


@hookimpl
def fspp_maskers():
    return [
        ComponentSpec(
            name="disc", kind="masker", summary="For tests.", factory=f"{__name__}:Disc", options=DiscOptions
        ),
        ComponentSpec(name="bright", kind="masker", summary="For tests.", factory=f"{__name__}:Bright"),
    ]


@hookimpl
def fspp_frame_converted(index, faces):
    EVENTS.append((index, faces))
