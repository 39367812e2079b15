"""A Keras network in OpenVINO's form, with the outputs in their order, and proven to compute the same."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from fspp_core import backend
from fspp_core.errors import PluginError
from fspp_core.inference.engine import Shape
from fspp_core.inference.export_cache import Export
from fspp_core.inference.keras_engine import KerasEngine, functional
from fspp_core.types import FloatArray

_SAME = 1e-3  # relative L2 difference between an output and its export, both in float32


def openvino_package() -> Any:
    """The package `openvino`.

    Raises:
        PluginError: when it is not installed, with the line that installs it.
    """
    try:
        with _unreported():
            import openvino
    except ImportError as error:
        raise PluginError(
            f"engine openvino: the package openvino cannot be imported ({error}); "
            "pip install 'fspp-core[openvino]', or use the engine keras"
        ) from error
    return openvino


def export(network: KerasEngine, shape: Shape, probe: tuple[int, ...], name: str) -> Export:
    """Export a network for all batches of `shape`.

    Args:
        network: in float32.
        shape: of a batch, None where it may differ.
        probe: shape of one batch, on which both must give the same.
        name: of the network, for messages.

    Raises:
        PluginError: when OpenVINO cannot take the network over, or not as it is.
    """
    openvino = openvino_package()
    with tempfile.TemporaryDirectory(prefix="fspp-") as folder:
        first, last = Path(folder) / "keras.xml", Path(folder) / "network.xml"
        try:
            with _unreported():
                functional(network.wire, shape).export(str(first), format="openvino", verbose=False)
            model = openvino.Core().read_model(first)
        except Exception as error:  # OpenVINO's own have no common base
            raise PluginError(
                f"{name}: cannot be exported for openvino from Keras on {backend.backend_name()}: {error}; "
                "use the engine keras, or export with KERAS_BACKEND=tensorflow"
            ) from error
        model = openvino.Model(_ordered(openvino, model, network, probe, name), model.get_parameters(), name)
        openvino.serialize(model, last)
        del model  # maps the file, which Windows would not remove
        weights = np.fromfile(last.with_suffix(".bin"), np.uint8)
        return Export(graph=last.read_text(encoding="utf-8"), weights=weights)


def _ordered(openvino: Any, model: Any, network: KerasEngine, probe: tuple[int, ...], name: str) -> list[Any]:
    """The results of an exported model in the order of the network's, which the export does not keep.

    They are told by what they give for noise, which shows that the export computes the same, too.
    """
    noise = np.random.default_rng(0).random(probe, np.float32)
    fixed = model.clone()
    fixed.reshape(list(probe))
    compiled = openvino.Core().compile_model(fixed, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    given = [np.array(output) for output in compiled([noise]).values()]
    left = list(range(len(given)))
    order: list[int] = []
    for wanted in network.compiled(probe)(noise):
        differences = {place: _difference(given[place], wanted) for place in left}
        best = min(differences, key=differences.__getitem__)
        if not differences[best] <= _SAME:
            raise PluginError(
                f"{name}: its export for openvino computes something else (output {len(order)} differs by "
                f"{differences[best]:.2g}, or is not finite); use the engine keras"
            )
        left.remove(best)
        order.append(best)
    results: Sequence[Any] = model.get_results()
    return [results[place] for place in order]


def _difference(ours: FloatArray, theirs: FloatArray) -> float:
    """Relative L2 difference, infinite when shapes differ or values are not finite."""
    if ours.shape != theirs.shape:
        return np.inf
    difference = np.linalg.norm(ours - theirs) / max(np.linalg.norm(theirs), np.finfo(np.float32).tiny)
    return float(difference) if np.isfinite(difference) else np.inf


@contextmanager
def _unreported() -> Iterator[None]:
    """OpenVINO imports and converts without telling its makers: where this package is missing, it sends nothing."""
    name = "openvino_telemetry"
    before = sys.modules.get(name)
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
