"""The `fspp` command: finds the sub-command, and turns errors into a message and an exit code."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from fspp_core import __version__
from fspp_core.cli.group import FsppGroup
from fspp_core.errors import Cancelled, ConfigError, FsppError

LOG = logging.getLogger(__name__)

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

HELP = """Put one person's face into footage of another: extract faces, train a model, convert the footage.

`fspp demo` shows it all on two portraits that come with it. Use it on people who agree, and say that it was used."""

EPILOG = """Exit codes: 0 done; 1 failed, or something found broken; 2 the command line or the project file is wrong;
130 stopped by Ctrl-C, with everything so far kept: the same command goes on from there. The first Ctrl-C stops
properly, the second at once."""


def make_cli() -> FsppGroup:
    """The root of all commands, fresh: plugins add theirs to it when they are looked for."""
    root = FsppGroup("fspp", help=HELP, epilog=EPILOG, no_args_is_help=True)
    return click.version_option(__version__, message="fspp %(version)s")(root)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: words after `fspp`; those of the process when None.

    Returns:
        The exit code.
    """
    from fspp_core.cli.log import start_logging

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow greets its user with several lines otherwise
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a file name must not crash a console with few characters
    start_logging()
    try:
        code: Any = make_cli().main(arguments, prog_name="fspp", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else DONE
    except click.ClickException as error:
        error.show()
        return USAGE if isinstance(error, click.UsageError) else FAILED
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        return INTERRUPTED
    except Cancelled as error:
        click.echo(f"Stopped: {error}", err=True)
        return INTERRUPTED
    except FsppError as error:
        _show(error)
        return USAGE if isinstance(error, ConfigError) else FAILED
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:  # a full disk, a folder that may not be written
        _show(error)
        return FAILED


def _show(error: Exception) -> None:
    lines = [*str(error).splitlines(), *getattr(error, "__notes__", [])]
    click.echo("Error: " + "\n       ".join(lines or [type(error).__name__]), err=True)
    LOG.debug("traceback", exc_info=error)
