"""The loader without installing anything: single files, events, half-registered plugins."""

import sys
import types
from pathlib import Path

import pluggy
import pytest

from fspp_core import hookspecs
from fspp_core.errors import PluginError
from fspp_core.hookspecs import hookimpl
from fspp_core.plugins import CORE, Owner, Plugins, check_api, load_plugins, source_of
from fspp_core.registry import Registry, load_registry

FILE = '''
from dataclasses import dataclass
from fspp_core.hookspecs import hookimpl
from fspp_core.options import option
from fspp_core.specs import ComponentSpec

FSPP_API = 1

@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options."""

    level: float = option(0.5, "Factor at every step.", minimum=0)

class Flat:
    def __init__(self, options):
        self.level = options.level

    def factor(self, step, total):
        return self.level

@hookimpl
def fspp_schedulers():
    return [ComponentSpec(name="flat", kind="scheduler", summary="x", factory=f"{__name__}:Flat", options=Options)]
'''


def plugins_of(**modules: dict) -> Plugins:
    """Loaded plugins made of modules with these names and contents."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    plugins = Plugins(manager)
    for name, content in modules.items():
        module = types.ModuleType(name)
        vars(module).update(content)
        plugins.add(name, Owner(distribution=f"fspp-{name}", version="1.0"), lambda module=module: module)
    return plugins


def step_end(body):
    @hookimpl
    def fspp_train_step_end(step, metrics):
        body(step)

    return {"fspp_train_step_end": fspp_train_step_end}


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "Größe 1.py"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_a_single_file_is_a_plugin(file):
    registry = load_registry(plugin_files=[file])
    assert registry.build("scheduler", "flat", {"level": 0.25}).factor(3, 10) == 0.25
    owner = registry.owner("scheduler", "flat")
    assert owner.distribution == str(file)
    assert owner.version.startswith("sha256:")


def test_two_files_of_the_same_name_are_two_plugins(file, tmp_path):
    other = tmp_path / "other" / file.name
    other.parent.mkdir()
    other.write_text(FILE.replace('"flat"', '"steady"'), encoding="utf-8")
    registry = load_registry(plugin_files=[file, other])
    assert {spec.name for spec in registry.specs("scheduler")} >= {"flat", "steady"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("FSPP_API = 1", "FSPP_API = 2"), "plugin API 2"),
        (("FSPP_API = 1", "FSPP_API = True"), "plugin API True"),
        (("FSPP_API = 1", "import torchx"), "does not state"),
        (("class Flat:", "import torchx\n\nclass Flat:"), "No module named 'torchx'"),
        (("fspp_schedulers", "fspp_schedules"), "did you mean fspp_schedulers"),
        (("@hookimpl", ""), "without @hookimpl"),
    ],
)
def test_a_broken_file_is_fatal_because_it_was_asked_for(file, change, said):
    file.write_text(FILE.replace(*change), encoding="utf-8")
    before = set(sys.modules)
    with pytest.raises(PluginError, match=said) as caught:
        load_plugins([file])
    assert str(file) in str(caught.value)
    assert not any(name.startswith("fspp_file_") for name in set(sys.modules) - before if "torchx" in said)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(PluginError, match="there is no such file"):
        load_plugins([tmp_path / "absent.py"])


def test_the_registry_is_loaded_once_for_the_same_arguments(file):
    assert load_registry() is load_registry()
    assert load_registry(plugin_files=[file]) is load_registry(plugin_files=(file,))
    assert load_registry(plugin_files=[file]) is not load_registry()


def test_the_environment_makes_another_registry(monkeypatch):
    everything = load_registry()
    monkeypatch.setenv("FSPP_PLUGINS", "")
    assert [plugin.entry_point for plugin in load_registry().plugins] == [CORE]
    monkeypatch.delenv("FSPP_PLUGINS")
    assert load_registry() is everything


def test_events_reach_every_plugin():
    seen = []
    registry = Registry(plugins_of(one=step_end(seen.append), two=step_end(lambda step: seen.append(-step))))
    registry.call("fspp_train_step_end", step=4, metrics={})
    assert sorted(seen) == [-4, 4]


def test_an_event_nobody_listens_to_is_nothing():
    Registry(plugins_of()).call("fspp_frame_converted", index=0, faces=1)


def test_a_plugin_that_fails_in_an_event_is_named():
    registry = Registry(plugins_of(calm=step_end(lambda step: None), wild=step_end(lambda step: 1 // 0)))
    with pytest.raises(
        PluginError, match=r"plugin wild \(fspp-wild 1.0\) failed in its hook fspp_train_step_end"
    ) as caught:
        registry.call("fspp_train_step_end", step=1, metrics={})
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_half_registered_plugin_leaves_nothing_behind():
    @hookimpl
    def fspp_losses():
        raise AssertionError("must never be called")

    @hookimpl
    def fspp_frame_converted(index, face_count):
        pass

    plugins = plugins_of(half={"fspp_losses": fspp_losses, "fspp_frame_converted": fspp_frame_converted})
    assert "face_count" in plugins.broken[0].reason
    assert not plugins.manager.has_plugin("half")
    assert plugins.manager.hook.fspp_losses() == []


def test_hooks_of_a_later_core_may_be_marked_optional():
    @hookimpl(optionalhook=True)
    def fspp_from_the_future():
        pass

    assert not plugins_of(early={"fspp_from_the_future": fspp_from_the_future}).broken


def test_keyboard_interrupt_is_not_swallowed():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plugins_of().add("x", Owner(distribution="fspp-x", version="1"), interrupted)


def test_the_source_is_found_without_importing_the_package(tmp_path, monkeypatch):
    package = tmp_path / "fspp_probe_package"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')", encoding="utf-8")
    (package / "plugin.py").write_text("FSPP_API = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert source_of("fspp_probe_package.plugin") == "FSPP_API = 1\n"
    assert source_of("fspp_probe_package.absent") is None
    assert source_of("fspp_absent_package.plugin") is None
    assert "fspp_probe_package" not in sys.modules


def test_a_module_without_source_is_refused():
    with pytest.raises(PluginError, match="no readable source"):
        source_of("_thread")


@pytest.mark.parametrize("line", ["FSPP_API = 1", "FSPP_API: int = 1", "OTHER = FSPP_API = 1", "x = 2\nFSPP_API = 1"])
def test_the_api_may_be_stated_in_any_plain_form(line):
    check_api(line, "somewhere")


@pytest.mark.parametrize(
    "line", ["", "FSPP_API = 2", "FSPP_API = '1'", "FSPP_API = some()", "def f():\n    FSPP_API = 1"]
)
def test_any_other_statement_is_refused(line):
    with pytest.raises(PluginError):
        check_api(line, "somewhere")
