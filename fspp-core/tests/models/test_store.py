"""Checkpoints: whole or not at all, damage found and named, the last good one never lost."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fspp_core.errors import CheckpointError
from fspp_core.models import Checkpoint, CheckpointStore
from fspp_core.models import store as store_module

MODEL = {
    "model": "toy",
    "options": {"size": 64, "names": ("a", "b")},
    "owner": {"distribution": "toys", "version": "1"},
}


def weights_of(step: int) -> dict[str, dict[str, Any]]:
    generator = np.random.default_rng(step)
    return {
        "encoder": {"conv/kernel": generator.normal(size=(3, 3, 3, 4)).astype(np.float32), "conv/bias": np.zeros(4)},
        "decoder": {"kernel": generator.normal(size=(4, 5)).astype(np.float32)},
    }


def write(store: CheckpointStore, step: int, *, keep: int = 3, **state: Any) -> Path:
    return store.write(
        step=step,
        model=MODEL,
        weights=weights_of(step),
        optimizer={"inner/0": np.asarray(step, np.int64), "inner/1": np.full((2, 2), step, np.float32)},
        state=state,
        keep=keep,
    )


def steps(store: CheckpointStore) -> list[int]:
    return [checkpoint.step for checkpoint in store.all()]


def assert_whole(checkpoint: Checkpoint) -> None:
    for name, arrays in weights_of(checkpoint.step).items():
        loaded = checkpoint.part(name)
        assert loaded.keys() == arrays.keys()
        for key, array in arrays.items():
            np.testing.assert_array_equal(loaded[key], array)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "Müller’s 模型")
    path = write(store, 1000, random=np.arange(3), loss=np.float32(0.5), face_type="full")
    assert path == store.folder / "step-00001000"
    assert sorted(file.name for file in path.iterdir()) == [
        "decoder.safetensors", "encoder.safetensors", "model.json", "optimizer.safetensors", "state.json",
    ]  # fmt: skip
    checkpoint = store.latest()
    assert checkpoint is not None
    assert (checkpoint.step, checkpoint.model_name) == (1000, "toy")
    assert checkpoint.model_options == {"size": 64, "names": ["a", "b"]}
    assert checkpoint.state == {"random": [0, 1, 2], "loss": 0.5, "face_type": "full"}
    assert checkpoint.owner == MODEL["owner"]
    assert checkpoint.parts["encoder"]["parameters"] == 112
    assert checkpoint.parts["encoder"]["weights"]["conv/kernel"] == {"shape": [3, 3, 3, 4], "dtype": "float32"}
    assert {"python", "fspp-core", "numpy"} <= checkpoint.versions.keys()
    assert_whole(checkpoint)
    optimizer = checkpoint.optimizer()
    assert optimizer["inner/0"].shape == ()
    assert optimizer["inner/0"].dtype == np.int64
    assert optimizer["inner/0"] == 1000


def test_a_folder_without_checkpoints_has_none(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "nothing")
    assert store.latest() is None
    assert store.all() == []
    assert not (tmp_path / "nothing").exists()


def test_the_newest_are_kept(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    for step in (1, 2, 3, 10, 100_000_000):
        write(store, step, keep=2)
    assert steps(store) == [100_000_000, 10]
    assert sorted(p.name for p in store.folder.iterdir()) == ["step-00000010", "step-100000000"]


def test_a_step_saved_again_gets_its_own_folder(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    first = write(store, 5, run=1)
    second = write(store, 5, run=2)
    assert (first.name, second.name) == ("step-00000005", "step-00000005-2")
    latest = store.latest()
    assert latest is not None
    assert latest.state == {"run": 2}
    assert store.open(5).path == second
    assert write(store, 6, keep=1).name == "step-00000006"
    assert steps(store) == [6]


def test_an_earlier_step_saved_later_is_never_pruned_at_once(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    write(store, 9, keep=1)
    path = write(store, 3, keep=1)
    assert path.exists()
    assert steps(store) == [9, 3]


def flip(path: Path, place: float) -> None:
    data = bytearray(path.read_bytes())
    data[int(place * (len(data) - 1))] ^= 0x20
    path.write_bytes(data)


DAMAGES: dict[str, Callable[[Path], Any]] = {
    "flipped": lambda path: flip(path, 0.9),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-3]),
    "empty": lambda path: path.write_bytes(b""),
    "missing": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}
FILES = ["encoder.safetensors", "decoder.safetensors", "optimizer.safetensors", "model.json", "state.json"]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", FILES)
def test_a_damaged_one_is_named_and_the_newest_good_one_used(
    tmp_path: Path, file: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = CheckpointStore(tmp_path)
    for step in (1, 2, 3):
        write(store, step)
    DAMAGES[damage](store.folder / "step-00000003" / file)
    latest = store.latest()
    assert latest is not None
    assert latest.step == 2
    assert [d.path.name for d in store.damaged] == ["step-00000003"]
    assert file in store.damaged[0].fault
    assert "step-00000003" in caplog.text
    with pytest.raises(CheckpointError, match=r"step-00000003 is damaged.*newest good one is .*step-00000002"):
        store.open(3)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=st.sampled_from(FILES), place=st.floats(0, 1))
def test_any_flipped_byte_is_found(tmp_path: Path, file: str, place: float) -> None:
    shutil.rmtree(tmp_path / "checkpoints", ignore_errors=True)
    store = CheckpointStore(tmp_path)
    write(store, 1)
    path = write(store, 2) / file
    before = path.read_bytes()
    flip(path, place)
    if file == "state.json" and before.split() == path.read_bytes().split():
        return  # only spaces between values changed: what is written still means the same
    latest = store.latest()
    assert latest is not None
    same = file == "state.json" and _means(before) == _means(path.read_bytes())
    assert latest.step == (2 if same else 1)


def _means(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data


def test_when_all_are_damaged_nothing_begins_anew(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    for step in (1, 2):
        (write(store, step) / "encoder.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"no checkpoint is whole(?s:.*)step-00000002(?s:.*)step-00000001"):
        store.latest()


def test_an_unknown_step_is_refused(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    write(store, 1)
    with pytest.raises(CheckpointError, match=r"no checkpoint of step 7.*step-00000001"):
        store.open(7)


def test_damaged_ones_do_not_count_as_kept(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    for step in (1, 2, 3):
        write(store, step, keep=3)
    (store.folder / "step-00000003" / "decoder.safetensors").unlink()
    write(store, 4, keep=2)
    assert steps(store) == [4, 2], "the good ones"
    assert [d.path.name for d in store.damaged] == ["step-00000003"], "kept for whoever wants to look at it"
    write(store, 5, keep=2)
    assert steps(store) == [5, 4]
    assert store.damaged == [], "older than all that is kept"


@pytest.mark.parametrize("moment", ["write_tensors", "file_digest", "_rename"])
def test_a_failed_save_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    store = CheckpointStore(tmp_path)
    write(store, 1, keep=1)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(store_module, moment, full)
        with pytest.raises(CheckpointError, match=r"step 2 cannot be written.*No space left"):
            write(store, 2, keep=1)
    assert [p.name for p in store.folder.iterdir()] == ["step-00000001"]
    latest = store.latest()
    assert latest is not None
    assert_whole(latest)


def test_a_save_that_reads_back_wrong_prunes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = CheckpointStore(tmp_path)
    write(store, 1, keep=1)
    rename = store_module._rename

    def rot(old: Path, new: Path) -> None:
        flip(old / "encoder.safetensors", 0.9)
        rename(old, new)

    monkeypatch.setattr(store_module, "_rename", rot)
    with pytest.raises(CheckpointError, match="encoder"):
        write(store, 2, keep=1)
    latest = store.latest()
    assert latest is not None
    assert latest.step == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"state": {"loss": float("nan")}}, "JSON"),
        ({"state": {"thing": object()}}, "object"),
        ({"weights": {"../x": {}}}, "part"),
        ({"weights": {"optimizer": {}}}, "optimizer"),
        ({"weights": {"a": {"k": np.array(["text"])}}}, "only numbers"),
        ({"keep": 0}, "keep"),
        ({"step": -1}, "step"),
    ],
)
def test_what_cannot_be_saved_is_refused(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    store = CheckpointStore(tmp_path)
    arguments: dict[str, Any] = {
        "step": 1, "model": MODEL, "weights": weights_of(1), "optimizer": {}, "state": {}, "keep": 1,
    }  # fmt: skip
    with pytest.raises(CheckpointError, match=says):
        store.write(**(arguments | change))
    assert steps(store) == []
    assert not store.folder.exists() or not list(store.folder.iterdir())


ARRAYS = st.dictionaries(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12),
    hnp.arrays(
        st.sampled_from([np.float32, np.float16, np.float64, np.int64, np.uint32, np.uint8, np.bool_]),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    ),
    max_size=4,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrays=ARRAYS, transposed=st.booleans())
def test_any_arrays_survive(tmp_path: Path, arrays: dict[str, Any], transposed: bool) -> None:
    store = CheckpointStore(tmp_path)
    arrays = {name: array.T if transposed else array for name, array in arrays.items() if name != "__metadata__"}
    store.write(step=1, model=MODEL, weights={"part": arrays}, optimizer=arrays, state={}, keep=1)
    checkpoint = store.latest()
    assert checkpoint is not None
    for loaded in (checkpoint.part("part"), checkpoint.optimizer()):
        assert loaded.keys() == arrays.keys()
        for name, array in arrays.items():
            assert loaded[name].dtype == array.dtype
            np.testing.assert_array_equal(loaded[name], array)


def test_bfloat16_survives(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    array = np.arange(6, dtype=np.float32).astype(ml_dtypes.bfloat16).reshape(2, 3)
    store.write(step=1, model=MODEL, weights={"part": {"w": array}}, optimizer={}, state={}, keep=1)
    checkpoint = store.latest()
    assert checkpoint is not None
    loaded = checkpoint.part("part")["w"]
    assert loaded.dtype == array.dtype
    assert loaded.tobytes() == array.tobytes()
    assert checkpoint.parts["part"]["weights"]["w"]["dtype"] == "bfloat16"


SAVER = """
import sys
from pathlib import Path
import numpy as np
from fspp_core.models import CheckpointStore
store = CheckpointStore(Path(sys.argv[1]))
latest = store.latest()
step = 0 if latest is None else latest.step
model = {"model": "toy", "options": {}, "owner": {}}
print("ready", step, flush=True)
while True:
    step += 1
    weights = {name: {"w": np.full(50_000, step, np.float32)} for name in ("encoder", "decoder_source")}
    store.write(step=step, model=model, weights=weights, optimizer={"m": np.full(99, step)}, state={"x": step}, keep=2)
    print("saved", step, flush=True)
"""


def test_killed_at_any_moment_a_good_one_is_left(tmp_path: Path) -> None:
    """A real process saves without pause and is killed, again and again; what it said it saved is there, whole."""
    chance = random.Random(7)
    store = CheckpointStore(tmp_path / "model")
    said = 0
    for _ in range(12):
        process = subprocess.Popen(
            [sys.executable, "-c", SAVER, str(tmp_path / "model")], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        said = _latest_step(store)  # a kill between a save and its word leaves one that was not spoken of
        assert process.stdout.readline() == f"ready {said}\n"
        time.sleep(chance.uniform(0.0, 0.25))
        os.kill(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        lines = process.stdout.read().split("\n")
        process.stdout.close()
        process.wait()
        said = max([said, *(int(line.split()[1]) for line in lines if line.startswith("saved"))])
        step = _latest_step(store)
        assert said <= step <= said + 1
        assert store.damaged == [], "a kill leaves no damaged checkpoint in sight"
    assert said > 3, "the process never got to save"
    write(store, 10**6, keep=1)
    assert [p.name for p in store.folder.iterdir()] == ["step-01000000"], "what killed processes left is cleared"


def _latest_step(store: CheckpointStore) -> int:
    checkpoint = store.latest()
    if checkpoint is None:
        return 0
    for part in checkpoint.parts:
        assert (checkpoint.part(part)["w"] == checkpoint.step).all()
    assert (checkpoint.optimizer()["m"] == checkpoint.step).all()
    assert checkpoint.state == {"x": checkpoint.step}
    return checkpoint.step
