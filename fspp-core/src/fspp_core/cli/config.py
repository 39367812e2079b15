"""`fspp config`: show, validate, schema."""

from __future__ import annotations

import click

from fspp_core.cli.group import COMMANDS, CommandGroup
from fspp_core.cli.jobs import job_command, settle_here
from fspp_core.cli.state import state_of
from fspp_core.cli.text import as_json, table
from fspp_core.errors import ConfigError
from fspp_core.jobs import JOBS


@click.group("config", cls=CommandGroup, help=COMMANDS["config"])
def command() -> None:
    """Everything about settings."""


@command.command(
    "show",
    help="Show every setting and where it is from: default, project file or command line. With a JOB, the words after "
    "it are read as that command would read them: fspp config show extract clip.mp4 --every 2",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.argument("job", type=click.Choice(list(JOBS)), required=False)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[ARGUMENTS]...")
@click.pass_context
def show(context: click.Context, json_: bool, job: str | None, words: tuple[str, ...]) -> None:
    """One row a setting."""
    settings = []
    for name in [job] if job else list(JOBS):
        with job_command(name).make_context(name, list(words), parent=context) as inner:
            settings += settle_here(inner, name).settings
    unique = {setting.path: setting for setting in settings}.values()
    if json_:
        click.echo(as_json([{"path": s.path, "value": s.value, "origin": s.origin} for s in unique]))
    else:
        click.echo(table(("SETTING", "FROM", "VALUE"), [(s.path, s.origin, _toml(s.value)) for s in unique]))


@command.command("validate", help="Check the project file; every fault is listed with its path.")
@click.pass_context
def validate(context: click.Context) -> None:
    """Exit code 2 when something is wrong."""
    from fspp_core.config import PROJECT_FILE, project_faults

    state = state_of(context)
    project = state.project
    if project.file is None:
        raise ConfigError(f"there is no {PROJECT_FILE} in the current folder; name one with --config FILE.toml")
    faults = project_faults(project, state.registry)
    if faults:
        raise ConfigError("\n".join(faults))
    click.echo(f"{project.file}: valid")


@command.command("schema", help="Print the JSON Schema of the project file, with the installed components' options.")
@click.pass_context
def schema(context: click.Context) -> None:
    """For editors that check and complete TOML."""
    from fspp_core.config import project_schema

    click.echo(as_json(project_schema(state_of(context).registry)))


def _toml(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return as_json(value)
