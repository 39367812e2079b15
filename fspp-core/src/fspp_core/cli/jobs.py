"""The commands that run a pipeline: their flags come from its options, their defaults from the project file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import click

from fspp_core.cli.flags import component_values, flags_of, given_options
from fspp_core.cli.group import Command
from fspp_core.cli.interrupt import cancel_on_interrupt
from fspp_core.cli.progress import shown_progress
from fspp_core.cli.quiet import start_backend
from fspp_core.cli.state import state_of
from fspp_core.cli.text import as_json, brief, profile_lines, report_lines
from fspp_core.errors import FsppError
from fspp_core.jobs import JOBS

COMPONENT_OPTIONS = "component_options"


def job_command(name: str) -> Command:
    """The command of one pipeline."""
    job = JOBS[name]
    places = [
        click.Argument([place], type=click.Path(path_type=Path), required=False, metavar=place.upper())
        for place in job.places
    ]
    component_option = click.Option(
        ["-o", COMPONENT_OPTIONS],
        multiple=True,
        metavar="COMPONENT.KEY=VALUE",
        help="An option of a component, such as mtcnn.min_face=40; see fspp plugins show NAME. May be given often.",
    )
    json_flag = click.Option(
        ["--json", "json_"], is_flag=True, help="Print the report as JSON, and only that, to stdout."
    )
    own = [component_option, json_flag]
    if job.batch:
        first, *_ = job.places
        text = f"Do so for every video and every folder of pictures in the folder {first.upper()}, each by itself."
        own.insert(0, click.Option(["--batch"], is_flag=True, help=text))
    return Command(
        name,
        params=[*places, *flags_of(job.options), *own],
        callback=lambda **_: _run(name),
        help=f"{job.summary}\n\nWhat is not given comes from the table [{name}] of the project file, if there is one.",
        short_help=job.summary,
        arguments=job.places,
    )


def settle_here(context: click.Context, name: str) -> Any:
    """The job's settings by the command line in `context`, the project file and the defaults.

    Raises:
        ConfigError: listing every fault.
    """
    from fspp_core.config import settle

    job, state = JOBS[name], state_of(context)
    values, faults = component_values(context.params[COMPONENT_OPTIONS], state.registry)
    return settle(
        job,
        state.project,
        state.registry,
        places={place: context.params[place] for place in job.places if context.params.get(place) is not None},
        options=given_options(context, job.options),
        components=values,
        faults=faults,
    )


def _run(name: str) -> None:
    from fspp_core.config import require_places

    context = click.get_current_context()
    state = state_of(context)
    settled = settle_here(context, name)
    places = require_places(settled, state.project)
    job, batch = settled.job, context.params.get("batch", False)
    if batch or not job.finished or not resolve_name(job.finished)(*places, settled.options):
        start_backend()
    with cancel_on_interrupt() as cancel, shown_progress() as progress:
        report = (resolve_name(job.batch) if batch else job.run)(
            *places,
            settled.options,
            components=settled.components,
            registry=state.registry,
            progress=progress,
            cancel=cancel,
        )
    facts = report.to_dict()
    if getattr(settled.options, "profile", False):
        for line in profile_lines(facts):
            click.echo(line, err=True)
    show_report(facts, context.params["json_"])
    if failed := facts.get("failed"):
        raise FsppError(
            f"{len(failed)} of {len(facts['items'])} failed: {', '.join(failed)}; the others are done, and the same "
            "command tries again what failed"
        )


def show_report(report: Mapping[str, Any], json_: bool) -> None:
    """Print a job's report to stdout; people know what they asked for."""
    click.echo(as_json(report) if json_ else "\n".join(report_lines(brief(report))))
