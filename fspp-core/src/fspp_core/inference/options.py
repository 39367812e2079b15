"""The options that all components with a network of their own share."""

from __future__ import annotations

from typing import Any, Literal

from fspp_core.options import option

EngineName = Literal["keras", "openvino"]
Precision = Literal["f32", "bf16"]


def engine_option() -> Any:
    """Declare the option `engine: EngineName`."""
    return option(
        "keras",
        "What runs the network: keras, on any device, or openvino, on the processor; it needs fspp-core[openvino].",
        group="Speed",
    )


def precision_option() -> Any:
    """Declare the option `precision: Precision`."""
    return option(
        "f32",
        "Numbers the network computes with. bf16 takes half the time where the processor or the graphics card has it, "
        "and has three digits.",
        group="Speed",
    )
