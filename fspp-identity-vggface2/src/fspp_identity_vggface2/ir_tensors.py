"""The tensors of TFace's IR networks, named and laid out as TFace and Faceswap publish them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from fspp_core.weights import check_tensors, load_weights
from fspp_identity_vggface2.tensors import COUNTERS, Array, Shapes, Tensors, convolution, norm

IR_50 = (3, 4, 14, 3)
"""Blocks at each of the four scales."""
IR_101 = (3, 13, 30, 3)
DIMENSIONS = 512
MAP_SIDE = 7  # of what the last block leaves of a crop of 112 pixels


def blocks(units: tuple[int, ...]) -> Iterator[tuple[str, int, int, int]]:
    """Name, channels in and out, and stride of each residual block."""
    number, inputs = 0, 64
    for scale, count in enumerate(units):
        outputs = 64 << scale
        for step in range(count):
            yield f"body.{number}", inputs, outputs, 1 if step else 2
            number, inputs = number + 1, outputs


def tensor_shapes(units: tuple[int, ...]) -> Shapes:
    """Names and shapes of all tensors of the network with so many blocks at each scale."""
    return dict(_tensors(units))


def _tensors(units: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from convolution("input_layer.0", 3, 3, 64)
    yield from norm("input_layer.1", 64)
    yield "input_layer.2.weight", (64,)
    outputs = 64
    for name, inputs, outputs, _ in blocks(units):
        if inputs != outputs:
            yield from convolution(f"{name}.shortcut_layer.0", 1, inputs, outputs)
            yield from norm(f"{name}.shortcut_layer.1", outputs)
        yield from norm(f"{name}.res_layer.0", inputs)
        yield from convolution(f"{name}.res_layer.1", 3, inputs, outputs)
        yield from norm(f"{name}.res_layer.2", outputs)
        yield f"{name}.res_layer.3.weight", (outputs,)
        yield from convolution(f"{name}.res_layer.4", 3, outputs, outputs)
        yield from norm(f"{name}.res_layer.5", outputs)
    yield from norm("output_layer.0", outputs)
    yield "output_layer.3.weight", (DIMENSIONS, outputs * MAP_SIDE * MAP_SIDE)
    yield "output_layer.3.bias", (DIMENSIONS,)
    yield from norm("output_layer.4", DIMENSIONS, affine=False)


def convert_50(raw: Mapping[str, Array]) -> Tensors:
    """IR-50's tensors from a published state dict; see `convert`."""
    return convert(raw, IR_50, "IR-50")


def convert_101(raw: Mapping[str, Array]) -> Tensors:
    """IR-101's tensors from a published state dict; see `convert`."""
    return convert(raw, IR_101, "IR-101")


def convert(raw: Mapping[str, Array], units: tuple[int, ...], what: str) -> Tensors:
    """Our tensors, see `tensor_shapes`, from a state dict as TFace and Faceswap name it; ours are named alike.

    Other editions of such networks, as InsightFace's, are refused: their blocks differ, and so do their crops.

    Raises:
        WeightsError: when these are the weights of something else, naming the tensors.
    """
    needed = ((name, tensor) for name, tensor in raw.items() if not name.endswith(COUNTERS))
    return check_tensors(needed, tensor_shapes(units), f"TFace's {what}")


def load_ir(path: Path, units: tuple[int, ...], component: str) -> Tensors:
    """Read stored weights.

    Raises:
        PluginError: when the file is missing or damaged, or holds something else.
    """
    return load_weights(path, tensor_shapes(units), f"recognizer {component}")
