"""The kit run over components whose own tests are not at hand, and the search for components without a class."""

from __future__ import annotations

import pytest

from fspp_core.errors import PluginError
from fspp_core.registry import load_registry
from fspp_core.testing import components_without_class, run_checks

PLUGIN = '''
"""Two schedules, one of them below zero."""
from fspp_core.hookspecs import hookimpl
from fspp_core.specs import ComponentSpec

FSPP_API = 1


class Level:
    def __init__(self, options):
        pass

    def factor(self, step, total):
        return 1.0


class Below(Level):
    def factor(self, step, total):
        return -1.0


@hookimpl
def fspp_schedulers():
    return [
        ComponentSpec(name=name, kind="scheduler", summary=name, factory=f"{__name__}:{name.title()}")
        for name in ("level", "below")
    ]
'''
CLASS = """
from fspp_core.testing import ScheduleConformance

class TestLevel(ScheduleConformance):
    component = "level"
"""


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "très plugin.py"
    path.write_text(PLUGIN, encoding="utf-8")
    return path


def test_results_of_one_plugin(plugin):
    registry = load_registry(plugin_files=[plugin])
    results = run_checks(registry, str(plugin), plugin_files=[plugin])
    assert {result.distribution for result in results} == {str(plugin)}
    assert {result.kind for result in results} == {None, "scheduler"}
    loads = [result for result in results if result.check == "loads"]
    assert [result.outcome for result in loads] == ["passed"]
    failed = {(result.component, result.check.partition("[")[0]) for result in results if result.outcome == "failed"}
    assert failed == {
        ("below", "factors are finite and not negative"),
        ("below", "the rate is not always zero"),
    }
    [message] = {r.message for r in results if r.check == "the rate is not always zero" and r.component == "below"}
    assert "-1.0" in message
    skipped = {(result.check, result.component) for result in results if result.outcome == "skipped"}
    assert skipped == {("known values", "level"), ("known values", "below")}
    assert sum(result.outcome == "passed" for result in results) > 25


def test_an_unknown_distribution_is_named(plugin):
    with pytest.raises(PluginError, match=r"'fspp-nothing'.*fspp-core"):
        run_checks(load_registry(plugin_files=[plugin]), "fspp-nothing")


def test_components_without_class(plugin, tmp_path):
    tests = tmp_path / "test_level.py"
    tests.write_text(CLASS, encoding="utf-8")
    registry = load_registry(plugin_files=[plugin])
    missing = components_without_class(registry, [tests])
    assert ("scheduler", "below", str(plugin)) in missing
    assert ("scheduler", "level", str(plugin)) not in missing
