"""Hook implementations."""

from __future__ import annotations

from fspp_core.hookspecs import hookimpl
from fspp_core.specs import ComponentSpec
from fspp_model_phaze_a.options import PhazeAOptions

FSPP_API = 1


@hookimpl
def fspp_models() -> list[ComponentSpec]:
    """The configurable autoencoder."""
    return [
        ComponentSpec(
            kind="model",
            name="phaze-a",
            summary="Phaze-A: an autoencoder of which every piece can be chosen, with presets.",
            factory="fspp_model_phaze_a.model:PhazeA",
            options=PhazeAOptions,
            presets="fspp_model_phaze_a:presets",
        )
    ]
