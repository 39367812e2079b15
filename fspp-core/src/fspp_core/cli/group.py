"""The command's skeleton: sub-commands imported when called for, options common to all, help in sections."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any, cast

import click

from fspp_core.cli.state import COMMON, state_of
from fspp_core.errors import PluginError

COMMANDS: dict[str, str] = {
    "demo": "Watch one portrait's face move onto another: no download, no GPU, a few minutes.",
    "extract": "Find the faces in footage: face crops and alignments.json.",
    "train": "Train a model to put the source's face into the target's footage.",
    "convert": "Put the source's face into footage with a trained model.",
    "mask": "Add, preview, export, import, copy or remove masks of faces.",
    "plugins": "List plugins, look into one, check one, or start a new one.",
    "weights": "List, fetch, import or check the pretrained weights that components need.",
    "config": "Show, check or describe the project file.",
    "doctor": "Check this installation, and say what to do about each problem.",
}
"""Core's commands, in the order of the help; each is `command` in the module of its name."""

ELSEWHERE: dict[str, str] = {"tools": "fspp-tools", "studio": "fspp-studio"}
"""Our own commands that come in other distributions."""

WIDTH = 110
GENERAL = "Options"
SHARED = "Common options"


class _Sections:
    """Help whose options are listed by their `group`, and whose arguments are explained."""

    arguments: Mapping[str, str]

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        own = cast(Any, super()).get_params(ctx)
        helper = [parameter for parameter in own if "--help" in parameter.opts]
        return [*(parameter for parameter in own if parameter not in helper), *COMMON, *helper]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        parameters = cast(Any, self).get_params(ctx)
        for parameter in parameters:
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                shared = parameter in COMMON or "--help" in parameter.opts
                group = getattr(parameter, "group", "") or GENERAL
                title = SHARED if shared else group[:1].upper() + group[1:]
                sections.setdefault(title, []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records, col_max=34)
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        cast(Any, super()).format_help_text(ctx, formatter)
        if getattr(self, "arguments", None):
            with formatter.section("Arguments"):
                formatter.write_dl([(name.upper(), text) for name, text in self.arguments.items()])


class Command(_Sections, click.Command):
    """A command of fspp.

    Args:
        arguments: explanations of its arguments, by name.
    """

    def __init__(self, *args: Any, arguments: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.arguments = arguments or {}


class CommandGroup(_Sections, click.Group):
    """A command of fspp that has sub-commands."""

    command_class = Command
    arguments = {}  # noqa: RUF012 - a group has none


class FsppGroup(CommandGroup):
    """The root: core's commands without importing them, then those that plugins add."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("context_settings", {"max_content_width": WIDTH, "help_option_names": ["-h", "--help"]})
        super().__init__(*args, **kwargs)
        self._owners: dict[str, str] = dict.fromkeys(COMMANDS, "fspp-core")
        self._adding: str | None = None

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command; a name that is taken is refused, so that no plugin replaces another's command.

        Raises:
            PluginError: naming whose the command is.
        """
        key = name or cmd.name or ""
        if key in self._owners:
            raise PluginError(f"the command {key!r} is already there, from {self._owners[key]}")
        super().add_command(cmd, name)
        self._owners[key] = self._adding or "fspp-core"

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of core's commands, then of those that plugins add."""
        self._add_plugin_commands(ctx)
        return [*COMMANDS, *sorted(self.commands)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name; plugins are loaded only for a name that is not core's."""
        if cmd_name in COMMANDS:
            return cast(click.Command, import_module(f"fspp_core.cli.{cmd_name}").command)
        self._add_plugin_commands(ctx)
        return self.commands.get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command the next word names; an unknown one gets the line that installs it, or the name that is near."""
        name = args[0]
        command = self.get_command(ctx, name)
        if command is None and not name.startswith("-"):
            raise click.UsageError(self._unknown(name), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List core's commands without importing them, and those of plugins by whose they are."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
        self._add_plugin_commands(ctx)
        added = [(name, command.get_short_help_str(WIDTH)) for name, command in sorted(self.commands.items())]
        if added:
            with formatter.section("Commands of plugins"):
                formatter.write_dl(added)

    def _unknown(self, name: str) -> str:
        if name in ELSEWHERE:
            from fspp_core.registry import install_line

            return f"the command {name!r} is not installed: {install_line(ELSEWHERE[name])}"
        near = get_close_matches(name, [*COMMANDS, *self.commands, *ELSEWHERE], n=1)
        return f"there is no command {name!r}" + (f"; did you mean {near[0]!r}?" if near else "; see fspp --help")

    def _add_plugin_commands(self, ctx: click.Context) -> None:
        """Let plugins add their commands, once; one that cannot is recorded as broken and the others go on."""
        if self._adding is not None:
            return
        registry = state_of(ctx).registry
        for plugin in registry.plugins:
            self._adding = str(plugin.owner)
            commands, owners = dict(self.commands), dict(self._owners)
            try:
                registry.ask(plugin, "fspp_register_commands", cli=self)
            except PluginError:
                self.commands, self._owners = commands, owners
