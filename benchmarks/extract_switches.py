"""The switches of the extraction one by one, on and off: what each saves or costs, and how far it moves landmarks.

`tracking.py` beside this measures following faces between detections on more footage and by its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import extract_stand_ins
import numpy as np
from extract_sides import Ours, Outcome

from fspp_core.errors import FsppError
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
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    detector: Mapping[str, Any] = field(default_factory=dict)
    aligner: Mapping[str, Any] = field(default_factory=dict)
    quick: bool = False


SHIFTS = {"second_pass": "shifts"}
FAST = {"second_pass": "realign", "detect_every": 5}
BF16 = {"precision": "bf16"}
OPENVINO = {"engine": "openvino"}

SWITCHES = (
    Switch(name="second pass: off", options={"second_pass": "off"}, quick=True),
    Switch(name="second pass: realign", options={"second_pass": "realign"}, quick=True),
    Switch(name="second pass: detector", options={"second_pass": "detector"}),
    Switch(name="detect every 2nd", options=SHIFTS | {"detect_every": 2}),
    Switch(name="detect every 5th", options=SHIFTS | {"detect_every": 5}, quick=True),
    Switch(name="detect every 10th", options=SHIFTS | {"detect_every": 10}),
    Switch(name="realign, detect every 5th", options=FAST, quick=True),
    Switch(
        name="masks and descriptions as by default",
        options=SHIFTS | {"maskers": ("extended",), "recognizers": ("hog-color",)},
    ),
    Switch(name="no face pictures", options=SHIFTS | {"save_faces": False}),
    Switch(name="frame padded to a square", options=SHIFTS, detector={"square": True}, quick=True),
    Switch(name="openvino, f32", options=SHIFTS | OPENVINO),
    Switch(name="openvino, bf16", options=SHIFTS | OPENVINO | BF16, quick=True),
    Switch(name="openvino, bf16, realign, every 5th", options=FAST | OPENVINO | BF16, quick=True),
    Switch(name="keras, bf16", options=SHIFTS | BF16),
    Switch(name="FAN: 3 stacks", options=SHIFTS, aligner={"stacks": 3}),
    Switch(name="FAN: 2 stacks", options=SHIFTS, aligner={"stacks": 2}),
    Switch(name="FAN: 1 stack", options=SHIFTS, aligner={"stacks": 1}),
    Switch(name="FAN: flip", options=SHIFTS, aligner={"flip": True}),
)


def print_switches(ours: Ours, default: Outcome, clock: str, *, quick: bool) -> dict[str, Outcome]:
    """Run and print every switch; the outcomes by name, of those that could be run.

    Args:
        default: shifts, f32 on Keras, a detection in every frame.
        clock: "cpu" or "wall", for the ratios.
    """
    print("FAN's last layers are only fitted to this face, its features random: a trained FAN moves less.")
    print(f"{'switch':<38}{'CPU-s':>10}{'wall s':>10}{'times as fast':>15}   off the known   moved from the default's")
    outcomes = {"default (shifts, f32, every frame)": default}
    _print_row(next(iter(outcomes)), ours, default, default, clock)
    for switch in SWITCHES:
        if quick and not switch.quick:
            continue
        try:
            outcomes[switch.name] = ours.run(detector=switch.detector, aligner=switch.aligner, **switch.options)
        except FsppError as error:
            print(f"  {switch.name:<36} not here: {str(error).splitlines()[0]}", flush=True)
        else:
            _print_row(switch.name, ours, default, outcomes[switch.name], clock)
        extract_stand_ins.forget()
    return outcomes


def in_turn(ours: Ours, name: str) -> Outcome | None:
    """The switch of that name once more, its stages in turn; None for the default."""
    found = [switch for switch in SWITCHES if switch.name == name]
    if not found:
        return None
    [switch] = found
    return ours.run(detector=switch.detector, aligner=switch.aligner, in_turn=True, **switch.options)


def _print_row(name: str, ours: Ours, default: Outcome, outcome: Outcome, clock: str) -> None:
    times = getattr(default.whole, clock) / getattr(outcome.whole, clock)
    cpu, wall = outcome.whole.cpu / ours.frames, outcome.whole.wall / ours.frames
    line = f"  {name:<36}{cpu:10.3f}{wall:10.3f}{times:15.2f}   "
    if np.array_equal(default.frames, outcome.frames):
        sides = (default.boxes[:, 2:] - default.boxes[:, :2]).mean(axis=1)[:, None]
        off = np.linalg.norm(outcome.landmarks - ours.truth[outcome.frames], axis=2) / sides
        moved = np.linalg.norm(outcome.landmarks - default.landmarks, axis=2)
        line += f"{off.mean():13.2%}   {_far(moved, sides)}, {(moved < sides / CELLS).mean():.0%} within a cell"
    else:
        line += f"{len(outcome.frames)} faces instead of {len(default.frames)}"
    print(line, flush=True)


def _far(pixels: Any, sides: Any) -> str:
    """A distance in pixels and in percent of the face."""
    shares = pixels / sides
    return f"mean {pixels.mean():.2f} px ({shares.mean():.2%}), max {pixels.max():.1f} px ({shares.max():.1%})"


def print_agreement(weights: Path, crops: Image) -> None:
    """How often FAN's heat maps have their highest cell where they have it in float32 on Keras."""
    from fspp_align_fan.aligner import FANAligner
    from fspp_align_fan.options import FANOptions

    print("\nheat maps whose highest cell is where keras, f32 has it")
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
