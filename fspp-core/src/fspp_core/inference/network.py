"""A network and the engine that runs it: compiled once for each shape of batch, and few of these kept."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fspp_core import backend
from fspp_core.errors import ConfigError, ShapeError
from fspp_core.inference.engine import Build, Engine, Run, Shape
from fspp_core.inference.keras_engine import KerasEngine
from fspp_core.inference.options import EngineName, Precision
from fspp_core.types import FloatArray

LOG = logging.getLogger(__name__)


class Network:
    """A network that is ready to run; several threads may use it in turn.

    Every batch of one shape goes through the same compiled function, so that a place in it always computes alike.

    Args:
        build: makes the layers, in the number format they are to compute in, and gives what connects them: from a
            Keras tensor to an output or several; None among them is left out.
        shape: of a batch, None where it may differ. The fewer shapes come, the less is compiled.
        name: of the network, in messages and in the names of files.
        engine: what runs it.
        precision: numbers it computes with; outputs are float32 all the same.
        made_of: what the network depends on, files by their content and anything else as it stands. An export for
            OpenVINO is kept for the next time when it is given.
        kept: shapes that stay compiled; of more, the one not used for longest goes.

    Raises:
        PluginError: when the engine is not installed.
        ConfigError: for an engine or a precision there is not.
    """

    def __init__(
        self,
        build: Build,
        shape: Shape,
        *,
        name: str = "network",
        engine: EngineName = "keras",
        precision: Precision = "f32",
        made_of: Sequence[Path | str] = (),
        kept: int = 4,
    ) -> None:
        if precision not in ("f32", "bf16"):
            raise ConfigError(f"precision: expected f32 or bf16; received {precision!r}")
        self.name, self.shape = name, shape
        self._kept = kept
        self._engine = _engine(build, shape, name, engine, precision, made_of)
        self._compiled: OrderedDict[tuple[int, ...], Run] = OrderedDict()
        self._lock = threading.Lock()
        LOG.info("%s: runs on %s", name, self._engine.title)
        if precision == "bf16" and (slow := _slow_bfloat16(engine)):
            LOG.warning("%s: bf16 will be slower than f32, and less exact: %s", name, slow)

    @property
    def compiled_shapes(self) -> list[tuple[int, ...]]:
        """Shapes that are compiled, the one used last at the end."""
        return list(self._compiled)

    def warm_up(self, shape: tuple[int, ...]) -> None:
        """Compile for a shape and run once, so that the first batch takes no longer than the others."""
        self(np.zeros(shape, np.float32))

    def __call__(self, batch: FloatArray) -> list[FloatArray]:
        """Run one batch.

        Args:
            batch: float32 of a shape the network takes.

        Returns:
            The outputs, (batch, ...) float32 each.

        Raises:
            ShapeError: when the batch has another shape, or an output is not finite.
            PluginError: when the engine cannot run this network.
        """
        if len(batch.shape) != len(self.shape) or any(
            fixed not in (None, side) for fixed, side in zip(self.shape, batch.shape, strict=True)
        ):
            wanted = ", ".join("any" if side is None else str(side) for side in self.shape)
            raise ShapeError(f"{self.name} takes batches of ({wanted}); received {batch.shape}")
        with self._lock:
            outputs = self._function(batch.shape)(np.ascontiguousarray(batch, np.float32))
        if not all(np.isfinite(output).all() for output in outputs):
            raise ShapeError(f"{self.name} gave values that are not finite (NaN or infinity); its weights are damaged")
        return outputs

    def _function(self, shape: tuple[int, ...]) -> Run:
        if shape not in self._compiled:
            while len(self._compiled) >= self._kept:  # before the next takes its memory
                self._compiled.popitem(last=False)
            self._compiled[shape] = self._engine.compiled(shape)
        self._compiled.move_to_end(shape)
        return self._compiled[shape]


def _engine(
    build: Build, shape: Shape, name: str, engine: EngineName, precision: Precision, made_of: Sequence[Path | str]
) -> Engine:
    if engine == "keras":
        return KerasEngine(build, precision)
    if engine == "openvino":
        from fspp_core.inference.openvino_engine import OpenVINOEngine

        return OpenVINOEngine(build, shape, precision, name=name, made_of=made_of)
    raise ConfigError(f"engine: expected keras or openvino; received {engine!r}")


def _slow_bfloat16(engine: EngineName) -> str:
    """Why bfloat16 does not pay here, empty when it does."""
    if engine == "keras" and any(device.kind != "cpu" for device in backend.devices()):
        return ""
    able = backend.cpu_has_bfloat16()
    return "" if able else able.reason
