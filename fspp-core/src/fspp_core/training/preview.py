"""Preview sheets: what the model makes of some faces of each side, unaugmented, as one PNG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from keras import ops

from fspp_core.interfaces import SwapModel
from fspp_core.media import write_image
from fspp_core.sheet import Row, contact_sheet
from fspp_core.training.faces import plain
from fspp_core.training.facesets import Faceset
from fspp_core.training.step import faces_to_float
from fspp_core.types import Image

PREVIEW_NAME = "preview"
_SMALLEST_CELL, _LARGEST_CELL = 96, 256


class Preview:
    """Draws the same faces at each call, so that sheets can be compared.

    Args:
        model: the network in training.
        source: faces of the source.
        target: faces of the target.
        columns: faces of each side, at most.
        folder: the model folder.
    """

    def __init__(self, model: SwapModel, source: Faceset, target: Faceset, *, columns: int, folder: Path) -> None:
        self._model = model
        self._folder = folder / PREVIEW_NAME
        self._source = [_plain_faces(source, index) for index in source.spread(columns)]
        self._target = [_plain_faces(target, index) for index in target.spread(columns)]

    def sheet(self, caption: str) -> Image:
        """(h, w, 3) uint8 BGR: each side's faces, their reconstructions, and the swap under the target's faces."""
        model = self._model
        source_in, target_in = (np.stack([face for face, _ in side]) for side in (self._source, self._target))
        rows = [
            Row("source", [face for _, face in self._source]),
            Row("source -> source", self._faces(*model.reconstruct("source", self._as_input(source_in)))),
            Row("target", [face for _, face in self._target]),
            Row("target -> target", self._faces(*model.reconstruct("target", self._as_input(target_in)))),
            Row("target -> swap", self._faces(*model.swap(self._as_input(target_in)))),
        ]
        cell = int(np.clip(model.output_size, _SMALLEST_CELL, _LARGEST_CELL))
        return contact_sheet(rows, cell=cell, title=caption)

    def write(self, step: int, caption: str) -> Path:
        """Write the sheet of a step, whole or not at all."""
        path = self._folder / f"step-{step:08d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(path, self.sheet(caption))
        return path

    def _as_input(self, faces: Image) -> Any:
        return faces_to_float(ops.convert_to_tensor(faces), self._model.channel_order)

    def _faces(self, faces: Any, mask: Any | None) -> list[Image]:
        faces = ops.clip(ops.cast(faces, "float32"), 0.0, 1.0)
        if self._model.channel_order == "rgb":
            faces = ops.flip(faces, axis=-1)
        return list(np.rint(ops.convert_to_numpy(faces) * 255).astype(np.uint8))


def _plain_faces(faces: Faceset, index: int) -> tuple[Image, Image]:
    """A face at the model's input and output size."""
    face, plan = faces.face(index), faces.plan
    return plain(face, plan.input_size, face.to_input), plain(face, plan.output_size, face.to_output)
