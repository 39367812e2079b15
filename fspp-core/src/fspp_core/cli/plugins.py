"""`fspp plugins`: list, show, why, check, new."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fspp_core.cli.flags import limits, type_name
from fspp_core.cli.group import COMMANDS, CommandGroup
from fspp_core.cli.state import state_of
from fspp_core.cli.text import as_json, table
from fspp_core.errors import PluginError
from fspp_core.specs import KINDS, ComponentSpec

if TYPE_CHECKING:
    from fspp_core.plugins import BrokenPlugin
    from fspp_core.registry import Registry

_JSON = click.option("--json", "json_", is_flag=True, help="Print JSON.")


@click.group(
    "plugins",
    cls=CommandGroup,
    invoke_without_command=True,
    help=f"{COMMANDS['plugins']} Alone it lists; the exit code is 1 if a plugin is broken.",
)
@_JSON
@click.pass_context
def command(context: click.Context, json_: bool) -> None:
    """List when no sub-command follows."""
    if context.invoked_subcommand is None:
        context.invoke(list_, json_=json_)


@command.command("list", help="List components and plugins with their state.")
@_JSON
@click.pass_context
def list_(context: click.Context, json_: bool) -> None:
    """One row a component, then one a plugin that is broken or left out."""
    registry = state_of(context).registry
    rows = [_component_row(registry, spec) for kind in KINDS for spec in registry.specs(kind)]
    rows += [_row(None, b.entry_point, b.distribution, b.version, "broken", error=b.reason) for b in registry.broken]
    rows += [
        _row(None, name, owner.distribution, owner.version, "left out", error="not named in FSPP_PLUGINS")
        for name, owner in registry.left_out.items()
    ]
    if json_:
        click.echo(as_json(rows))
    else:
        headings = ("KIND", "NAME", "DISTRIBUTION", "VERSION", "STATE")
        click.echo(table(headings, [_cells(row) for row in rows]))
        if registry.broken:
            click.echo(f"\nMore about one: fspp plugins why {registry.broken[0].entry_point}")
    context.exit(1 if registry.broken else 0)


@command.command("show", help="Show what a component is, its options, presets and weights.")
@click.argument("name")
@_JSON
@click.pass_context
def show(context: click.Context, name: str, json_: bool) -> None:
    """Everything the spec says."""
    registry = state_of(context).registry
    found = [_described(registry, spec) for spec in registry.named(name)]
    click.echo(as_json(found) if json_ else "\n\n".join(_page(entry) for entry in found))


@command.command("why", help="Say why a plugin is broken: NAME is its entry point, its distribution or a component.")
@click.argument("name")
@click.pass_context
def why(context: click.Context, name: str) -> None:
    """The error with its traceback, and what to do; exit code 1 if there is one."""
    registry = state_of(context).registry
    records = [b for b in registry.broken if name in (b.entry_point, b.distribution)]
    if not records:
        try:
            owners = {registry.owner(spec.kind, spec.name) for spec in registry.named(name)}
        except PluginError as error:
            owners = {p.owner for p in registry.plugins if name in (p.entry_point, p.owner.distribution)}
            records = [b for b in registry.broken if b.error is error.__cause__]
            if not owners and not records:
                raise
        if not records:
            click.echo(f"{name} works: it comes from {' and '.join(map(str, sorted(owners, key=str)))}.")
            return
    click.echo("\n\n".join(_diagnosis(record) for record in records))
    context.exit(1)


@command.command("check", help="Run the conformance kit on the components of a distribution, or on all of them.")
@click.argument("dist", required=False)
@_JSON
@click.pass_context
def check(context: click.Context, dist: str | None, json_: bool) -> None:
    """One line a component, with the checks that failed; exit code 1 if any did."""
    from dataclasses import asdict

    from fspp_core.testing import run_checks

    state = state_of(context)
    results = run_checks(state.registry, dist, plugin_files=state.plugin_files)
    failed = [result for result in results if result.outcome == "failed"]
    if json_:
        click.echo(as_json([asdict(result) for result in results]))
    else:
        for title in dict.fromkeys((r.distribution, r.kind or "plugin", r.component) for r in results):
            mine = [r for r in results if (r.distribution, r.kind or "plugin", r.component) == title]
            counts = {o: sum(r.outcome == o for r in mine) for o in ("passed", "failed", "skipped")}
            said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
            click.echo(f"{title[0]}: {title[1]} {title[2]}: {said}")
            for result in mine:
                if result.outcome != "passed":
                    click.echo(f"  {result.outcome} {result.check}: {result.message}")
    context.exit(1 if failed else 0)


@command.command("new", help="Write a new plugin distribution: installable, and its tests pass as it stands.")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder to write the distribution's folder into (default: the current one).",
)
def new(kind: Any, name: str, into: Path) -> None:
    """Write it, and say what to do next."""
    from fspp_core.cli.scaffold import write_distribution

    folder = write_distribution(kind, name, into)
    click.echo(f"Wrote {folder}. Next:\n  python -m pip install -e {folder}\n  python -m pytest {folder}")


def _row(kind: str | None, name: str, distribution: str, version: str, state: str, **more: str) -> dict[str, Any]:
    return {"kind": kind, "name": name, "distribution": distribution, "version": version, "state": state, **more}


def _cells(row: dict[str, Any]) -> list[str]:
    state = f"{row['state']}: {' '.join(row['error'].split())}" if "error" in row else row["state"]
    return [row["kind"] or "-", row["name"], row["distribution"], row["version"], state]


def _component_row(registry: Registry, spec: ComponentSpec) -> dict[str, Any]:
    owner = registry.owner(spec.kind, spec.name)
    return _row(spec.kind, spec.name, owner.distribution, owner.version, "ok", summary=spec.summary)


def _described(registry: Registry, spec: ComponentSpec) -> dict[str, Any]:
    from dataclasses import asdict

    from fspp_core.weights import WeightStore
    from fspp_core.weights.store import how

    store = WeightStore()
    weights = [(weight, store.has(weight.name)) for weight in spec.weights]
    return {
        **_component_row(registry, spec),
        "licence": spec.licence,
        "factory": spec.factory,
        "presets": registry.presets(spec.kind, spec.name),
        "weights": [{**asdict(w), "present": here, "remedy": None if here else how(w)} for w, here in weights],
        "options_schema": spec.options_schema,
    }


def _page(entry: dict[str, Any]) -> str:
    facts = [
        ("kind", entry["kind"]),
        ("from", f"{entry['distribution']} {entry['version']}"),
        ("licence", entry["licence"]),
        ("class", entry["factory"]),
        ("presets", ", ".join(entry["presets"]) or "none"),
    ]
    lines = [f"{entry['name']}: {entry['summary']}", "", *(f"  {key:<8} {value}" for key, value in facts)]
    rows = [
        (key, type_name(schema), limits(schema), schema["description"] + (" Fixed." if schema["x-fixed"] else ""))
        for key, schema in entry["options_schema"]["properties"].items()
    ]
    lines += ["", table(("OPTION", "TYPE", "VALUES", "MEANING"), rows) if rows else "It has no options."]
    if any(schema["x-fixed"] for schema in entry["options_schema"]["properties"].values()):
        lines += ["", "Fixed options cannot change once a model has been created with them."]
    weights = [
        (w["name"], "present" if w["present"] else "missing", w["size"] or "?", w["licence"], w["source"])
        for w in entry["weights"]
    ]
    headings = ("WEIGHTS", "STATE", "BYTES", "LICENCE", "SOURCE")
    lines += ["", table(headings, weights) if weights else "It needs no weights."]
    missing = [f"{w['name']}: {w['remedy']}" for w in entry["weights"] if not w["present"]]
    return "\n".join([*lines, "", *missing] if missing else lines)


def _diagnosis(record: BrokenPlugin) -> str:
    error = record.error
    lines = [str(record)]
    if not isinstance(error, PluginError):
        lines += ["", "".join(traceback.format_exception(error)).rstrip()]
    return "\n".join([*lines, "", f"What to do: {_remedy(record)}"])


def _remedy(record: BrokenPlugin) -> str:
    error, name = record.error, record.distribution
    if isinstance(error, ModuleNotFoundError) and error.name:
        return (
            f"install what it needs: python -m pip install --force-reinstall {name} brings its declared requirements; "
            f"if {error.name!r} is not among them, tell its author."
        )
    if isinstance(error, PluginError):
        return f"as the message says; or remove the plugin: python -m pip uninstall {name}"
    return f"update it: python -m pip install --upgrade {name}; or remove it: python -m pip uninstall {name}"
