"""Runs both sides of the extract benchmark: DeepFaceLab's procedure, and fspp as it is or with its stages in turn."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import extract_stand_ins
import numpy as np
from deepfacelab_baseline import Procedure
from extract_material import Known, checksum
from stopwatch import Spent, Stopwatch

from fspp_core.alignments import Alignments
from fspp_core.extraction import ExtractOptions, extract
from fspp_core.extraction.plan import Components, make_plan
from fspp_core.inference import Network
from fspp_core.interfaces import CropDetector
from fspp_core.media import read_image
from fspp_core.progress import Timings
from fspp_core.registry import Registry
from fspp_core.types import FloatArray

STAGES = {"align": "second pass", "crop": "crop and save"}
"""What stages of fspp are called here; the align stage without FAN's first pass is what the second needs."""


PLAIN: dict[str, Any] = {"maskers": (), "recognizers": (), "tracks": False}
"""Nothing that DeepFaceLab does not do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A run.

    Attributes:
        whole: CPU and wall seconds from beginning to end.
        watch: of its stages, empty where they overlapped.
        boxes: (n, 4) of the faces, in the order of the frames.
        landmarks: (n, 68, 2), likewise.
        frames: of each face, its frame's index.
    """

    whole: Spent
    watch: Stopwatch
    boxes: Any = None
    landmarks: Any = None
    frames: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """fspp with the stand-ins on some footage.

    Attributes:
        media: the footage.
        known: file with the face of each frame.
        truth: (frames, 68, 2), the landmarks in it.
        output: folder to work in; emptied before each run.
        registry: with the benchmark's plugin.
        frames: how many frames there are.
        batch: frames the detector gets at once.
    """

    media: Path
    known: Path
    truth: Any
    output: Path
    registry: Registry
    frames: int
    batch: int

    def run(
        self,
        *,
        detector: Mapping[str, Any] | None = None,
        aligner: Mapping[str, Any] | None = None,
        in_turn: bool = False,
        **options: Any,
    ) -> Outcome:
        """Extract all frames; what that needs is built and compiled before the clock starts.

        Args:
            detector: options of S3FD besides the defaults.
            aligner: options of FAN likewise.
            in_turn: let stages wait for each other, so that each can be timed.
        """
        values = PLAIN | {"batch_size": self.batch} | options
        chosen = ExtractOptions(detector="known-s3fd", aligner="timed-fan", **values)
        components = {
            "known-s3fd": {"known": str(self.known), **(detector or {})},
            "timed-fan": dict(aligner or {}),
        }
        tools = make_plan(chosen, components, self.registry).build()
        if chosen.second_pass == "detector" and isinstance(tools.detector, CropDetector):
            tools.detector.detect_crops([np.zeros((256, 256, 3), np.uint8)])
        watch = Stopwatch()
        with ExitStack() as stack:
            if in_turn:
                stack.enter_context(stages_in_turn(watch))
            whole = fresh(self._job(chosen, components), self.output)
        return Outcome(whole=whole, watch=watch, **faces_of(self.output))

    def _job(self, options: ExtractOptions, components: Components) -> Callable[[], object]:
        return partial(extract, self.media, self.output, options, components=components, registry=self.registry)


def faces_of(output: Path) -> dict[str, Any]:
    """The faces an extraction found, as `Outcome` has them."""
    frames = Alignments.load(output / "alignments.json").frames
    faces = [(index, face) for index in sorted(frames) for face in frames[index].faces]
    return {
        "frames": np.array([index for index, _ in faces]),
        "boxes": np.array([face.box for _, face in faces], np.float64).reshape(-1, 4),
        "landmarks": np.array([face.landmarks for _, face in faces], np.float64).reshape(-1, 68, 2),
    }


def fresh(job: Callable[[], object], output: Path) -> Spent:
    """CPU and wall seconds of an extraction that begins with an empty folder."""
    shutil.rmtree(output, ignore_errors=True)
    return timed(job)


def timed(job: Callable[[], object]) -> Spent:
    """CPU and wall seconds of a job."""
    cpu, wall = time.process_time(), time.perf_counter()
    job()
    return Spent(time.process_time() - cpu, time.perf_counter() - wall, 1)


def deepfacelab(s3fd: Any, fan: Any, paths: list[Path], known: Mapping[str, Known], output: Path) -> Outcome:
    """Do all frames by DeepFaceLab's procedure, after one that compiles the networks."""
    output.mkdir(parents=True, exist_ok=True)
    faces = [known[checksum(read_image(path))] for path in paths]
    watch = Stopwatch()
    procedure = Procedure(s3fd=s3fd.predict_on_batch, fan=fan.predict_on_batch, watch=watch)
    procedure.frame(paths[0], faces[0], output)
    watch.spent.clear()

    def all_frames() -> None:
        for path, face in zip(paths, faces, strict=True):
            procedure.frame(path, face, output)

    return Outcome(whole=timed(all_frames), watch=watch)


@contextmanager
def stages_in_turn(watch: Stopwatch) -> Iterator[None]:
    """Let the stages of `extract` run in this thread, one after another, and tell the stopwatch what they take."""
    import fspp_core.extraction.stages as stages

    measure = Timings.measure

    @contextmanager
    def measured(timings: Timings, stage: str) -> Iterator[None]:
        with measure(timings, stage), watch.stage(STAGES.get(stage, stage)):
            yield

    with ExitStack() as stack:
        stack.enter_context(extract_stand_ins.watched(watch))
        stack.enter_context(networks_watched())
        stack.enter_context(mock.patch.object(Timings, "measure", measured))
        stack.enter_context(mock.patch.object(stages, "background", _in_turn))
        stack.enter_context(mock.patch.object(stages, "ordered_map", _mapped_in_turn))
        yield


@contextmanager
def networks_watched() -> Iterator[None]:
    """Count what networks take for themselves."""
    run = Network.__call__

    def counted(network: Network, batch: FloatArray) -> list[FloatArray]:
        with extract_stand_ins.watch().network():
            return run(network, batch)

    with mock.patch.object(Network, "__call__", counted):
        yield


@contextmanager
def networks_for_free() -> Iterator[None]:
    """Let networks give again what they gave for the first batch of a shape, and take no time."""
    run = Network.__call__
    kept: dict[Any, list[FloatArray]] = {}

    def given(network: Network, batch: FloatArray) -> list[FloatArray]:
        key = network.name, batch.shape
        if key not in kept:
            kept[key] = run(network, batch)
        return kept[key]

    with mock.patch.object(Network, "__call__", given):
        yield


def _in_turn(items: Iterable[Any], _depth: int = 2, **_waiting: Any) -> Iterator[Any]:
    yield from items


def _mapped_in_turn(function: Callable[[Any], Any], items: Iterable[Any], _workers: int) -> Iterator[Any]:
    for item in items:
        yield function(item)
