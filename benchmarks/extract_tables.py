"""The tables of the extract benchmark: stage by stage, in all, how near to the machine's best, and the switches."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from extract_material import checksum, find_faces, make_frames, make_weights, write_known
from extract_rates import matrix_rate, operations
from extract_sides import Ours, deepfacelab, networks_for_free
from extract_switches import in_turn as switch_in_turn
from extract_switches import print_agreement, print_switches
from ratio import Comparison
from stopwatch import NETWORK

from fspp_align_fan.network import fan
from fspp_core import geometry
from fspp_core.media import read_image
from fspp_core.registry import load_registry
from fspp_detect_s3fd.network import s3fd

STAGES = ("decode", "detect", "first pass", "second pass", "crop and save")
LIKE_FOR_LIKE = {"second_pass": "shifts"}
_MANY = 64  # frames without networks


def measure(root: Path, count: int, *, gpu: bool, quick: bool) -> list[Comparison]:
    """Do everything in the folder `root`, print the tables, and give the ratios that matter."""
    clock = "wall" if gpu else "cpu"
    paths = make_frames(root / "frames", count)
    known = find_faces(paths)
    s3fd_tensors, fan_tensors = make_weights(
        root / "weights", read_image(paths[0]), make_frames(root / "examples", 6, period=6, phase=0.07)
    )
    detector, aligner = s3fd(s3fd_tensors), fan(fan_tensors)
    work = {
        "detect": operations(detector, (360, 640, 3)),
        "first pass": operations(aligner, (256, 256, 3)),
        "crop": operations(detector, (128, 128, 3)),
    }
    side = 8192 if gpu else 2048
    rate, rate_cpu = matrix_rate(side)
    print(
        f"{count} frames of 1280x720 with one face; seconds of {'wall' if gpu else 'processor'} unless said otherwise"
    )
    print(f"float32 matrix product, {side}^3: {rate:.0f} GFLOP/s, {rate_cpu:.0f} GFLOP a CPU-second")
    print(
        f"S3FD {work['detect']:.1f} GFLOP at 640x360, {work['crop']:.1f} at 128x128; FAN {work['first pass']:.1f}\n",
        flush=True,
    )
    baseline = deepfacelab(detector, aligner, paths, known, root / "deepfacelab")
    del detector, aligner
    ours = Ours(
        media=root / "frames",
        known=write_known(root / "known.json", known),
        truth=np.array([known[checksum(read_image(path))].landmarks for path in paths]),
        output=root / "fspp",
        registry=load_registry(plugin_files=[Path(__file__).with_name("extract_plugin.py")]),
        frames=count,
        batch=max(1, count // 2) if count < 16 else 8,
    )
    overlapped = ours.run(**LIKE_FOR_LIKE)
    in_turn = ours.run(**LIKE_FOR_LIKE, in_turn=True)
    _print_stages(baseline, in_turn, count, clock)
    _print_whole(baseline, overlapped, in_turn, count, clock)
    _print_bound(ours, baseline, paths, root / "many")
    runs = {"detect": work["detect"], "first pass": work["first pass"], "second pass": 5 * work["first pass"]}
    _print_rates(baseline, in_turn, runs, work["crop"], count, rate, rate_cpu)
    outcomes = print_switches(ours, overlapped, clock, quick=quick)
    if not quick:
        print_agreement(root / "weights" / "2dfan4.safetensors", _upright(paths, known))
    name, fastest = min(outcomes.items(), key=lambda named: getattr(named[1].whole, clock))
    theirs, default, best = (getattr(run.whole, clock) / count for run in (baseline, overlapped, fastest))
    return [
        Comparison("extract a frame, like for like", "sequential", default, theirs, default / theirs, "below 1"),
        Comparison(f"extract a frame, {name}", "sequential", best, theirs, best / theirs, "at most 0.2"),
        _share("what is not network, like for like", in_turn, count, clock),
        _share(f"what is not network, {name}", switch_in_turn(ours, name) or in_turn, count, clock),
    ]


def _share(name: str, outcome: Any, count: int, clock: str) -> Comparison:
    """All but the networks, of everything."""
    whole = float(getattr(outcome.whole, clock)) / count
    beside = whole - float(getattr(outcome.watch.networks, clock)) / count
    return Comparison(name, "all", beside, whole, beside / whole, "at most 0.15")


def _upright(paths: list[Path], known: Any) -> Any:
    """Faces as the second pass sees them, (n, 256, 256, 3)."""
    crops = []
    for path in paths[:8]:
        image = read_image(path)
        points = np.array(known[checksum(image)].landmarks, np.float32)
        crops.append(geometry.warp(image, geometry.crop_matrix(points, "full", 256), 256))
    return np.stack(crops)


def _print_stages(baseline: Any, ours: Any, count: int, clock: str) -> None:
    print("a frame, stage by stage              DeepFaceLab's procedure              fspp, stages in turn")
    print("                                 network      rest      wall      network      rest      wall     ratio")
    for stage in STAGES:
        line = f"  {stage:<28}"
        for outcome in (baseline, ours):
            network, whole = outcome.watch.of(stage, "network"), outcome.watch.of(stage)
            inside, all_of_it = getattr(network, clock), getattr(whole, clock)
            line += f"{inside / count:10.4f}{(all_of_it - inside) / count:10.4f}{whole.wall / count:10.4f}   "
        ratio = getattr(ours.watch.of(stage), clock) / getattr(baseline.watch.of(stage), clock)
        print(f"{line}{ratio:7.2f}")
    line = f"  {'rest':<28}"
    for outcome in (baseline, ours):
        known = [outcome.watch.of(stage) for stage in STAGES]
        rest = getattr(outcome.whole, clock) - sum(getattr(spent, clock) for spent in known)
        wall = outcome.whole.wall - sum(spent.wall for spent in known)
        line += f"{0:10.4f}{rest / count:10.4f}{wall / count:10.4f}   "
    print(line)


def _print_whole(baseline: Any, overlapped: Any, in_turn: Any, count: int, clock: str) -> None:
    print("\na frame in all                        CPU-s    wall s   besides the networks")
    for name, outcome in (
        ("DeepFaceLab's procedure", baseline),
        ("fspp, stages in turn", in_turn),
        ("fspp", overlapped),
    ):
        spent = getattr(outcome.watch.networks, clock) / getattr(outcome.whole, clock)
        share = 1 - spent if outcome.watch.spent else None
        shown = "" if share is None else f"{share:12.1%}"
        print(f"  {name:<30}{outcome.whole.cpu / count:10.3f}{outcome.whole.wall / count:10.3f}{shown}")
    gained = getattr(baseline.whole, clock) / getattr(overlapped.whole, clock)
    print(f"  like for like, fspp is {gained:.2f} times as fast\n", flush=True)


def _print_bound(ours: Ours, baseline: Any, paths: list[Path], folder: Path) -> None:
    """What a graphics card could be fed with at best."""
    folder.mkdir()
    for number in range(_MANY):
        shutil.copyfile(paths[number % len(paths)], folder / f"{number:05d}.png")
    many = replace(ours, media=folder, frames=_MANY, batch=8, truth=None)
    with networks_for_free():
        many.run(**LIKE_FOR_LIKE)
        free = many.run(**LIKE_FOR_LIKE).whole
    spent = baseline.watch
    theirs = sum(part.wall for (_, which), part in spent.spent.items() if which != NETWORK) / len(paths)
    print(
        f"  with networks that take no time: DeepFaceLab's procedure {1 / theirs:.0f} frames/s, "
        f"fspp {_MANY / free.wall:.0f} at {free.cpu / _MANY:.3f} CPU-s each; {os.cpu_count()} cores\n",
        flush=True,
    )


def _print_rates(
    baseline: Any, ours: Any, runs: dict[str, float], crop: float, count: int, rate: float, rate_cpu: float
) -> None:
    print("how near the networks come to the matrix product   GFLOP a CPU-second      GFLOP/s")
    for who, outcome in (("DeepFaceLab's procedure", baseline), ("fspp", ours)):
        for stage, work in runs.items():
            spent = outcome.watch.of(stage, "network")
            done = count * (work + (crop if stage == "second pass" and outcome is baseline else 0))
            print(
                f"  {who:<24}{stage:<22}{done / spent.cpu:8.0f} ({done / spent.cpu / rate_cpu:5.0%})"
                f"{done / spent.wall:14.0f} ({done / spent.wall / rate:5.0%})"
            )
    print(flush=True)
