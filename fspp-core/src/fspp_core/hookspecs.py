"""The plugin contract: what a plugin may implement. Mostly documentation.

A plugin is a module named by an entry point in the group `fspp.plugins`. It states `FSPP_API = 1`, imports nothing
heavy, and implements any of these hooks with `@hookimpl`. The hooks that describe components return a list of
`ComponentSpec` and are called once after loading; the events are called while a job runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from fspp_core.specs import ComponentSpec

PROJECT = "fspp"
GROUP = "fspp.plugins"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def fspp_detectors() -> list[ComponentSpec]:  # type: ignore[empty-body]
    """Face detectors: `fspp_core.interfaces.Detector`."""


@hookspec
def fspp_aligners() -> list[ComponentSpec]:  # type: ignore[empty-body]
    """68-point landmark finders: `fspp_core.interfaces.Aligner`."""


@hookspec
def fspp_maskers() -> list[ComponentSpec]:  # type: ignore[empty-body]
    """Face masks: `fspp_core.interfaces.Masker`."""


@hookspec
def fspp_models() -> list[ComponentSpec]:  # type: ignore[empty-body]
    """Swapping networks: `fspp_core.interfaces.SwapModel`."""


@hookspec
def fspp_losses() -> list[ComponentSpec]:  # type: ignore[empty-body]
    """Reconstruction losses: `fspp_core.interfaces.Loss`."""


@hookspec
def fspp_schedulers() -> list[ComponentSpec]:  # type: ignore[empty-body]
    """Learning-rate schedules: `fspp_core.interfaces.Schedule`."""


@hookspec
def fspp_recognizers() -> list[ComponentSpec]:  # type: ignore[empty-body]
    """Face embeddings: `fspp_core.interfaces.Recognizer`."""


@hookspec
def fspp_color_transfers() -> list[ComponentSpec]:  # type: ignore[empty-body]
    """Colour transfers from the target frame to the swapped face: `fspp_core.interfaces.ColorTransfer`."""


@hookspec
def fspp_optimizers() -> list[ComponentSpec]:  # type: ignore[empty-body]
    """Optimizers: `fspp_core.interfaces.OptimizerFactory`."""


@hookspec
def fspp_register_commands(cli: click.Group) -> None:
    """Event: the command line is being built. Add commands with `cli.add_command`; import heavy things inside them."""


@hookspec
def fspp_frame_extracted(index: int, faces: int) -> None:
    """Event: a frame's faces are in the journal. `index` is 0-based; `faces` counts the faces kept."""


@hookspec
def fspp_train_step_end(step: int, metrics: Mapping[str, float]) -> None:
    """Event: a training step ended. `step` counts from 1; `metrics` holds the losses and the learning rate."""


@hookspec
def fspp_checkpoint_saved(step: int, path: str) -> None:
    """Event: a checkpoint is complete on disk at folder `path`."""


@hookspec
def fspp_frame_converted(index: int, faces: int) -> None:
    """Event: a frame has been given to the writer. `faces` counts the faces swapped in it, 0 when passed through."""
