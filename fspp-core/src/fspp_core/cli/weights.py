"""`fspp weights`: list, fetch, import, verify, where."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fspp_core.cli.group import COMMANDS, CommandGroup
from fspp_core.cli.state import state_of
from fspp_core.cli.text import as_json, table
from fspp_core.errors import ConfigError, WeightsError
from fspp_core.specs import KINDS

if TYPE_CHECKING:
    from fspp_core.specs import WeightFile
    from fspp_core.weights import Wanted, WeightStore

_JSON = click.option("--json", "json_", is_flag=True, help="Print JSON.")
_NAMES = click.argument("names", nargs=-1, metavar="[NAME]...")


@click.group(
    "weights",
    cls=CommandGroup,
    help=f"{COMMANDS['weights']} A NAME is that of weights, or of a component that needs them.",
)
def command() -> None:
    """Everything about pretrained weights."""


@command.command("list", help="List the weights that installed components need, and whether they are there.")
@_JSON
@click.pass_context
def list_(context: click.Context, json_: bool) -> None:
    """One row a file."""
    store = _store()
    rows = [
        {
            **asdict(wanted.file),
            "components": list(wanted.components),
            "present": store.has(wanted.file.name),
            "path": str(store.path(wanted.file.name)),
        }
        for wanted in _known(context).values()
    ]
    if json_:
        click.echo(as_json(rows))
    elif not rows:
        click.echo("No installed component needs weights that have to be fetched.")
    else:
        headings = ("NAME", "STATE", "BYTES", "FOR", "LICENCE", "SOURCE")
        cells = [
            (
                row["name"],
                "present" if row["present"] else "missing",
                row["size"] or "?",
                ", ".join(row["components"]),
                row["licence"],
                row["source"],
            )
            for row in rows
        ]
        click.echo(table(headings, cells))


@command.command("fetch", help="Download weights, check them, and keep them. What is there already is left alone.")
@_NAMES
@click.option("--all", "all_", is_flag=True, help="Those of all installed components.")
@click.option("--offline", is_flag=True, help="Fail rather than use the network, as FSPP_OFFLINE=1 does.")
@click.option("--force", is_flag=True, help="Download again what is there.")
@click.pass_context
def fetch(context: click.Context, names: tuple[str, ...], all_: bool, offline: bool, force: bool) -> None:
    """One line a file; the first that cannot be had does not keep the others from being fetched."""
    from fspp_core.cli.interrupt import cancel_on_interrupt
    from fspp_core.cli.progress import shown_progress
    from fspp_core.weights import fetch as fetch_weights

    store, faults = _store(), []
    with cancel_on_interrupt() as cancel, shown_progress() as progress:
        for file in _chosen(context, names, all_):
            try:
                fetch_weights(file, store, offline=offline, force=force, progress=progress, cancel=cancel)
            except WeightsError as error:
                faults.append(str(error))
            else:
                click.echo(f"{file.name}: {store.path(file.name)} (licence: {file.licence})")
    if faults:
        raise WeightsError("\n".join(faults))


@command.command(
    "import",
    help="Keep the weights in FILE: Keras .h5, torch .pth, a TorchScript archive, DeepFaceLab's .npy, safetensors, or "
    "a zip with one of these. Nothing in the file is run.",
)
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--as", "name", metavar="NAME", help="What the file is, when its digest and name do not tell.")
@click.pass_context
def import_(context: click.Context, path: Path, name: str | None) -> None:
    """Read, convert, write, and say what became of it."""
    from fspp_core.weights import import_weights
    from fspp_core.weights.importing import digest_of
    from fspp_core.weights.wanted import recognised

    known, store = _known(context), _store()
    sha256 = digest_of(path)
    if name is not None:
        files = _chosen(context, (name,), False)
        file = files[0] if len(files) == 1 else recognised({f.name: known[f.name] for f in files}, path, sha256)
    else:
        file = recognised(known, path, sha256)
    if file is None:
        listed = ", ".join(known) or "none, as no installed component needs any"
        raise ConfigError(f"{path}: neither digest nor name tells which weights it is; say --as NAME, one of: {listed}")
    record = import_weights(path, file, store)
    edition = "as published" if record.as_published else "another edition than the one named in the plugin"
    edition = edition if file.sha256 else "whose digest nobody has stated"
    click.echo(f"{file.name}: {record.tensors} tensors from {record.published_format}, {edition}")
    click.echo(f"kept at {store.path(file.name)} (licence: {file.licence})")


@command.command("verify", help="Check stored weights to the last byte: those named, or all that are there.")
@_NAMES
@click.pass_context
def verify(context: click.Context, names: tuple[str, ...]) -> None:
    """One line a file; exit code 1 if one is damaged, or named and missing."""
    store, faults = _store(), []
    for file in _chosen(context, names, not names):
        if not names and not store.has(file.name):
            click.echo(f"{file.name}: missing")
            continue
        try:
            record = store.verify(file)
        except WeightsError as error:
            faults.append(str(error))
        else:
            click.echo(f"{file.name}: whole, SHA-256 {record.sha256}")
    if faults:
        raise WeightsError("\n".join(faults))


@command.command(
    "where", help="Print the folder of the weights, which FSPP_WEIGHTS_DIR moves, or the file of each NAME."
)
@_NAMES
@click.pass_context
def where(context: click.Context, names: tuple[str, ...]) -> None:
    """Nothing but paths, for scripts."""
    store = _store()
    for path in [store.path(file.name) for file in _chosen(context, names, False)] if names else [store.folder]:
        click.echo(path)


def _store() -> WeightStore:
    from fspp_core.weights import WeightStore

    return WeightStore()


def _known(context: click.Context) -> dict[str, Wanted]:
    from fspp_core.weights import catalogue

    registry = state_of(context).registry
    return catalogue(spec for kind in KINDS for spec in registry.specs(kind))


def _chosen(context: click.Context, names: tuple[str, ...], all_: bool) -> list[WeightFile]:
    from fspp_core.weights.wanted import chosen

    known: dict[str, Any] = _known(context)
    if not names and not all_:
        raise click.UsageError("name weights or components, or say --all; fspp weights list shows them", context)
    return chosen(known, names or known)
