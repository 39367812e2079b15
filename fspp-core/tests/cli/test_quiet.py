"""What C++ libraries print while they load is held back, and shown after all when loading fails."""

from __future__ import annotations

from collections.abc import Callable
from subprocess import CompletedProcess


def _code(body: str) -> str:
    return f"import os\nfrom fspp_core.cli.quiet import held_back_stderr\nwith held_back_stderr():\n    {body}\n"


def test_writes_to_the_descriptor_are_held_back(run_python: Callable[..., CompletedProcess[str]]) -> None:
    done = run_python("-c", _code("os.write(2, b'greeting')") + "os.write(2, b'after')")
    assert done.stderr == "after"


def test_a_failure_shows_what_was_held_back(run_python: Callable[..., CompletedProcess[str]]) -> None:
    done = run_python("-c", _code("os.write(2, b'reason'); raise SystemExit(3)"))
    assert done.returncode == 3
    assert done.stderr == "reason"


def test_starting_the_backend_says_nothing(run_python: Callable[..., CompletedProcess[str]]) -> None:
    done = run_python("-c", "from fspp_core.cli.quiet import start_backend; start_backend(); print('started')")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "started", "")
