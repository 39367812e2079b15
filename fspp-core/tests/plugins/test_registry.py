"""The registry: names, options, presets, building, and what is said when something is not there."""

import json
import sys
import types
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fspp_core.errors import ConfigError, PluginError, ShapeError
from fspp_core.options import NoOptions, option
from fspp_core.plugins import Owner, Plugin
from fspp_core.registry import HOOKS, KNOWN, Registry, load_registry
from fspp_core.specs import KINDS, ComponentSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyOptions:
    """Options of the component below."""

    size: int = option(8, "Size.", minimum=1)
    shade: float = option(0.5, "Shade.", minimum=0, maximum=1)


class Tiny:
    def __init__(self, options):
        self.options = options


class Refuses:
    def __init__(self, options):
        raise ShapeError("too small")


class Crashes:
    def __init__(self, options):
        raise ZeroDivisionError("inside")


class FakePlugins:
    """Stands in for loaded plugins, to give a registry any answers."""

    def __init__(self, specs):
        self.plugin = Plugin(entry_point="model_tiny", owner=Owner(distribution="fspp-tiny", version="2"), module=None)
        self.specs = specs
        self.loaded = {"model_tiny": self.plugin}
        self.broken, self.left_out = [], {}

    def each(self, hook):
        kind = next(kind for kind in KINDS if HOOKS[kind] == hook)
        yield self.plugin, [spec for spec in self.specs if spec.kind == kind]


@pytest.fixture
def registry(tmp_path, monkeypatch):
    here = types.ModuleType("fspp_tiny_here")
    vars(here).update(Tiny=Tiny, Refuses=Refuses, Crashes=Crashes)
    monkeypatch.setitem(sys.modules, here.__name__, here)
    package = tmp_path / "fspp_tiny_presets"
    (package / "presets").mkdir(parents=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    for name, text in {"big": '{"size": 99}', "bad": '{"sise": 1}', "torn": '{"size', "list": "[1]"}.items():
        (package / "presets" / f"{name}.json").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield Registry(
        FakePlugins(
            [
                spec("tiny", "Tiny", presets="fspp_tiny_presets:presets"),
                spec("refuses", "Refuses"),
                spec("crashes", "Crashes"),
                spec("absent", "Absent", options=NoOptions),
                spec("lost", "Tiny", presets="fspp_tiny_absent:presets"),
            ]
        )
    )
    sys.modules.pop("fspp_tiny_presets", None)


def spec(name, cls, options=TinyOptions, **more):
    return ComponentSpec(name=name, kind="model", summary="x", factory=f"fspp_tiny_here:{cls}", options=options, **more)


def test_core_has_what_the_issue_names():
    registry = load_registry()
    names = {kind: {s.name for s in registry.specs(kind)} for kind in KINDS}
    assert names["loss"] >= {"dssim", "mae", "mse"}
    assert names["scheduler"] >= {"constant", "cosine"}
    assert names["optimizer"] >= {"adam", "adamw", "rmsprop"}
    assert names["color_transfer"] >= {"none", "mean", "rct"}
    assert names["aligner"] >= {"keypoints"}
    assert names["masker"] >= {"components", "extended"}


def test_building_gives_the_class_its_options(registry):
    assert registry.build("model", "tiny", {"size": 3}).options == TinyOptions(size=3)
    assert registry.construct("model", "tiny", TinyOptions(shade=1.0)).options.shade == 1.0


def test_presets_lie_between_defaults_and_given_values(registry):
    assert registry.presets("model", "tiny") == ["bad", "big", "list", "torn"]
    assert registry.presets("model", "refuses") == []
    options = registry.options("model", "tiny", {"shade": 0.1}, preset="big")
    assert options == TinyOptions(size=99, shade=0.1)
    assert registry.options("model", "tiny", {"size": 2}, preset="big").size == 2


@pytest.mark.parametrize(
    ("preset", "error", "said"),
    [
        ("huge", ConfigError, "has no preset 'huge'; its presets: bad, big"),
        ("bad", ConfigError, "preset 'bad' of 'tiny' (fspp-tiny 2): sise: unknown option; did you mean 'size'?"),
        ("torn", PluginError, "preset 'torn' of 'tiny' (fspp-tiny 2) is not valid JSON"),
        ("list", PluginError, "is not a JSON object"),
    ],
)
def test_presets_that_are_wrong_are_named(registry, preset, error, said):
    with pytest.raises(error) as caught:
        registry.options("model", "tiny", preset=preset)
    assert said in str(caught.value)


def test_presets_that_are_lost_are_named(registry):
    with pytest.raises(PluginError, match="not at 'fspp_tiny_absent:presets'"):
        registry.presets("model", "lost")


def test_wrong_options_are_listed_with_their_paths(registry):
    with pytest.raises(ConfigError) as caught:
        registry.options("model", "tiny", {"size": 0, "shade": float("nan"), "colour": 1})
    lines = str(caught.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "components.tiny.colour",
        "components.tiny.size",
        "components.tiny.shade",
    ]


def test_errors_of_a_component_are_told_with_its_distribution(registry):
    with pytest.raises(PluginError, match=r"model 'crashes' of fspp-tiny 2 cannot be built: ZeroDivisionError: inside"):
        registry.build("model", "crashes")
    with pytest.raises(PluginError, match=r"model 'absent' of fspp-tiny 2 cannot be built: AttributeError"):
        registry.build("model", "absent")
    with pytest.raises(ShapeError, match="too small") as caught:
        registry.build("model", "refuses")
    assert caught.value.__notes__ == ["while building model 'refuses' of fspp-tiny 2"]


def test_options_of_another_class_are_refused(registry):
    with pytest.raises(PluginError, match="is built from TinyOptions, and got NoOptions"):
        registry.construct("model", "tiny", NoOptions())


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("loss", "dsim", "there is no loss 'dsim'; did you mean 'dssim'?"),
        ("loss", "zzz", "there is no loss 'zzz'; installed losses: dssim"),
        ("model", "adam", "'adam' is an optimizer, not a model"),
        ("optimizer", "keypoints", "'keypoints' is an aligner, not an optimizer"),
        ("model", "saehd", "model 'saehd' is not installed: python -m pip install fspp-model-saehd"),
        ("detector", "s3fd", "pip install fspp-detect-s3fd"),
        ("aligner", "fan", "pip install fspp-align-fan"),
        ("masker", "bisenet", "pip install fspp-mask-bisenet"),
        ("masker", "xseg", "pip install fspp-mask-xseg"),
        ("recognizer", "vggface2", "pip install fspp-identity-vggface2"),
        ("recognizer", "ir-50", "pip install fspp-identity-vggface2"),
    ],
)
def test_what_is_missing_gets_the_most_useful_answer(kind, name, said):
    registry = load_registry()
    if (kind, name) in KNOWN and any(s.name == name for s in registry.specs(kind)):
        assert registry.owner(kind, name).distribution == KNOWN[kind, name]
        return
    with pytest.raises(PluginError) as caught:
        registry.spec(kind, name)
    assert said in str(caught.value)


@given(st.text(max_size=20), st.sampled_from(KINDS))
def test_any_unknown_name_is_a_plugin_error(name, kind):
    registry = load_registry()
    if name not in {s.name for s in registry.specs(kind)}:
        with pytest.raises(PluginError, match="|".join(["there is no", "not installed", "is an? "])):
            registry.spec(kind, name)


def test_every_schema_is_plain_json():
    registry = load_registry()
    for kind in KINDS:
        for found in registry.specs(kind):
            assert json.loads(json.dumps(found.options_schema)) == found.options_schema
