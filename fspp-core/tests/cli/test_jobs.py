"""The job commands: flags from options, project file under command line, report, interruption."""

import json
import os
import signal
import subprocess
import sys
import types
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fspp_core.cli import make_cli
from fspp_core.cli.flags import flag_name, flags_of, given_options
from fspp_core.cli.group import Command
from fspp_core.cli.jobs import job_command
from fspp_core.cli.state import COMMON
from fspp_core.jobs import JOBS
from fspp_core.options import option_faults, schema_of
from fspp_core.progress import ProgressEvent
from fspp_core.training.options import TrainOptions


class Report:
    def to_dict(self):
        return {
            "faces": 3,
            "seconds": {"detect": 1.23456, "align": 0.1},
            "output": "x",
            "nothing": None,
            "done": True,
            "options": {"size": 1},
        }


@pytest.fixture
def ran(monkeypatch, tmp_path):
    """What `train` was called with, in place of a training."""
    calls = []

    def train(*places, components, registry, progress, cancel):
        calls.append((places, components, cancel.is_set()))
        progress(ProgressEvent(stage="train", done=1, total=1))
        print("a library that prints", file=sys.stderr)
        return Report()

    module = types.ModuleType("fspp_fake_training")
    module.train = train
    monkeypatch.setitem(sys.modules, module.__name__, module)
    job = JOBS["train"]
    fake = type(job)(**{**{f.name: getattr(job, f.name) for f in fields(job)}, "function": "fspp_fake_training:train"})
    monkeypatch.setitem(JOBS, "train", fake)
    monkeypatch.chdir(tmp_path)
    return calls


def run(words):
    return make_cli().main(["train", *words], standalone_mode=False)


def test_the_job_gets_its_places_options_and_components(ran, tmp_path):
    (tmp_path / "fspp.toml").write_text(
        '[train]\nsource = "s"\nbatch_size = 4\nsteps = 9\n[components.adam]\nbeta_1 = 0.5\n', encoding="utf-8"
    )
    run(
        [
            "a",
            "b",
            "m",
            "--steps",
            "7",
            "--losses",
            "mae=1.0",
            "--losses",
            "mse=2",
            "--no-tensorboard",
            "-o",
            "adam.beta-2=0.25",
        ]
    )
    [((*places, options), components, cancelled)] = ran
    assert places == [Path("a"), Path("b"), Path("m")]
    expected = TrainOptions(batch_size=4, steps=7, losses=("mae=1.0", "mse=2"), tensorboard=False)
    assert options == expected
    assert components == {"adam": {"beta_1": 0.5, "beta_2": 0.25}}
    assert not cancelled


def test_places_may_all_come_from_the_project_file(ran, tmp_path):
    (tmp_path / "fspp.toml").write_text('[train]\nsource = "s"\ntarget = "t"\nmodel_dir = "m"\n', encoding="utf-8")
    run([])
    assert [str(place) for place in ran[0][0][:3]] == ["s", "t", "m"]


def test_json_is_all_there_is_on_stdout(ran, capsys):
    run(["a", "b", "m", "--json"])
    assert json.loads(capsys.readouterr().out) == Report().to_dict()


def test_a_report_for_people_leaves_out_what_is_empty(ran, capsys):
    run(["a", "b", "m"])
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "faces    3",
        "seconds:",
        "  detect  1.235",
        "  align   0.1",
        "output   x",
        "done     yes",
    ]
    assert "train: 1/1 it (100 %)" in captured.err


@pytest.mark.parametrize("name", JOBS)
def test_every_option_is_a_flag_with_its_help(name, capsys):
    make_cli().main([name, "--help"], standalone_mode=False)
    said = " ".join(capsys.readouterr().out.split())
    for key, schema in schema_of(JOBS[name].options)["properties"].items():
        assert flag_name(key) in said
        assert " ".join(schema["description"].split()) in said
    for place, meaning in JOBS[name].places.items():
        assert place.upper() in said
        assert meaning in said


@pytest.mark.parametrize("name", JOBS)
def test_no_flag_stands_for_two_things(name):
    command = job_command(name)
    names = [word for parameter in [*command.params, *COMMON] for word in [*parameter.opts, *parameter.secondary_opts]]
    assert len(names) == len(set(names))
    assert not set(JOBS[name].places) & {field.name for field in fields(JOBS[name].options)}


TEXT = st.text(st.characters(codec="utf-8", exclude_characters=",", exclude_categories=["C", "Z"]), min_size=1).filter(
    lambda text: text not in ("none", "null") and not text.startswith(("[", "-"))
)


def _values(schema):
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    low, high = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum")
    by_kind = {
        "integer": st.integers(low if low is not None else -9, high if high is not None else 10**6),
        "number": st.floats(low if low is not None else -9, high if high is not None else 1e6, allow_nan=False),
        "string": TEXT,
        "boolean": st.booleans(),
        "null": st.none(),
    }
    if "array" in kinds:
        return st.lists(_values(schema["items"]), min_size=1, max_size=3).map(tuple)
    return st.one_of(*(by_kind[kind] for kind in kinds))


def _options(name):
    properties = schema_of(JOBS[name].options)["properties"]
    return st.fixed_dictionaries({}, optional={key: _values(schema) for key, schema in properties.items()})


@pytest.mark.parametrize("name", JOBS)
@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_every_value_survives_the_command_line(name, data):
    values = data.draw(_options(name))
    words = []
    for key, value in values.items():
        if isinstance(value, bool):
            words.append(flag_name(key if value else f"no_{key}"))
        else:
            items = value if isinstance(value, tuple) else [value]
            words += [f"{flag_name(key)}={'none' if item is None else item}" for item in items]
    options = JOBS[name].options
    context = Command("x", params=flags_of(options)).make_context("x", words)
    back = given_options(context, options)
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
    assert back == plain
    assert option_faults(options, back) == option_faults(options, values)


STOPPABLE = """
import os, sys, threading, time, types
from fspp_core.jobs import JOBS
from fspp_core.progress import check
from dataclasses import replace

def train(*places, components, registry, progress, cancel):
    print("running", flush=True)
    for _ in range(600):
        time.sleep(0.05)
        if {obedient} and cancel.is_set():
            print("saved", flush=True)
            check(cancel)

module = types.ModuleType("fake"); module.train = train; sys.modules["fake"] = module
JOBS["train"] = replace(JOBS["train"], function="fake:train")
from fspp_core.cli import main
sys.exit(main(["train", "a", "b", "m"]))
"""


def _started(obedient):
    child = subprocess.Popen(
        [sys.executable, "-c", STOPPABLE.format(obedient=obedient)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == "running\n"
    return child


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no way to send Ctrl-C to a single child")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_interrupt_saves_and_exits_130(number):
    child = _started(obedient=True)
    child.send_signal(number)
    out, err = child.communicate(timeout=30)
    assert (out, child.returncode) == ("saved\n", 130)
    assert "run the same command again to go on" in err
    assert "Traceback" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no way to send Ctrl-C to a single child")
def test_the_second_interrupt_stops_at_once():
    child = _started(obedient=False)
    child.send_signal(signal.SIGINT)
    while "Ctrl-C again" not in child.stderr.readline():
        pass
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=10) == 130
    child.stdout.close()
    child.stderr.close()


def test_handlers_are_put_back(ran):
    before = signal.getsignal(signal.SIGINT)
    run(["a", "b", "m"])
    assert signal.getsignal(signal.SIGINT) is before
    assert os.environ.get("FSPP_PLUGINS") is None
