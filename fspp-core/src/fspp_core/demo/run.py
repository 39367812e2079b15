"""Run the demo: make two clips, then extract, train and convert them as a user would; every stage resumes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fspp_core.conversion import ConvertOptions, convert
from fspp_core.demo.animate import animate, tone
from fspp_core.demo.figures import Distances, measure
from fspp_core.demo.portraits import ASTRONAUT, HOPPER, Portrait, load
from fspp_core.extraction import ExtractOptions, extract
from fspp_core.files import atomic_write
from fspp_core.media import open_media, write_image
from fspp_core.media.clip import write_clip
from fspp_core.progress import CancelFlag, Progress, ProgressEvent, Timings, check, ignore
from fspp_core.registry import Registry, load_registry
from fspp_core.sheet import Row, contact_sheet
from fspp_core.training import TrainOptions, train

if TYPE_CHECKING:
    from fspp_core.types import Image

DEMO_TRAINING = TrainOptions(
    preset="demo",
    steps=1500,
    batch_size=8,
    learning_rate=5e-4,
    scheduler="cosine",
    warp=0.6,
    transform=0.5,
    flip=0.0,
    color=0.3,
    clahe=0.0,
    save_every=300,
    preview_every=300,
)
"""Two faces under little change need little augmentation, and a small network stands a high learning rate."""
RATE = Fraction(24)
SHEET_COLUMNS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSettings:
    """How much the demo does; the defaults take a few minutes on two cores.

    Attributes:
        frames: length of each clip, at 24 a second.
        size: side of the square clips in pixels.
        extract: how faces are found.
        train: how the model learns.
        convert: how the swap is made.
    """

    frames: int = 72
    size: int = 384
    extract: ExtractOptions = field(default_factory=lambda: ExtractOptions(size=192, max_faces=1))
    train: TrainOptions = field(default_factory=lambda: DEMO_TRAINING)
    convert: ConvertOptions = field(default_factory=lambda: ConvertOptions(color="rct", erode=3.0, overwrite=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    """What the demo left behind.

    Attributes:
        made: files and folders by what they are, in the order they were made.
        seconds: time each stage took in this run.
        distances: how near the swapped faces are to either identity, in CIELAB units.
        commands: the lines that do each stage by hand.
    """

    made: dict[str, Path]
    seconds: dict[str, float]
    distances: Distances
    commands: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready content."""
        return {
            "made": {name: str(path) for name, path in self.made.items()},
            "seconds": {stage: round(value, 2) for stage, value in self.seconds.items()},
            "distances": asdict(self.distances),
            "commands": list(self.commands),
        }


def run_demo(
    output: Path,
    settings: DemoSettings | None = None,
    *,
    progress: Progress = ignore,
    cancel: CancelFlag | None = None,
    registry: Registry | None = None,
) -> DemoReport:
    """Put the historical portrait's face into the astronaut's clip, calling only what users call.

    Args:
        output: folder for everything that is made; what an earlier, stopped run left there is used.
        settings: how much to do.

    Raises:
        FsppError: from any stage, naming what went wrong.
        Cancelled: when `cancel` is set; running again goes on.
    """
    settings = settings or DemoSettings()
    registry = registry or load_registry()
    output.mkdir(parents=True, exist_ok=True)
    made = {
        "target clip": output / "target.mp4",
        "source clip": output / "source.mp4",
        "target faces": output / "target",
        "source faces": output / "source",
        "model": output / "model",
        "swapped clip": output / "swapped.mp4",
        "contact sheet": output / "sheet.png",
    }
    timings = Timings()
    common: dict[str, Any] = {"registry": registry, "progress": progress, "cancel": cancel}
    with timings.measure("make clips"):
        _make_clip(ASTRONAUT, made["target clip"], settings, (0.0, 220.0), progress, cancel)
        _make_clip(HOPPER, made["source clip"], settings, (0.3, 330.0), progress, cancel)
    with timings.measure("extract"):
        extract(made["target clip"], made["target faces"], settings.extract, **common)
        extract(made["source clip"], made["source faces"], settings.extract, **common)
    with timings.measure("train"):
        train(made["source faces"], made["target faces"], made["model"], settings.train, **common)
    with timings.measure("convert"):
        convert(
            made["target clip"], made["target faces"], made["model"], made["swapped clip"], settings.convert, **common
        )
    with timings.measure("measure and draw"):
        distances = measure(
            target_clip=made["target clip"],
            swapped_clip=made["swapped clip"],
            target_faces=made["target faces"],
            source_faces=made["source faces"],
            model_dir=made["model"],
            color=settings.convert.color,
            registry=registry,
        )
        write_image(made["contact sheet"], _sheet(made, distances, settings.frames))
    report = DemoReport(made=made, seconds=timings.seconds, distances=distances, commands=_commands(made, settings))
    atomic_write(output / "demo.json", json.dumps(report.to_dict(), indent=2) + "\n")
    return report


def _make_clip(
    portrait: Portrait,
    path: Path,
    settings: DemoSettings,
    phase_and_pitch: tuple[float, float],
    progress: Progress,
    cancel: CancelFlag | None,
) -> None:
    if path.exists():
        return
    phase, pitch_hz = phase_and_pitch
    frames = animate(portrait, load(portrait), frames=settings.frames, size=settings.size, phase=phase)

    def watched() -> Iterator[Image]:
        for number, image in enumerate(frames, 1):
            check(cancel)
            yield image
            progress(ProgressEvent(stage=f"animate {portrait.who}", done=number, total=settings.frames, unit="frame"))

    write_clip(path, watched(), rate=RATE, sound=tone(float(settings.frames / RATE), pitch_hz))


def _sheet(made: dict[str, Path], distances: Distances, frames: int) -> Image:
    chosen = [round(n * (frames - 1) / (SHEET_COLUMNS - 1)) for n in range(SHEET_COLUMNS)]

    def row(label: str, clip: str) -> Row:
        with open_media(made[clip]) as reader:
            return Row(label, [reader.frame(index).bgr8 for index in chosen])

    return contact_sheet(
        [
            row(f"target: {ASTRONAUT.who}", "target clip"),
            row(f"swapped: {HOPPER.who}'s face in the same frames", "swapped clip"),
            row(f"source: {HOPPER.who}", "source clip"),
        ],
        cell=224,
        title="Synthetic: made by fspp demo",
        notes=(
            f"Target: {ASTRONAUT.credit}. Source: {HOPPER.credit}. The portraits were animated by software.",
            f"Mean CIELAB distance inside the face: {distances.to_source:.1f} to the source's face in the frame's "
            f"colours, {distances.to_target:.1f} to the original target face.",
        ),
    )


def _commands(made: dict[str, Path], settings: DemoSettings) -> tuple[str, ...]:
    return (
        f"fspp extract {made['target clip']} {made['target faces']}{_flags(settings.extract)}",
        f"fspp extract {made['source clip']} {made['source faces']}{_flags(settings.extract)}",
        f"fspp train {made['source faces']} {made['target faces']} {made['model']}{_flags(settings.train)}",
        f"fspp convert {made['target clip']} {made['target faces']} {made['model']} {made['swapped clip']}"
        f"{_flags(settings.convert)}",
    )


def _flags(options: Any) -> str:
    """The options that differ from their defaults, as command line flags."""
    changed = [(f.name.replace("_", "-"), getattr(options, f.name)) for f in fields(options)]
    defaults = [f.default for f in fields(options)]
    return "".join(_flag(name, value) for (name, value), usual in zip(changed, defaults, strict=True) if value != usual)


def _flag(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return f" --{name}" if value else f" --no-{name}"
    return f" --{name} {','.join(value) if isinstance(value, tuple) else value}"
