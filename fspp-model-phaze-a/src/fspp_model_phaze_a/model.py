"""Phaze-A: the parts and how faces go through them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from keras import ops

from fspp_core.types import Side
from fspp_model_phaze_a import network
from fspp_model_phaze_a.options import PhazeAOptions
from fspp_model_phaze_a.plan import make_plan

if TYPE_CHECKING:
    import keras


class PhazeA:
    """One encoder for both sides, hidden layers and decoders that are common to them or their own.

    Weights are drawn when it is built, from Keras's random numbers: equal seeds (`keras.utils.set_random_seed`) before
    building give equal weights. Layers compute in the dtype policy that holds then; outputs are float32 in any case.

    Args:
        options: what it is made of.

    Raises:
        ConfigError: for options that do not fit each other.

    Reference:
        Faceswap's Phaze-A, torzdf 2021; the doubled hidden layers of `shared_fc` half are DeepFaceLab's LIAE.
    """

    channel_order: Literal["bgr", "rgb"] = "bgr"

    def __init__(self, options: PhazeAOptions) -> None:
        plan = make_plan(options)
        self.options = options
        self.input_size = plan.input_size
        self.output_size = options.output_size
        self.has_mask = options.learn_mask
        self.parts: dict[str, keras.Model] = {"encoder": network.encoder(options, plan)}
        for name in _names("fc", options.split_fc) + (["fc_shared"] if options.shared_fc == "full" else []):
            self.parts[name] = network.hidden(options, plan, name)
        for name in _names("decoder", options.split_decoders):
            self.parts[name] = network.decoder(options, plan, name)

    def reconstruct(self, side: Side, faces: Any) -> tuple[Any, Any | None]:
        """Encode and decode faces as one identity; see `fspp_core.interfaces.SwapModel`."""
        code = self.parts["encoder"](faces)
        small = self.parts[f"fc_{side if self.options.split_fc else 'both'}"](code)
        if self.options.shared_fc != "none":
            small = ops.concatenate([small, self._shared(side, code, small)], axis=-1)
        result = self.parts[f"decoder_{side if self.options.split_decoders else 'both'}"](small)
        return (result[0], result[1]) if self.has_mask else (result, None)

    def swap(self, faces: Any) -> tuple[Any, Any | None]:
        """Faces of the target with the identity of the source: what the target shows, through the source's layers."""
        return self.reconstruct("source", faces)

    def _shared(self, side: Side, code: Any, own: Any) -> Any:
        """What is joined to a side's own hidden layers."""
        if self.options.shared_fc == "full":
            return self.parts["fc_shared"](code)
        return own if side == "target" or not self.options.split_fc else self.parts["fc_target"](code)


def _names(kind: str, split: bool) -> list[str]:
    return [f"{kind}_source", f"{kind}_target"] if split else [f"{kind}_both"]
