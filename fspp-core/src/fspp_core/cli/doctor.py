"""`fspp doctor`."""

from __future__ import annotations

from dataclasses import asdict

import click

from fspp_core.cli.group import COMMANDS, Command
from fspp_core.cli.state import state_of
from fspp_core.cli.text import as_json

MARKS = {"ok": "  ok     ", "note": "  note   ", "problem": "  PROBLEM"}


@click.command("doctor", cls=Command, help=f"{COMMANDS['doctor']} The exit code is 1 if there is one.")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_context
def command(context: click.Context, json_: bool) -> None:
    """Look at everything, then say what to do."""
    from fspp_core.cli.checkup import examine

    findings = examine(state_of(context))
    problems = [finding for finding in findings if finding.state == "problem"]
    if json_:
        click.echo(as_json([asdict(finding) for finding in findings]))
    else:
        for topic in dict.fromkeys(finding.topic for finding in findings):
            click.echo(f"{topic}:")
            for finding in findings:
                if finding.topic == topic:
                    click.echo(f"{MARKS[finding.state]}  {finding.subject}: {finding.detail}")
                    if finding.remedy:
                        click.echo(f"             -> {finding.remedy}")
        count = "no problem" if not problems else f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        click.echo(f"\n{count} found.")
    context.exit(1 if problems else 0)
