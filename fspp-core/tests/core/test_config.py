"""The project file: read, checked as a whole, laid under the command line, every value with its origin."""

import json
from functools import cache
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fspp_core.config import (
    COMMAND_LINE,
    DEFAULT,
    Project,
    project_faults,
    project_schema,
    read_project,
    require_places,
    settle,
)
from fspp_core.errors import ConfigError
from fspp_core.jobs import JOBS
from fspp_core.registry import load_registry

TOML = """
[train]
source = "faces/anna"
target = "faces/bert"
steps = 500
losses = ["mae=1.0"]
source_media = "clips/anna.mp4"

[convert]
opacity = 0.5

[components.adam]
beta_1 = 0.8
"""


@pytest.fixture(scope="module")
def registry():
    return load_registry()


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "Bücher"
    folder.mkdir()
    file = folder / "fspp.toml"
    file.write_text(TOML, encoding="utf-8")
    return read_project(file)


def origins(settled):
    return {setting.path: (setting.value, setting.origin) for setting in settled.settings}


def test_every_value_has_its_origin(project, registry):
    settled = settle(
        JOBS["train"],
        project,
        registry,
        places={"model_dir": Path("model")},
        options={"steps": 20},
        components={"adam": {"beta_2": 0.5}},
    )
    label, found = str(project.file), origins(settled)
    assert found["train.steps"] == (20, COMMAND_LINE)
    assert found["train.losses"] == (["mae=1.0"], label)
    assert found["train.batch_size"] == (16, DEFAULT)
    assert found["train.model_dir"] == ("model", COMMAND_LINE)
    assert found["train.source"] == (str(project.file.parent / "faces/anna"), label)
    assert found["components.adam.beta_1"] == (0.8, label)
    assert found["components.adam.beta_2"] == (0.5, COMMAND_LINE)
    assert found["components.adam.epsilon"] == (1e-7, DEFAULT)
    assert settled.options.steps == 20
    assert settled.options.losses == ("mae=1.0",)
    assert settled.components == {"adam": {"beta_1": 0.8, "beta_2": 0.5}}
    assert "convert.opacity" not in found


def test_values_of_a_preset_say_so(registry):
    found = origins(settle(JOBS["train"], Project(), registry, options={"preset": "demo"}))
    assert {origin for path, (_, origin) in found.items() if path.startswith("components.phaze-a.")} == {
        DEFAULT,
        "preset demo",
    }


def test_paths_are_relative_to_the_project_file(project, registry, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    settled = settle(JOBS["train"], project, registry)
    assert settled.places["target"] == project.file.parent / "faces/bert"
    assert settled.options.source_media == str(project.file.parent / "clips/anna.mp4")
    absolute = Project(file=project.file, tables={"train": {"source": str(tmp_path / "x")}})
    assert settle(JOBS["train"], absolute, registry).places["source"] == tmp_path / "x"


def test_lists_of_paths_are_relative_to_the_project_file_too(registry, tmp_path):
    tables = {"extract": {"filter": ["wer.png", str(tmp_path / "x")], "nfilter": [], "import_from": "faces.json"}}
    project = Project(file=tmp_path / "größe" / "fspp.toml", tables=tables)
    options = settle(JOBS["extract"], project, registry).options
    assert options.filter == (str(tmp_path / "größe" / "wer.png"), str(tmp_path / "x"))
    assert options.nfilter == ()
    assert options.import_from == str(tmp_path / "größe" / "faces.json")
    typed = settle(JOBS["extract"], project, registry, options={"filter": ["here.png"]}).options
    assert typed.filter == ("here.png",)
    with pytest.raises(ConfigError, match=r"extract\.recognizers: there is no recognizer 'hog-colour'"):
        settle(JOBS["extract"], Project(tables={"extract": {"recognizers": ["hog-colour"]}}), registry)


def test_all_places_that_are_missing_are_named_at_once(project, registry):
    settled = settle(JOBS["convert"], project, registry, places={"output": Path("x.mp4")})
    with pytest.raises(ConfigError) as caught:
        require_places(settled, project)
    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines] == ["MEDIA", "ALIGNMENTS", "MODEL_DIR"]
    assert all(f"under [convert] in {project.file}" in line for line in lines)


def test_all_faults_of_file_and_command_line_are_listed_at_once(tmp_path, registry):
    file = tmp_path / "my.toml"
    file.write_text(
        'colour = 1\n[trian]\n[train]\nsource = 3\nstepps = 5\nsteps = 0\nlearning_rate = nan\nmodel = "sahed"\n'
        "[components.adamm]\n[components.adam]\nbeta_1 = 2\n[components]\nmae = 4\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        settle(
            JOBS["train"],
            read_project(file),
            registry,
            options={"batch_size": -1, "optimizer": "adom"},
            components={"cosine": {"flor": 1}},
            faults=["-o x: no"],
        )
    lines = str(caught.value).splitlines()
    paths = [line.removeprefix(f"{file}: ").partition(": ")[0] for line in lines]
    assert sorted(paths) == sorted(
        [
            "colour",
            "trian",
            "train.source",
            "train.stepps",
            "train.steps",
            "train.learning_rate",
            "train.model",
            "components.adamm",
            "components.adam.beta_1",
            "components.mae",
            "--batch-size",
            "--optimizer",
            "-o cosine.flor",
            "-o x",
        ]
    )
    assert "did you mean 'train'?" in str(caught.value)
    assert "did you mean 'adam'" in str(caught.value)
    assert "did you mean 'floor'?" in str(caught.value)


def test_a_known_component_that_is_not_installed_gets_its_line(registry):
    faults = project_faults(Project(tables={"components": {"saehd": {}}}), registry)
    assert faults == [
        "fspp.toml: components.saehd: component 'saehd' is not installed: python -m pip install fspp-model-saehd"
    ]


@pytest.mark.parametrize("text", ["[train\n", "a = 1\na = 2\n", "\x00"])
def test_text_that_is_not_toml_is_refused_with_the_file(tmp_path, text):
    file = tmp_path / "x.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="not valid TOML") as caught:
        read_project(file)
    assert str(file) in str(caught.value)


def test_bytes_that_are_not_text_are_refused(tmp_path):
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not valid TOML"):
        read_project(tmp_path / "x.toml")


def test_a_byte_order_mark_is_forgiven(tmp_path):
    (tmp_path / "x.toml").write_bytes(b"\xef\xbb\xbf[train]\nsteps = 3\n")
    assert read_project(tmp_path / "x.toml").table("train") == {"steps": 3}


def test_a_file_that_was_named_must_be_there(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match=r"absent\.toml: cannot be read"):
        read_project(tmp_path / "absent.toml")
    monkeypatch.chdir(tmp_path)
    assert read_project() == Project()
    (tmp_path / "fspp.toml").write_text("[train]\n", encoding="utf-8")
    assert read_project().file == Path("fspp.toml")


def test_the_schema_is_valid_and_knows_every_component(registry):
    schema = project_schema(registry)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert set(schema["properties"]) == {*JOBS, "components"}
    assert {"adam", "cosine", "dssim", "keypoints"} <= set(schema["properties"]["components"]["properties"])
    for job in JOBS.values():
        properties = schema["properties"][job.name]["properties"]
        assert set(job.places) <= set(properties)
        assert set(job.uses) <= set(properties), "a job says it uses components by an option that is not there"
        assert set(job.paths) <= set(properties)


VALUE = (
    st.booleans() | st.integers(-3, 200) | st.floats(-2, 2).filter(lambda x: not x.is_integer()) | st.text(max_size=5)
)
TABLES = st.fixed_dictionaries(
    {},
    optional={
        "train": st.dictionaries(st.sampled_from(["steps", "flip", "source", "stepz", "tensorboard", "losses"]), VALUE),
        "convert": st.dictionaries(st.sampled_from(["opacity", "media", "blur", "crf"]), VALUE),
        "components": st.dictionaries(
            st.sampled_from(["adam", "none", "adma"]), st.dictionaries(st.sampled_from(["beta_1", "bet"]), VALUE)
        ),
        "trian": st.just({}),
    },
)


@given(TABLES)
@settings(deadline=None)
def test_the_published_schema_agrees_with_the_checks(tables):
    registry = load_registry()
    valid = jsonschema.Draft202012Validator(_schema()).is_valid(json.loads(json.dumps(tables)))
    faults = project_faults(Project(tables=tables), registry)
    assert valid == (not faults), faults


@cache
def _schema():
    return project_schema(load_registry())


def test_mask_expressions_are_read_with_everything_else(registry):
    tables = {"train": {"mask": "hull *", "source_mask": "(a"}, "convert": {"mask": "5-3: a"}}
    with pytest.raises(ConfigError) as caught:
        settle(JOBS["convert"], Project(tables=tables), registry, options={"mask": "a |"})
    message = str(caught.value)
    assert "fspp.toml: train.mask: expected a mask after '*'\n  hull *\n        ^" in message
    assert "fspp.toml: train.source_mask: this is never closed\n  (a\n  ^" in message
    assert "fspp.toml: convert.mask: a range goes from its first frame" in message
    assert "--mask: expected a mask after '|'\n  a |\n     ^" in message


def test_maskers_named_in_an_expression_show_their_options(registry):
    project = Project(tables={"components": {"eyes": {"grow": 5.0}}})
    options = {"mask": "0-99: hull; (hull | extended) - eyes + dst", "source_mask": "components"}
    found = origins(settle(JOBS["train"], project, registry, options=options))
    assert found["components.eyes.grow"] == (5.0, "fspp.toml")
    assert found["components.extended.brows"] == (1.0, DEFAULT)
    assert found["components.dfl-hull.brows"] == (1.0, DEFAULT)
    assert "components.components.size" in found
    assert not [path for path in found if path.startswith("components.hull.")]
