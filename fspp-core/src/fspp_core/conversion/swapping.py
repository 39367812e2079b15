"""Swap faces in batches that span frames, and let the frames go on in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from fspp_core.concurrency import close
from fspp_core.conversion.faces import FaceJob, FrameJob, Recipe
from fspp_core.errors import ShapeError
from fspp_core.masks.evaluating import Layer
from fspp_core.masks.expression import Learned, Named, leaves
from fspp_core.media.color import to_order
from fspp_core.progress import Timings
from fspp_core.types import FloatArray

Swap = Callable[[FloatArray], Sequence[FloatArray]]

FRAMES_A_BATCH = 2
"""How many frames may wait for one batch to fill, as a multiple of its size: this bounds the memory they take."""


class Swapper:
    """Runs network and maskers over faces of consecutive frames.

    A face's place in its batch follows from its number alone, and batches are always full, empty places being zero. So
    a run that goes on after a kill computes every face exactly as an undisturbed one.

    Args:
        network: from (batch, input_size, input_size, 3) float32 in the model's channel order to faces and, where the
            model predicts them, masks (batch, output_size, output_size, 1).
        batch: faces in a batch.
        recipe: how faces are treated.
        timings: gets the seconds of "swap" and "mask".
    """

    def __init__(self, network: Swap, batch: int, recipe: Recipe, timings: Timings) -> None:
        self._network, self._batch, self._recipe, self._timings = network, batch, recipe, timings

    def run(self, jobs: Iterable[FrameJob]) -> Iterator[FrameJob]:
        """Swap the faces of frames; gives the same frames in the same order."""
        waiting: deque[FrameJob] = deque()
        faces: list[FaceJob] = []
        try:
            for job in jobs:
                waiting.append(job)
                for face in job.faces:
                    faces.append(face)
                    if face.number % self._batch == self._batch - 1:
                        self._swap(faces)
                        faces = []
                if len(waiting) >= FRAMES_A_BATCH * self._batch:
                    self._swap(faces)
                    faces = []
                yield from self._ready(waiting, faces)
            self._swap(faces)
            yield from waiting
        finally:
            close(jobs)

    @staticmethod
    def _ready(waiting: deque[FrameJob], faces: Sequence[FaceJob]) -> Iterator[FrameJob]:
        """Frames that hold none of the faces still to be swapped, nor come after one that does."""
        first = faces[0] if faces else None
        while waiting and first not in waiting[0].faces:
            yield waiting.popleft()

    def _swap(self, faces: Sequence[FaceJob]) -> None:
        if not faces:
            return
        with self._timings.measure("swap"):
            self._run_network(faces)
        asked = dict.fromkeys(leaf for face in faces for leaf in face.views)
        for leaf in sorted(asked, key=str):
            with self._timings.measure("mask"):
                self._run_masker(leaf, [face for face in faces if leaf in face.views])

    def _run_network(self, faces: Sequence[FaceJob]) -> None:
        size, order = self._recipe.input_size, self._recipe.channel_order
        inputs = np.zeros((self._batch, size, size, 3), np.float32)
        for face in faces:
            inputs[face.number % self._batch] = face.input
            face.input = None
        swapped, *masks = self._network(inputs)
        wanted = (self._batch, self._recipe.output_size, self._recipe.output_size, 3)
        if swapped.shape != wanted:
            raise ShapeError(f"the model must give faces of {wanted}; received {swapped.shape}")
        for face in faces:
            place = face.number % self._batch
            face.swapped = to_order(np.clip(swapped[place], 0.0, 1.0), order)
            for leaf in leaves(face.mask):
                if isinstance(leaf, Learned):
                    mask = masks[0 if leaf.of == "swap" else 1]
                    face.layers[leaf] = Layer(mask[place, ..., 0].copy(), face.matrix)

    def _run_masker(self, leaf: Named, faces: Sequence[FaceJob]) -> None:
        masker = self._recipe.masks.maskers[leaf.name]
        crops = np.zeros((self._batch, masker.size, masker.size, 3), np.uint8)
        landmarks = np.repeat(faces[0].views[leaf].landmarks[None], self._batch, axis=0)
        for face in faces:
            place, view = face.number % self._batch, face.views[leaf]
            if leaf.swapped and face.swapped is not None:
                view = view.showing(face.swapped, face.matrix)
            crops[place], landmarks[place] = view.crop, view.landmarks
        made = masker.mask(crops, landmarks)
        if made.shape != crops.shape[:3]:
            raise ShapeError(f"the masker must give masks of {crops.shape[:3]}; received {made.shape}")
        for face in faces:
            matrix = face.views.pop(leaf).matrix
            face.layers[leaf] = Layer(made[face.number % self._batch].copy(), matrix)
