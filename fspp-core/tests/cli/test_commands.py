"""`fspp plugins`, `config`, `doctor` and `demo`, as people and programs read them."""

import json

import jsonschema
import pytest

from fspp_core import registry
from fspp_core.cli import checkup, main
from fspp_core.registry import load_registry
from fspp_core.specs import KINDS


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def said(capsys, *words, code=0):
    assert main(list(words)) == code
    return capsys.readouterr().out


def test_the_list_has_every_component_in_columns(capsys):
    lines = said(capsys, "plugins").splitlines()
    assert lines[0].split() == ["KIND", "NAME", "DISTRIBUTION", "VERSION", "STATE"]
    assert ["loss", "mae", "fspp-core", "0.1.0", "ok"] in [line.split() for line in lines]
    specs = [spec for kind in KINDS for spec in load_registry().specs(kind)]
    assert len(lines) == len(specs) + 1


def test_list_and_nothing_are_the_same(capsys):
    assert said(capsys, "plugins", "list", "--json") == said(capsys, "plugins", "--json")


def test_show_tells_all_about_a_component(capsys):
    page = said(capsys, "plugins", "show", "cosine")
    for word in ("cosine", "scheduler", "fspp-core 0.1.0", "Apache-2.0", "warmup", "floor", "at most 1", "no weights"):
        assert word in page


def test_show_gives_programs_the_schema(capsys):
    [entry] = json.loads(said(capsys, "plugins", "show", "adam", "--json"))
    jsonschema.Draft202012Validator.check_schema(entry["options_schema"])
    assert entry["options_schema"]["properties"]["beta_1"]["default"] == 0.9


def test_show_lists_presets_and_says_what_is_fixed(capsys):
    page = said(capsys, "plugins", "show", "phaze-a")
    assert "demo" in page
    assert "original" in page
    assert "Fixed options cannot change" in page


def test_check_runs_the_kit_and_tells_what_failed(capsys, tmp_path):
    file = tmp_path / "slow.py"
    file.write_text(
        "from fspp_core.hookspecs import hookimpl\nfrom fspp_core.specs import ComponentSpec\nFSPP_API = 1\n"
        "class Up:\n    def __init__(self, options):\n        pass\n"
        "    def factor(self, step, total):\n        return SIGN * 1.0\n"
        "SIGN = 1\n@hookimpl\ndef fspp_schedulers():\n"
        "    return [ComponentSpec(name='up', kind='scheduler', summary='x', factory=f'{__name__}:Up')]\n",
        encoding="utf-8",
    )
    out = said(capsys, "--plugin", str(file), "plugins", "check", str(file))
    assert f"{file}: scheduler up: " in out
    assert "failed" not in out
    file.write_text(file.read_text(encoding="utf-8").replace("SIGN = 1", "SIGN = -1"), encoding="utf-8")
    registry._load.cache_clear()  # the file has changed, which no user can do within a run
    out = said(capsys, "--plugin", str(file), "plugins", "check", str(file), code=1)
    assert "failed factors are finite and not negative" in out
    results = json.loads(said(capsys, "--plugin", str(file), "plugins", "check", str(file), "--json", code=1))
    assert {result["outcome"] for result in results} >= {"passed", "failed"}


def test_check_of_something_that_is_not_installed(capsys):
    assert main(["plugins", "check", "fspp-nothing"]) == 1
    assert "no installed plugin comes from 'fspp-nothing'" in capsys.readouterr().err


def test_config_show_tells_where_each_value_is_from(capsys, tmp_path):
    (tmp_path / "fspp.toml").write_text(
        '[train]\nsteps = 5\nsource = "s"\n[components.adam]\nbeta_1 = 0.5\n', encoding="utf-8"
    )
    out = said(capsys, "config", "show", "--json", "train", "x", "--batch-size", "2", "-o", "adam.beta_2=0.5")
    found = {entry["path"]: (entry["value"], entry["origin"]) for entry in json.loads(out)}
    assert found["train.steps"] == (5, "fspp.toml")
    assert found["train.batch_size"] == (2, "command line")
    assert found["train.source"] == ("x", "command line")
    assert found["train.target"] == (None, "default")
    assert found["train.seed"] == (0, "default")
    assert found["components.adam.beta_1"] == (0.5, "fspp.toml")
    assert found["components.adam.beta_2"] == (0.5, "command line")
    table = said(capsys, "config", "show")
    assert [line for line in table.splitlines() if line.split()[:3] == ["train.steps", "fspp.toml", "5"]]
    assert {line.split(".")[0] for line in table.splitlines()[1:]} == {"extract", "train", "convert", "components"}


def test_config_validate(capsys, tmp_path):
    (tmp_path / "fspp.toml").write_text("[train]\nsteps = 5\n", encoding="utf-8")
    assert said(capsys, "config", "validate") == "fspp.toml: valid\n"
    (tmp_path / "fspp.toml").write_text("[train]\nsteps = -5\n[x]\n", encoding="utf-8")
    assert main(["config", "validate"]) == 2
    assert [line.strip() for line in capsys.readouterr().err.splitlines()] == [
        "Error: fspp.toml: train.steps: -5 is less than the minimum of 1",
        "fspp.toml: x: unknown table; known: extract, train, convert, components",
    ]


def test_config_schema_is_a_schema(capsys):
    schema = json.loads(said(capsys, "config", "schema"))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert jsonschema.Draft202012Validator(schema).is_valid({"train": {"steps": 3}})
    assert not jsonschema.Draft202012Validator(schema).is_valid({"train": {"stepz": 3}})


class State:
    """What `examine` needs to know, without a project file."""

    registry = load_registry()

    @property
    def project(self):
        from fspp_core.config import Project

        return Project()


def findings(monkeypatch, **replaced):
    for name, value in replaced.items():
        monkeypatch.setattr(checkup, name, value)
    monkeypatch.setattr(checkup, "_devices", lambda: iter(()))
    return {finding.subject: finding for finding in checkup.examine(State())}


def test_doctor_looks_at_everything(capsys):
    found = json.loads(said(capsys, "doctor", "--json"))
    topics = {entry["topic"] for entry in found}
    assert {"System", "Packages", "Devices", "Codecs", "Plugins"} <= topics
    subjects = {entry["subject"] for entry in found}
    assert {"system", "Python", "numpy", "keras", "tensorflow", "cpu", "h264", "core"} <= subjects
    assert all(entry["remedy"] for entry in found if entry["state"] == "problem")


def test_doctor_reads_well(monkeypatch, capsys):
    monkeypatch.setattr(checkup, "_devices", lambda: iter(()))
    lines = said(capsys, "doctor").splitlines()
    assert lines[0] == "System:"
    assert lines[-1] == "no problem found."


def test_doctor_says_what_to_do_about_a_package(monkeypatch, capsys):
    versions = {"numpy": "1.0"}
    real = checkup.version
    monkeypatch.setattr(checkup, "version", lambda name: versions.get(name) or real(name))
    found = findings(monkeypatch)
    assert found["numpy"].state == "problem"
    assert found["numpy"].detail == "1.0, needed is >=2.0"
    assert found["numpy"].remedy == 'python -m pip install "numpy>=2.0"'
    monkeypatch.setattr(checkup, "_devices", lambda: iter(()))
    assert "-> python -m pip install" in said(capsys, "doctor", code=1)


def test_doctor_says_what_to_do_about_a_missing_package(monkeypatch):
    def version(name):
        raise checkup.PackageNotFoundError(name)

    found = findings(monkeypatch, version=version)
    assert found["av"].detail.startswith("not installed, needed is")


def test_doctor_says_what_to_do_when_fspp_itself_is_not_installed(monkeypatch):
    def requires(name):
        raise checkup.PackageNotFoundError(name)

    assert findings(monkeypatch, requires=requires)["fspp-core"].remedy == "python -m pip install -e ./fspp-core"


def test_doctor_says_what_to_do_about_a_broken_backend(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "fspp_core.backend", None)
    [finding] = checkup._devices()
    assert finding.state == "problem"
    assert finding.remedy.startswith("python -m pip install")


def test_doctor_sees_a_gpu_that_the_backend_does_not(monkeypatch, tmp_path):
    monkeypatch.setattr(checkup, "_NVIDIA", tmp_path)
    assert checkup._no_gpu("tensorflow").remedy.startswith("python -m pip install 'tensorflow[and-cuda]'")
    monkeypatch.setattr(checkup, "_NVIDIA", tmp_path / "absent")
    assert checkup._no_gpu("tensorflow").state == "note"


def test_doctor_says_what_to_do_about_plugins(monkeypatch):
    from fspp_core.plugins import BrokenPlugin

    class Bare:
        plugins, left_out = (), {}
        broken = (BrokenPlugin(entry_point="x", distribution="fspp-x", version="1", error=ImportError("torchx")),)

        def specs(self, kind):
            return []

    monkeypatch.setattr(State, "registry", Bare())
    found = findings(monkeypatch)
    assert found["x"].remedy == "fspp plugins why x"
    assert found["detector"].remedy == "python -m pip install fspp-detect-mtcnn"
    assert found["model"].remedy == "python -m pip install fspp-model-phaze-a"


def test_doctor_checks_the_project_file(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(checkup, "_devices", lambda: iter(()))
    (tmp_path / "fspp.toml").write_text("[train]\nsteps = 0\n", encoding="utf-8")
    assert "train.steps: 0 is less than the minimum" in said(capsys, "doctor", code=1)
    (tmp_path / "fspp.toml").write_text("[train\n", encoding="utf-8")
    assert "not valid TOML" in said(capsys, "doctor", code=1)
    (tmp_path / "fspp.toml").write_text("[train]\n", encoding="utf-8")
    assert "fspp.toml: valid" in said(capsys, "doctor")


def test_demo_says_what_was_made_and_how_to_do_it_by_hand(monkeypatch, capsys, tmp_path):
    import fspp_core.demo

    class Report:
        def to_dict(self):
            return {
                "made": {"swapped clip": "out/swapped.mp4"},
                "seconds": {"train": 12.34},
                "distances": {"to_source": 8.0, "to_target": 15.5, "frames": 12},
                "commands": ["fspp extract a b"],
            }

    asked = []

    def run_demo(output, **keywords):
        asked.append((output, set(keywords)))
        return Report()

    monkeypatch.setitem(vars(fspp_core.demo), "run_demo", run_demo)  # without importing the real one
    out = said(capsys, "demo", "out")
    assert (str(asked[0][0]), asked[0][1]) == ("out", {"progress", "cancel", "registry"})
    assert "out/swapped.mp4" in out
    assert "12.3" in out
    assert "8.0 to the source's face in the frame's colours, 15.5 to the original target face" in out
    assert "  fspp extract a b" in out
    assert json.loads(said(capsys, "demo", "--json")) == Report().to_dict()
    assert str(asked[-1][0]) == "fspp-demo"
