"""The switches of the extraction one by one, on and off: what each saves or costs, and how far it moves landmarks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import extract_stand_ins
import numpy as np
from extract_sides import PLAIN, Ours, Outcome, faces_of, fresh
from stopwatch import Stopwatch

from fspp_core.errors import FsppError
from fspp_core.extraction import ExtractOptions
from fspp_core.types import Image

CELLS = 64
"""Cells of a heat map along a side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One row: options besides the default's.

    Attributes:
        name: what is printed.
        options: of the extraction.
        detector: of S3FD.
        aligner: of FAN.
        quick: whether it is tried in a quick run too.
        measured: what the difference of the landmarks can be read from: "network", where the second pass answers of
            its own, or "box", where only the boxes differ; empty where nothing does or nothing can be said.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    detector: Mapping[str, Any] = field(default_factory=dict)
    aligner: Mapping[str, Any] = field(default_factory=dict)
    quick: bool = False
    measured: str = ""


SHIFTS = {"second_pass": "shifts"}
FAST = {"second_pass": "realign", "detect_every": 5}
BF16 = {"precision": "bf16"}
OPENVINO = {"engine": "openvino"}

SWITCHES = (
    Switch(name="default (shifts, f32, every frame)", options=SHIFTS, quick=True, measured="network"),
    Switch(name="frame padded to a square", options=SHIFTS, detector={"square": True}, quick=True),
    Switch(name="second pass: off", options={"second_pass": "off"}, quick=True),
    Switch(name="second pass: realign", options={"second_pass": "realign"}, quick=True, measured="network"),
    Switch(name="second pass: detector", options={"second_pass": "detector"}, measured="network"),
    Switch(name="detect every 2nd", options=SHIFTS | {"detect_every": 2}, measured="box"),
    Switch(name="detect every 5th", options=SHIFTS | {"detect_every": 5}, quick=True, measured="box"),
    Switch(name="detect every 10th", options=SHIFTS | {"detect_every": 10}, measured="box"),
    Switch(name="keras, bf16", options=SHIFTS | BF16, measured="network"),
    Switch(name="openvino, f32", options=SHIFTS | OPENVINO, measured="network"),
    Switch(name="openvino, bf16", options=SHIFTS | OPENVINO | BF16, quick=True, measured="network"),
    Switch(name="FAN: 3 stacks", options=SHIFTS, aligner={"stacks": 3}, measured="network"),
    Switch(name="FAN: 2 stacks", options=SHIFTS, aligner={"stacks": 2}, measured="network"),
    Switch(name="FAN: 1 stack", options=SHIFTS, aligner={"stacks": 1}, measured="network"),
    Switch(name="FAN: flip", options=SHIFTS, aligner={"flip": True}, measured="network"),
    Switch(
        name="masks and descriptions as by default",
        options=SHIFTS | {"maskers": ("extended",), "recognizers": ("hog-color",)},
    ),
    Switch(name="no face pictures", options=SHIFTS | {"save_faces": False}),
    Switch(name="fast: realign, every 5th", options=FAST, measured="network"),
    Switch(name="fastest: that, openvino, bf16", options=FAST | OPENVINO | BF16, quick=True, measured="network"),
)


def print_switches(ours: Ours, clock: str, *, quick: bool) -> dict[str, Outcome]:
    """Run and print every switch; the outcomes by name, of those that could be run."""
    print("switch                                    CPU-s    wall s   times as fast   second pass's landmarks, boxes")
    outcomes: dict[str, Outcome] = {}
    for switch in SWITCHES:
        if quick and not switch.quick:
            continue
        try:
            outcome = ours.run(detector=switch.detector, aligner=switch.aligner, **switch.options)
        except FsppError as error:
            print(f"  {switch.name:<36} not here: {str(error).splitlines()[0]}", flush=True)
            continue
        finally:
            extract_stand_ins.forget(keep=4)
        outcomes[switch.name] = outcome
        default = next(iter(outcomes.values()))
        times = getattr(default.whole, clock) / getattr(outcome.whole, clock)
        cpu, wall = outcome.whole.cpu / ours.frames, outcome.whole.wall / ours.frames
        moved = _difference(default, outcome, switch.measured)
        print(f"  {switch.name:<36}{cpu:10.3f}{wall:10.3f}{times:12.2f}       {moved}", flush=True)
    return outcomes


def _difference(default: Outcome, other: Outcome, measured: str) -> str:
    if not measured or len(default.frames) != len(other.frames):
        return ""
    sides = (default.boxes[:, 2:] - default.boxes[:, :2]).mean(axis=1)
    if measured == "box":
        return "boxes " + _far(np.abs(other.boxes - default.boxes), sides[:, None])
    far = np.linalg.norm(other.answers - default.answers, axis=2)
    return f"{_far(far, sides[:, None])}, {(far < sides[:, None] / CELLS).mean():.0%} within a cell"


def _far(pixels: Any, sides: Any) -> str:
    """A distance in pixels and in percent of the face."""
    shares = pixels / sides
    return f"mean {pixels.mean():.2f} px ({shares.mean():.2%}), max {pixels.max():.1f} px ({shares.max():.1%})"


def print_tracking(media: Path, output: Path) -> None:
    """Following faces between detections on real faces: MTCNN's five points and the mean face laid over them."""
    from fspp_core.extraction import extract

    print("\nreal faces: MTCNN, its points followed   CPU-s a frame   landmarks moved, against every frame")
    first: Outcome | None = None
    for every in (1, 2, 5, 10):
        options = ExtractOptions(detector="mtcnn", aligner="keypoints", detect_every=every, **PLAIN)
        job = partial(extract, media, output, options, components={"mtcnn": {"min_face": 80}})
        if first is None:
            fresh(job, output)  # compiles
        outcome = Outcome(whole=fresh(job, output), watch=Stopwatch(), **faces_of(output))
        first = first or outcome
        sides = (first.boxes[:, 2:] - first.boxes[:, :2]).mean(axis=1)
        line = f"  detect every {every:<3}{outcome.whole.cpu / len(first.frames):35.3f}   "
        if np.array_equal(first.frames, outcome.frames):
            far = np.linalg.norm(outcome.landmarks - first.landmarks, axis=2)
            print(line + _far(far, sides[:, None]), flush=True)
        else:
            print(f"{line}{len(outcome.frames)} faces instead of {len(first.frames)}", flush=True)


def print_agreement(weights: Path, crops: Image) -> None:
    """How often FAN's heat maps have their highest cell where they have it in float32 on Keras."""
    from fspp_align_fan.aligner import FANAligner
    from fspp_align_fan.options import FANOptions

    print("\nheat maps: highest cell the same as with keras, f32 (flat maps of random weights: the worst case)")
    wanted = None
    for engine in ("keras", "openvino"):
        for precision in ("f32", "bf16"):
            try:
                aligner = FANAligner(FANOptions(engine=engine, precision=precision), {"2dfan4": weights})
                points = aligner.align_crops(crops)
            except (FsppError, TypeError) as error:
                print(f"  {engine + ', ' + precision:<20} not here: {str(error).splitlines()[0]}", flush=True)
                continue
            cells = points // (aligner.crop_size // CELLS)
            wanted = cells if wanted is None else wanted
            print(f"  {engine + ', ' + precision:<20} {(cells == wanted).all(axis=2).mean():7.2%}", flush=True)
