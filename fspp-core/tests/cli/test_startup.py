"""The command starts fast, because it imports nothing that it does not need."""

import json
import os
import time

import pytest

LIMIT_S = 0.3
HEAVY = ("tensorflow", "keras", "cv2", "jax", "torch")
IDLE = ("numpy", "av", "PIL", "jsonschema", "tqdm", "asyncio", "matplotlib", "msgspec")

LISTING = """
import json, sys
from fspp_core.cli import main
code = main({words!r})
print(json.dumps([code, sorted(name for name in sys.modules if "." not in name)]), file=sys.stderr)
"""

LIGHT = [
    ["--help"],
    ["--version"],
    ["plugins"],
    ["plugins", "--json"],
    ["plugins", "list", "--help"],
    ["plugins", "show", "adam"],
    ["plugins", "show", "phaze-a"],
    ["plugins", "why", "core"],
    ["extract", "--help"],
    ["train", "--help"],
    ["convert", "--help"],
    ["demo", "--help"],
    ["doctor", "--help"],
    ["config", "--help"],
]
CHECKING = [["config", "schema"], ["config", "show"], ["train", "--steps", "0"]]


def imported(run_python, tmp_path, words):
    done = run_python("-c", LISTING.format(words=words), cwd=tmp_path)
    code, modules = json.loads(done.stderr.splitlines()[-1])
    return code, set(modules), done


@pytest.mark.parametrize("words", LIGHT, ids=" ".join)
def test_commands_that_only_tell_import_nothing_heavy(run_python, tmp_path, words):
    code, modules, done = imported(run_python, tmp_path, words)
    assert code == 0, done.stderr
    assert not modules & {*HEAVY, *IDLE}


@pytest.mark.parametrize("words", CHECKING, ids=" ".join)
def test_commands_that_check_settings_import_no_network_library(run_python, tmp_path, words):
    _, modules, _ = imported(run_python, tmp_path, words)
    assert not modules & set(HEAVY)


@pytest.mark.parametrize("words", [["--help"], ["plugins"], ["train", "--help"]], ids=" ".join)
def test_starts_in_less_than_the_limit(run_fspp, words):
    """The best of several, in processor seconds where the system tells them, since other work may share the machine."""
    run_fspp(*words)
    assert min(_seconds(run_fspp, words) for _ in range(5)) < LIMIT_S


def _seconds(run_fspp, words):
    before, start = os.times(), time.perf_counter()
    run_fspp(*words)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return used or time.perf_counter() - start
