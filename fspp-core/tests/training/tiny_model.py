"""A plugin in one file: a small autoencoder, a loss without a map, and a recorder of events."""

from __future__ import annotations

from dataclasses import dataclass

from fspp_core.hookspecs import hookimpl
from fspp_core.options import NoOptions, option
from fspp_core.specs import ComponentSpec

FSPP_API = 1

EVENTS = []


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyOptions:
    size: int = option(24, "Side of the input in pixels.", minimum=8, multiple_of=8, fixed=True)
    upscale: int = option(1, "Output side as a multiple of the input side.", minimum=1, maximum=2, fixed=True)
    filters: int = option(6, "Filters of the first layer.", minimum=1, fixed=True)
    mask: bool = option(True, "Predict a mask.", fixed=True)
    order: str = option("rgb", "Order of the channels.", fixed=True)
    dropout: float = option(0.2, "Share of the code dropped in training.", minimum=0, maximum=0.9)


class Tiny:
    def __init__(self, options):
        import keras
        from keras import layers

        self.options = options
        self.input_size, self.output_size = options.size, options.size * options.upscale
        self.channel_order, self.has_mask = options.order, options.mask
        code = (options.size // 4, options.size // 4, options.filters * 2)

        def encoder():
            faces = keras.Input((options.size, options.size, 3))
            x = layers.Conv2D(options.filters, 3, 2, padding="same", activation="relu")(faces)
            x = layers.Conv2D(options.filters * 2, 3, 2, padding="same", activation="relu")(x)
            return keras.Model(faces, layers.Dropout(options.dropout)(x), name="encoder")

        def decoder(name):
            x = inputs = keras.Input(code)
            for scale in (2, 2 * options.upscale):
                x = layers.UpSampling2D(scale)(x)
                x = layers.Conv2D(options.filters, 3, padding="same", activation="relu")(x)
            outputs = [layers.Conv2D(3, 3, padding="same", activation="sigmoid", dtype="float32")(x)]
            if options.mask:
                outputs.append(layers.Conv2D(1, 3, padding="same", activation="sigmoid", dtype="float32")(x))
            return keras.Model(inputs, outputs, name=name)

        self.parts = {
            "encoder": encoder(),
            "decoder_source": decoder("decoder_source"),
            "decoder_target": decoder("decoder_target"),
        }

    def reconstruct(self, side, faces):
        outputs = self.parts[f"decoder_{side}"](self.parts["encoder"](faces))
        return tuple(outputs) if self.has_mask else (outputs[0] if isinstance(outputs, list) else outputs, None)

    def swap(self, faces):
        return self.reconstruct("source", faces)


class Whole:
    """Mean absolute error of whole pictures, (n,), as losses without a map give it."""

    def __init__(self, options):
        self.options = options

    def __call__(self, true, predicted):
        from keras import ops

        return ops.mean(ops.abs(true - predicted), axis=(1, 2, 3))


@hookimpl
def fspp_models():
    return [
        ComponentSpec(name="tiny", kind="model", summary="For tests.", factory=f"{__name__}:Tiny", options=TinyOptions),
        ComponentSpec(name="other", kind="model", summary="Too.", factory=f"{__name__}:Tiny", options=TinyOptions),
    ]


@hookimpl
def fspp_losses():
    return [
        ComponentSpec(name="whole", kind="loss", summary="For tests.", factory=f"{__name__}:Whole", options=NoOptions)
    ]


@hookimpl
def fspp_train_step_end(step, metrics):
    EVENTS.append(("step", step, dict(metrics)))


@hookimpl
def fspp_checkpoint_saved(step, path):
    EVENTS.append(("saved", step, path))
