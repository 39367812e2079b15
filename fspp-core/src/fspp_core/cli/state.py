"""What the options before or after any command leave for it: plugin files, project file, and what comes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fspp_core.cli.log import LEVELS, set_level

if TYPE_CHECKING:
    from fspp_core.config import Project
    from fspp_core.registry import Registry


@dataclass(slots=True)
class State:
    """One run of the command line."""

    plugin_files: list[Path] = field(default_factory=list)
    config: Path | None = None

    @property
    def registry(self) -> Registry:
        """Everything installed, and the plugin files given."""
        from fspp_core.registry import load_registry

        return load_registry(plugin_files=tuple(self.plugin_files))

    @property
    def project(self) -> Project:
        """The project file given, or the one in the current folder."""
        from fspp_core.config import read_project

        return read_project(self.config)


def state_of(context: click.Context) -> State:
    """The state all commands of this run share."""
    return context.find_root().ensure_object(State)


def _add_plugins(context: click.Context, _parameter: click.Parameter, values: tuple[Path, ...]) -> None:
    state_of(context).plugin_files += values


def _set_config(context: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        state_of(context).config = value


def _set_level(_context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        set_level(value)


def _verbose(_context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        set_level("debug")


_COMMON: dict[str, Any] = {"expose_value": False, "is_eager": True}  # eager: --help lists what plugin files add

COMMON: tuple[click.Option, ...] = (
    click.Option(
        ["--plugin"],
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="FILE.py",
        callback=_add_plugins,
        help="Load a single Python file as a plugin. May be given several times.",
        **_COMMON,
    ),
    click.Option(
        ["--config"],
        type=click.Path(path_type=Path),
        metavar="FILE.toml",
        callback=_set_config,
        help="Project file to use; by default fspp.toml in the current folder, if it is there.",
        **_COMMON,
    ),
    click.Option(
        ["--log-level"],
        type=click.Choice(LEVELS),
        callback=_set_level,
        help="Least important messages to show (default info).",
        **_COMMON,
    ),
    click.Option(
        ["-v", "--verbose"],
        is_flag=True,
        callback=_verbose,
        help="Show everything, with the traceback of an error: --log-level debug.",
        **_COMMON,
    ),
)
"""Options that may stand before or after any command's name."""
