"""The engine for processors: OpenVINO, from an export of the Keras network that is made once and kept."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from fspp_core.errors import PluginError
from fspp_core.inference.engine import Build, Run, Shape
from fspp_core.inference.export_cache import Export, export_path, read_export, write_export
from fspp_core.inference.exporting import export, openvino_package
from fspp_core.inference.keras_engine import KerasEngine
from fspp_core.inference.options import Precision
from fspp_core.types import FloatArray

LOG = logging.getLogger(__name__)

_PACKAGES = ("openvino", "keras", "fspp-core")


class OpenVINOEngine:
    """See `fspp_core.inference.engine.Engine`. One export serves all shapes and both precisions.

    Args:
        build: makes the layers and gives what connects them; not called when the export is there.
        shape: of a batch, None where it may differ.
        precision: numbers to compute with; outputs are float32 all the same.
        name: of the network.
        made_of: what it depends on; nothing given: the export is not kept.

    Raises:
        PluginError: when the package openvino is not installed.
    """

    def __init__(
        self, build: Build, shape: Shape, precision: Precision, *, name: str, made_of: Sequence[Path | str] = ()
    ) -> None:
        self._openvino = openvino_package()
        self._core = self._openvino.Core()
        self._shape, self._precision, self._name = shape, precision, name
        self._path = None
        if made_of:
            versions = {package: version(package) for package in _PACKAGES}
            self._path = export_path(name, made_of, [shape, versions])
        # Built where there is no export only, and at once, so that faulty weights are told at the start.
        kept = None if self._path is None else read_export(self._path)
        self._source: Export | KerasEngine = kept or KerasEngine(build, "f32")
        self.title = f"openvino {version('openvino')} on the processor, {precision}"

    def compiled(self, shape: tuple[int, ...]) -> Run:
        """A function for batches of exactly this shape.

        Raises:
            PluginError: when OpenVINO cannot export or compile the network.
        """
        if isinstance(self._source, KerasEngine):
            self._source = self._exported(self._source, shape)
        try:
            model = self._core.read_model(
                self._source.graph, self._openvino.Tensor(self._source.weights, shared_memory=True)
            )
            model.reshape(list(shape))
            network = self._core.compile_model(
                model,
                "CPU",
                {
                    "PERFORMANCE_HINT": "LATENCY",  # one batch at a time, on all cores
                    "INFERENCE_PRECISION_HINT": self._precision,
                    "ENABLE_CPU_PINNING": False,  # TensorFlow, OpenCV and encoders run beside it
                },
            )
        except RuntimeError as error:
            raise PluginError(
                f"{self._name}: openvino cannot run it in {self._precision} on batches of {shape}: {error}; "
                "use the engine keras"
            ) from error
        threads = network.get_property("INFERENCE_NUM_THREADS")
        LOG.debug("%s: compiled for %s, runs on %d threads", self._name, shape, threads)
        request, count = network.create_infer_request(), len(network.outputs)

        def run(batch: FloatArray) -> list[FloatArray]:
            request.infer([batch])
            return [np.array(request.get_output_tensor(place).data, np.float32) for place in range(count)]

        return run

    def _exported(self, network: KerasEngine, shape: tuple[int, ...]) -> Export:
        LOG.info("%s: exported for openvino; this happens once and takes up to a minute", self._name)
        made = export(network, self._shape, (1, *shape[1:]) if self._shape[0] is None else shape, self._name)
        if self._path is not None:
            write_export(self._path, made)
        return made
