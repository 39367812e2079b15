"""`fspp mask`: add, preview, export, import, copy, remove, info."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import click

from fspp_core.cli.flags import component_values, flags_of, given_options
from fspp_core.cli.group import COMMANDS, Command, CommandGroup
from fspp_core.cli.interrupt import cancel_on_interrupt
from fspp_core.cli.jobs import COMPONENT_OPTIONS, show_report
from fspp_core.cli.progress import shown_progress
from fspp_core.cli.quiet import start_backend
from fspp_core.cli.state import State, state_of
from fspp_core.cli.text import as_json, table
from fspp_core.config import component_faults
from fspp_core.errors import ConfigError
from fspp_core.maskjobs import options as masks
from fspp_core.options import parse_options

_PLACE = "alignments.json, the folder of an extract, or a folder of face crops."
_JSON = click.Option(["--json", "json_"], is_flag=True, help="Print the report as JSON, and only that, to stdout.")
_ALL = click.Option(
    ["--all", "which"],
    flag_value="all",
    help="Make masks for all faces. Those of the same names go first, so that a run that was stopped goes on with "
    "--missing; the backup keeps them.",
)
_MISSING = click.Option(
    ["--missing", "which"], flag_value="missing", help="Make masks for faces that have none of the name (default)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One sub-command: what it calls, with `places` in order, then the options."""

    function: str
    options: type[Any]
    places: Mapping[str, str]
    summary: str
    components: bool = False


_JOBS = {
    "add": _Job(
        function="fspp_core.maskjobs:add_masks",
        options=masks.AddOptions,
        places={"place": f"{_PLACE} For alignments most maskers need --media; face crops are looked at themselves."},
        summary="Make masks for faces that were extracted before.",
        components=True,
    ),
    "preview": _Job(
        function="fspp_core.maskjobs:preview_masks",
        options=masks.PreviewOptions,
        places={"place": _PLACE, "output": "A picture for faces; for frames a folder, a picture or a video."},
        summary="Show masks on faces or frames, in pictures or video.",
    ),
    "export": _Job(
        function="fspp_core.maskjobs:export_masks",
        options=masks.ExportOptions,
        places={"place": _PLACE, "output": "Folder for the pictures, FRAME_NUMBER.png each."},
        summary="Write masks as grey PNG pictures, to paint elsewhere.",
    ),
    "import": _Job(
        function="fspp_core.maskjobs:import_masks",
        options=masks.ImportOptions,
        places={"place": _PLACE, "pictures": "Folder of grey pictures, called as export calls them."},
        summary="Store painted pictures as masks of faces.",
    ),
    "copy": _Job(
        function="fspp_core.maskjobs:copy_masks",
        options=masks.CopyOptions,
        places={"source": f"Where masks are: {_PLACE} A backup, too.", "place": f"What gets them: {_PLACE}"},
        summary="Copy masks to the same faces in other files.",
    ),
    "remove": _Job(
        function="fspp_core.maskjobs:remove_masks",
        options=masks.RemoveOptions,
        places={"place": _PLACE},
        summary="Remove masks by name, after a backup.",
    ),
}


@click.group("mask", cls=CommandGroup, help=COMMANDS["mask"])
def command() -> None:
    """Everything about stored masks."""


def _sub_command(name: str, job: _Job) -> Command:
    params: list[click.Parameter] = [
        click.Argument([place], type=click.Path(path_type=Path), metavar=place.upper()) for place in job.places
    ]
    params += [_ALL if flag.name == "which" else flag for flag in flags_of(job.options)]
    params += [_MISSING] if _ALL in params else []
    if job.components:
        help_ = "An option of a masker, such as components.size=128; see fspp plugins show NAME. May be given often."
        params.append(click.Option(["-o", COMPONENT_OPTIONS], multiple=True, metavar="COMPONENT.KEY=VALUE", help=help_))
    return Command(
        name, params=[*params, _JSON], callback=lambda **_: _run(job), help=job.summary, arguments=job.places
    )


def _run(job: _Job) -> None:
    context = click.get_current_context()
    options = parse_options(job.options, given_options(context, job.options), where="--")
    function = resolve_name(job.function)
    more: dict[str, Any] = {}
    if job.components:
        state = state_of(context)
        more = {"components": _components(context, state), "registry": state.registry}
        start_backend()
    places = [context.params[place] for place in job.places]
    with cancel_on_interrupt() as cancel, shown_progress() as progress:
        if "progress" in inspect.signature(function).parameters:
            more |= {"progress": progress, "cancel": cancel}
        report = function(*places, options, **more)
    show_report(report.to_dict(), context.params["json_"])


def _components(context: click.Context, state: State) -> dict[str, dict[str, Any]]:
    """Options of components by the command line over the project file."""
    given, faults = component_values(context.params[COMPONENT_OPTIONS], state.registry)
    filed = state.project.table("components")
    faults += component_faults(filed, state.registry, f"{state.project.label}: components.")
    faults += component_faults(given, state.registry, "-o ")
    if faults:
        raise ConfigError("\n".join(faults))
    return {name: {**filed.get(name, {}), **given.get(name, {})} for name in (*filed, *given)}


for _name, _job in _JOBS.items():
    command.add_command(_sub_command(_name, _job))


@command.command(
    "info",
    help="List which frames have which masks. Ranges run over the frames that have faces.",
    arguments={"place": _PLACE},
)
@click.argument("place", type=click.Path(path_type=Path), metavar="PLACE")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
def info(place: Path, json_: bool) -> None:
    """One row a mask."""
    from fspp_core.maskjobs import masks_info

    found = masks_info(place)
    if json_:
        click.echo(as_json(found))
        return
    click.echo(f"{found['place']}: {found['faces']} faces in {found['frames']} frames")
    rows = [
        (name, m["faces"], ", ".join(m["sizes"]), m["frames"] or "none", m["partly"] or "none", m["missing"] or "none")
        for name, m in found["masks"].items()
    ]
    headings = ("MASK", "FACES", "SIZES", "FRAMES", "PARTLY", "MISSING")
    click.echo(table(headings, rows) if rows else "No face has a mask.")
