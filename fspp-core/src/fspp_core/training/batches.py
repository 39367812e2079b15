"""Batches as a pure function of seed and step, prepared in threads ahead of the device, uint8 all the way."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from fspp_core.concurrency import ordered_map
from fspp_core.training.augment import Strengths, draw
from fspp_core.training.faces import Sample, augmented
from fspp_core.training.facesets import Faceset
from fspp_core.types import Image, Side

_STREAM = {"source": 1, "target": 2}
_ORDER, _CHANGE = 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What one step feeds on.

    Attributes:
        step: updates done before it.
        inputs: warped faces by side, (n, input_size, input_size, 3) uint8 BGR.
        truth: faces by side, (n, output_size, output_size, 3) uint8 BGR, and where masks are used
            `source_mask` and `target_mask`, (n, output_size, output_size, 1) uint8.
    """

    step: int
    inputs: dict[str, Image]
    truth: dict[str, Image]


class BatchMaker:
    """Makes the batch of any step; calls may run in any thread and any order.

    Faces are drawn without repetition: each side runs through a fresh permutation of its faces again and again.
    """

    def __init__(self, source: Faceset, target: Faceset, *, batch_size: int, seed: int, strengths: Strengths) -> None:
        self.sets: dict[Side, Faceset] = {"source": source, "target": target}
        self.batch_size = batch_size
        self.seed = seed
        self.strengths = strengths

    def make(self, step: int) -> Batch:
        """The batch of the update that follows `step` updates."""
        inputs: dict[str, Image] = {}
        truth: dict[str, Image] = {}
        for side in self.sets:
            first = step * self.batch_size
            samples = [self._sample(side, first + number) for number in range(self.batch_size)]
            inputs[side] = np.stack([sample.input for sample in samples])
            truth[side] = np.stack([sample.output for sample in samples])
            masks = [sample.mask for sample in samples if sample.mask is not None]
            if masks:
                truth[f"{side}_mask"] = np.stack(masks)[..., None]
        return Batch(step, inputs, truth)

    def stream(self, first: int, last: int, workers: int) -> Generator[Batch, None, None]:
        """Batches of the steps from `first` up to `last`, in order, made ahead in `workers` threads."""
        return ordered_map(self.make, range(first, last), workers)

    def _sample(self, side: Side, position: int) -> Sample:
        faces = self.sets[side]
        epoch, place = divmod(position, len(faces))
        index = int(_permutation(self.seed, _STREAM[side], epoch, len(faces))[place])
        random = np.random.default_rng((self.seed, _STREAM[side], _CHANGE, position))
        return augmented(faces.face(index), faces.plan, draw(random, self.strengths))


@lru_cache(maxsize=8)
def _permutation(seed: int, stream: int, epoch: int, count: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng((seed, stream, _ORDER, epoch)).permutation(count)


@contextmanager
def single_threaded_opencv() -> Iterator[None]:
    """OpenCV's own threads off while ours do the work: they would only wait for each other."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
