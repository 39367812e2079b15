"""What components take over from the extraction's own options."""

from __future__ import annotations

import pytest

from fspp_core.errors import ConfigError
from fspp_core.extraction import ExtractOptions
from fspp_core.extraction.plan import make_plan
from fspp_core.registry import load_registry

PLUGIN = """
from dataclasses import dataclass

from fspp_core.hookspecs import hookimpl
from fspp_core.inference.options import EngineName, Precision, engine_option, precision_option
from fspp_core.options import NoOptions
from fspp_core.specs import ComponentSpec

FSPP_API = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    engine: EngineName = engine_option()
    precision: Precision = precision_option()


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    precision: Precision = precision_option()


def spec(name, kind, options):
    return ComponentSpec(name=name, kind=kind, summary="For a test.", factory="nowhere:Nothing", options=options)


@hookimpl
def fspp_detectors():
    return [spec("two-engines", "detector", Both), spec("no-engine", "detector", NoOptions)]


@hookimpl
def fspp_aligners():
    return [spec("one-engine", "aligner", One)]
"""


@pytest.fixture
def components(tmp_path):
    """`components({"engine": "openvino"}, {"two-engines": {"engine": "keras"}})`: what each component is given."""
    file = tmp_path / "engines.py"
    file.write_text(PLUGIN, encoding="utf-8")
    registry = load_registry(plugin_files=[file])

    def planned(options, given=None, detector="two-engines"):
        chosen = ExtractOptions(detector=detector, aligner="one-engine", maskers=(), recognizers=(), **options)
        return make_plan(chosen, given or {}, registry).components

    return planned


def test_nothing_given_leaves_components_their_defaults(components):
    assert components({}) == {
        "two-engines": {"engine": "keras", "precision": "f32"},
        "one-engine": {"precision": "f32"},
    }


def test_engine_and_precision_hold_for_all_components_that_have_them(components):
    given = {"engine": "openvino", "precision": "bf16"}
    assert components(given) == {"two-engines": given, "one-engine": {"precision": "bf16"}}
    assert components(given, detector="no-engine") == {"no-engine": {}, "one-engine": {"precision": "bf16"}}


def test_an_engine_that_nobody_can_choose_is_said(components, caplog):
    components({"engine": "openvino", "precision": "bf16"}, detector="no-engine")
    assert caplog.messages == [
        "engine openvino: none of the components in use leaves the choice (no-engine, one-engine)"
    ]
    caplog.clear()
    components({"engine": "openvino", "precision": "bf16"})
    assert caplog.messages == []


def test_what_a_component_is_given_comes_first(components):
    own = {"two-engines": {"engine": "keras"}, "one-engine": {"precision": "f32"}}
    assert components({"engine": "openvino", "precision": "bf16"}, own) == {
        "two-engines": {"engine": "keras", "precision": "bf16"},
        "one-engine": {"precision": "f32"},
    }


def test_faults_are_still_told(components):
    with pytest.raises(ConfigError, match=r"components\.two-engines\.engine: 'steam'"):
        components({"precision": "bf16"}, {"two-engines": {"engine": "steam"}})
