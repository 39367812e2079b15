"""`fspp demo`."""

from __future__ import annotations

from pathlib import Path

import click

from fspp_core.cli.group import COMMANDS, Command
from fspp_core.cli.interrupt import cancel_on_interrupt
from fspp_core.cli.progress import shown_progress
from fspp_core.cli.quiet import start_backend
from fspp_core.cli.state import state_of
from fspp_core.cli.text import as_json

HELP = f"""{COMMANDS["demo"]}

Two public-domain portraits are animated into clips; then the same extract, train and convert that footage of your own
would go through put the one's face into the other's clip. Running it again goes on where it stopped."""


@click.command(
    "demo", cls=Command, help=HELP, arguments={"output": "Folder for everything it makes (default fspp-demo)."}
)
@click.argument("output", type=click.Path(path_type=Path), default=Path("fspp-demo"), required=False)
@click.option("--json", "json_", is_flag=True, help="Print nothing but the report, as JSON, to stdout.")
@click.pass_context
def command(context: click.Context, output: Path, json_: bool) -> None:
    """Run the demo, then say what was made, how long it took, and how to do each step by hand."""
    start_backend()
    from fspp_core.demo import run_demo

    with cancel_on_interrupt() as cancel, shown_progress() as progress:
        report = run_demo(output, progress=progress, cancel=cancel, registry=state_of(context).registry)
    facts = report.to_dict()
    if json_:
        click.echo(as_json(facts))
        return
    lines = ["", "Made:", *(f"  {name:<14} {path}" for name, path in facts["made"].items())]
    lines += ["", "Seconds:", *(f"  {stage:<18} {seconds:7.1f}" for stage, seconds in facts["seconds"].items())]
    lines += [
        "",
        "Mean CIELAB distance of the swapped face: {to_source:.1f} to the source's face in the frame's colours, "
        "{to_target:.1f} to the original target face.".format(**facts["distances"]),
    ]
    lines += ["", "Each step by hand:", *(f"  {line}" for line in facts["commands"])]
    click.echo("\n".join(lines))
