"""Broken plugins, as really installed distributions: recorded, explained, and fatal only when asked for by name."""

import json
from pathlib import Path

import pytest

GOOD = """
from fspp_core.hookspecs import hookimpl
from fspp_core.specs import ComponentSpec

FSPP_API = 1

@hookimpl
def fspp_losses():
    return [ComponentSpec(name="{name}", kind="loss", summary="Fake.", factory="fspp_core.training.losses:MAE")]
"""

LEAVES_A_TRACE = """
import os, pathlib
pathlib.Path(os.environ["TRACE_FILE"]).touch()
"""


def plugin(name: str, *changes: tuple[str, str]) -> str:
    """The good plugin, broken by replacing parts of it."""
    text = GOOD.format(name=name)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


IMPORT = "\nfrom fspp_core.hookspecs import hookimpl"

DISTRIBUTIONS = {  # distribution: entry points, modules
    "fspp-good": ({"loss_good": "good"}, {"good": plugin("good")}),
    "fspp-no-import": (
        {"loss_no_import": "no_import"},
        {"no_import": plugin("x", (IMPORT, f"import torchx\n{IMPORT}"))},
    ),
    "fspp-assert": ({"loss_assert": "asserts"}, {"asserts": plugin("x", (IMPORT, f"assert 1 > 2, 'no'{IMPORT}"))}),
    "fspp-argument": (
        {"loss_argument": "argument"},
        {
            "argument": plugin("from-half-registered")
            + "\n@hookimpl\ndef fspp_train_step_end(step, metric):\n    pass\n"
        },
    ),
    "fspp-misspelt": ({"loss_misspelt": "misspelt"}, {"misspelt": plugin("x", ("fspp_losses", "fspp_looses"))}),
    "fspp-absent": ({"loss_absent": "not_there.plugin"}, {}),
    "fspp-other-api": (
        {"loss_other_api": "other_api"},
        {"other_api": plugin("x", ("FSPP_API = 1", "FSPP_API: int = 7" + LEAVES_A_TRACE))},
    ),
    "fspp-no-api": ({"loss_no_api": "no_api"}, {"no_api": plugin("x", ("FSPP_API = 1", LEAVES_A_TRACE))}),
    # stevedore groups neighbours only, and sorts by nothing: a name twice, with other distributions between
    "fspp-a-twin": ({"loss_twin": "a_twin"}, {"a_twin": plugin("a-twin")}),
    "fspp-z-twin": ({"loss_twin": "z_twin"}, {"z_twin": plugin("z-twin")}),
    "fspp-neighbours": ({"loss_once": "once", "loss_twice": "once"}, {"once": plugin("once")}),
    "fspp-b-claim": ({"loss_b_claim": "b_claim"}, {"b_claim": plugin("claimed")}),
    "fspp-y-claim": ({"loss_y_claim": "y_claim"}, {"y_claim": plugin("claimed")}),
    "fspp-usurper": ({"loss_usurper": "usurper"}, {"usurper": plugin("mae")}),
    "fspp-second-core": ({"core": "second_core"}, {"second_core": plugin("second-core")}),
    "fspp-unmarked": ({"loss_unmarked": "unmarked"}, {"unmarked": plugin("x", ("@hookimpl\n", ""))}),
    "fspp-raises": (
        {"loss_raises": "raises"},
        {"raises": plugin("x", ("return [", "return {}['x'], ["))},
    ),
    "fspp-wrong-answer": ({"loss_wrong_answer": "wrong"}, {"wrong": plugin("x", ("return [", "return 7, ["))}),
    "fspp-wrong-kind": ({"loss_wrong_kind": "kind"}, {"kind": plugin("x", ('kind="loss"', 'kind="model"'))}),
    "fspp-syntax": ({"loss_syntax": "syntax"}, {"syntax": plugin("x", ("return [", "return [["))}),
}

BROKEN = {  # entry point: what its record must say
    "loss_no_import": "ModuleNotFoundError: No module named 'torchx'",
    "loss_assert": "AssertionError: no",
    "loss_argument": "Argument(s) {'metric'} are declared in the hookimpl but can not be found in the hookspec",
    "loss_misspelt": "unknown hook fspp_looses; did you mean fspp_losses?",
    "loss_absent": "ModuleNotFoundError: No module named 'not_there'",
    "loss_other_api": "other_api was made for plugin API 7, and fspp-core 0.1.0 has plugin API 1",
    "loss_no_api": "does not state the plugin API it was made for; add the line FSPP_API = 1",
    "loss_twin": "'loss_twin' is taken by fspp-a-twin 3.1 and fspp-z-twin 3.1",
    "loss_twice": "names the same module as the entry point loss_once",
    "loss_b_claim": "'claimed' is claimed by loss_b_claim (fspp-b-claim 3.1) and loss_y_claim (fspp-y-claim 3.1)",
    "loss_y_claim": "'claimed' is claimed by",
    "loss_usurper": "'mae' is claimed by core (fspp-core 0.1.0) and loss_usurper",
    "core (of fspp-second-core)": "'core' is taken by fspp-core 0.1.0 and fspp-second-core 3.1",
    "loss_unmarked": "defines fspp_losses without @hookimpl",
    "loss_raises": "KeyError: 'x'",
    "loss_wrong_answer": "fspp_losses must return a list of ComponentSpec",
    "loss_wrong_kind": "fspp_losses returned 'x' of kind 'model'",
    "loss_syntax": "SyntaxError",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory, write_distribution, pip_install) -> Path:
    folder = tmp_path_factory.mktemp("fakes")
    projects = [write_distribution(folder / "src", name, *parts) for name, parts in DISTRIBUTIONS.items()]
    pip_install(folder / "site", *projects)
    return folder / "site"


@pytest.fixture(scope="module")
def listing(site, run_fspp):
    done = run_fspp("plugins", "--json", site=site, TRACE_FILE=str(site / "trace"))
    assert done.returncode == 1, done.stderr
    return json.loads(done.stdout)


def test_the_good_plugin_works_beside_the_broken_ones(listing, site, run_python):
    [row] = [row for row in listing if row["name"] == "good"]
    assert row == {
        "kind": "loss",
        "name": "good",
        "distribution": "fspp-good",
        "version": "3.1",
        "state": "ok",
        "summary": "Fake.",
    }
    code = "from fspp_core.registry import load_registry as r; print(type(r().build('loss', 'good')).__name__)"
    done = run_python("-c", code, site=site, TRACE_FILE=str(site / "trace"), FSPP_PLUGINS="fspp-good")
    assert done.stdout.strip() == "MAE", done.stderr


@pytest.mark.parametrize("entry_point", BROKEN)
def test_a_broken_plugin_is_recorded_with_its_distribution_and_version(listing, entry_point):
    rows = [row for row in listing if row["name"] == entry_point]
    homes = {name for name, (points, _) in DISTRIBUTIONS.items() if entry_point in points}
    homes |= {"fspp-second-core"} if entry_point.startswith("core") else set()
    assert {row["distribution"] for row in rows} == homes
    for row in rows:
        assert row["version"] == "3.1"
        assert row["state"] == "broken"
        assert BROKEN[entry_point] in row["error"]


def test_nothing_else_is_broken_and_no_component_of_a_broken_plugin_is_listed(listing):
    fakes = [row for row in listing if row["version"] == "3.1"]
    assert {row["name"] for row in fakes if row["state"] == "broken"} == set(BROKEN)
    assert {row["name"] for row in fakes if row["state"] == "ok"} == {"good", "once"}


def test_core_keeps_its_names(listing):
    assert [row["distribution"] for row in listing if (row["kind"], row["name"]) == ("loss", "mae")] == ["fspp-core"]


def test_a_plugin_for_another_contract_is_not_even_imported(listing, site):
    assert not (site / "trace").exists()


@pytest.mark.parametrize("name", ["loss_no_import", "fspp-assert", "loss_misspelt", "argument", "other-api"])
def test_why_explains_and_exits_1(site, run_fspp, name):
    done = run_fspp("plugins", "why", name, site=site, TRACE_FILE=str(site / "trace"))
    assert done.returncode == 1
    assert "3.1" in done.stdout
    assert "What to do:" in done.stdout


def test_why_shows_the_traceback_of_the_plugins_own_code(site, run_fspp):
    done = run_fspp("plugins", "why", "loss_assert", site=site, TRACE_FILE=str(site / "trace"))
    assert "asserts.py" in done.stdout
    assert "AssertionError: no" in done.stdout


def test_why_of_a_sound_plugin_exits_0(site, run_fspp):
    done = run_fspp("plugins", "why", "good", site=site, TRACE_FILE=str(site / "trace"))
    assert (done.returncode, done.stdout.strip()) == (0, "good works: it comes from fspp-good 3.1.")


def test_a_broken_plugin_is_fatal_when_asked_for_by_name_and_only_then(site, run_python):
    code = """
from fspp_core.errors import PluginError
from fspp_core.registry import load_registry
registry = load_registry()
registry.build("scheduler", "constant")
try:
    registry.spec("loss", "no-import")
except PluginError as error:
    print(error, "|", type(error.__cause__).__name__)
"""
    done = run_python("-c", code, site=site, TRACE_FILE=str(site / "trace"))
    assert "belongs to a broken plugin: loss_no_import (fspp-no-import 3.1): ModuleNotFoundError" in done.stdout
    assert done.stdout.strip().endswith("| ModuleNotFoundError")


def test_a_broken_plugin_is_one_line_in_the_log_and_a_traceback_for_those_who_ask(site, run_fspp):
    keywords = {"site": site, "TRACE_FILE": str(site / "trace"), "FSPP_PLUGINS": "loss_no_import"}
    brief = run_fspp("plugins", "show", "adam", **keywords)
    assert brief.returncode == 0
    assert brief.stderr.splitlines() == [
        "Warning: plugin loss_no_import (fspp-no-import 3.1): ModuleNotFoundError: No module named 'torchx'"
    ]
    assert "Traceback" in run_fspp("-v", "plugins", "show", "adam", **keywords).stderr


def test_fspp_plugins_restricts_what_is_loaded(site, run_fspp):
    keywords = {"site": site, "TRACE_FILE": str(site / "trace")}
    done = run_fspp("plugins", "--json", FSPP_PLUGINS="loss_good, fspp-usurper,nowhere", **keywords)
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["good"]["state"] == "ok"
    assert rows["loss_usurper"]["state"] == "broken"
    assert "no plugin or distribution of that name is installed" in rows["nowhere"]["error"]
    assert rows["loss_assert"]["state"] == "left out"
    assert rows["mae"]["state"] == "ok"
    alone = run_fspp("plugins", "--json", FSPP_PLUGINS="", **keywords)
    assert alone.returncode == 0
    assert {row["distribution"] for row in json.loads(alone.stdout) if row["state"] == "ok"} == {"fspp-core"}


def test_hook_calls_can_be_traced(site, run_fspp):
    done = run_fspp("plugins", site=site, FSPP_PLUGINS="fspp-good", FSPP_TRACE_PLUGINS="1")
    assert "call fspp_losses()" in done.stderr
    assert "done fspp_losses by loss_good: [[ComponentSpec(name='good'" in done.stderr
