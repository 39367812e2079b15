"""Whole trainings of a tiny network: resumed equals uninterrupted, and nothing good is lost whatever happens."""

from __future__ import annotations

import csv
import json
import math
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from fspp_core.errors import BusyError, Cancelled, ConfigError, PluginError, TrainingError
from fspp_core.locking import exclusive
from fspp_core.media import read_image
from fspp_core.models import CheckpointStore, open_model
from fspp_core.registry import load_registry
from fspp_core.training import TrainOptions, train
from fspp_core.training.session import Session

WHOLE = {"scheduler": "cosine", "losses": ("dssim=1", "mae=0.5")}

PLUGIN = Path(__file__).with_name("tiny_model.py")
BASE = {
    "model": "tiny",
    "steps": 6,
    "batch_size": 2,
    "learning_rate": 1e-3,
    "mask": "hull",
    "losses": ("mae=1",),
    "save_every": 1000,
    "preview_every": 0,
    "log_every": 1,
    "tensorboard": False,
}


@pytest.fixture(scope="module")
def registry():
    return load_registry(plugin_files=(PLUGIN,))


@pytest.fixture
def run(crops, registry):
    def go(folder, *, source=None, target=None, components=None, progress=None, cancel=None, **options):
        extra = {} if progress is None else {"progress": progress}
        return train(
            source or crops[0],
            target or crops[1],
            folder,
            TrainOptions(**{**BASE, **options}),
            components=components or {},
            registry=registry,
            cancel=cancel,
            **extra,
        )

    return go


@pytest.fixture
def events(registry):
    from pkgutil import resolve_name

    recorded = resolve_name(registry.spec("model", "tiny").factory.replace("Tiny", "EVENTS"))
    recorded.clear()
    return recorded


def rows(folder):
    with (folder / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def losses(folder):
    return [{k: v for k, v in row.items() if k not in ("seconds", "steps_per_s", "data_wait")} for row in rows(folder)]


def content(folder):
    """Every array of the newest checkpoint, and what its random numbers stand at."""
    checkpoint = CheckpointStore(folder).latest()
    arrays = {(name, path): array for name in checkpoint.parts for path, array in checkpoint.part(name).items()}
    arrays |= {("optimizer", path): array for path, array in checkpoint.optimizer().items()}
    return checkpoint.step, arrays, checkpoint.state["random"]


def assert_same(one, other):
    (step_a, a, seeds_a), (step_b, b, seeds_b) = content(one), content(other)
    assert (step_a, seeds_a) == (step_b, seeds_b)
    assert a.keys() == b.keys()
    different = [name for name in a if not np.array_equal(a[name], b[name])]
    assert different == []


@pytest.fixture(scope="module")
def straight(tmp_path_factory, crops, registry):
    """An undisturbed run of six steps, with everything on."""
    folder = tmp_path_factory.mktemp("straight") / "model"
    report = train(
        *crops,
        folder,
        TrainOptions(**{**BASE, **WHOLE, "preview_every": 4, "tensorboard": True}),
        registry=registry,
    )
    return folder, report


def test_a_run_leaves_what_it_promises(straight, registry):
    folder, report = straight
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["step-00000006"]
    assert sorted(path.name for path in (folder / "preview").iterdir()) == ["step-00000004.png", "step-00000006.png"]
    assert len(list((folder / "tensorboard").iterdir())) == 1
    logged = rows(folder)
    assert [int(row["step"]) for row in logged] == [1, 2, 3, 4, 5, 6]
    assert set(logged[0]) >= {"learning_rate", "loss", "source", "target_dssim", "source_mae", "source_mask"}
    assert all(math.isfinite(float(value)) for row in logged for value in row.values())
    model, checkpoint = open_model(folder, registry)
    assert checkpoint.step == 6
    assert checkpoint.state["face_type"] == "full"
    assert checkpoint.state["train_options"]["batch_size"] == 2
    assert checkpoint.state["data"]["source"]["faces"] == 6
    assert model.input_size == 24
    assert report.to_dict()["faces"] == {"source": 6, "target": 5}
    assert json.loads(json.dumps(report.to_dict()))["steps"] == 6
    assert report.parameters == sum(part.count_params() for part in model.parts.values())
    assert report.checkpoint == folder / "checkpoints" / "step-00000006"
    assert 0 <= report.data_wait <= 1


def test_preview_shows_five_rows(straight):
    sheet = read_image(straight[0] / "preview" / "step-00000006.png")
    assert sheet.shape[0] > 5 * 96
    assert sheet.shape[1] > 6 * 96
    assert sheet.std() > 20


def test_schedule_reaches_the_optimizer(straight):
    rates = [float(row["learning_rate"]) for row in rows(straight[0])]
    assert rates == pytest.approx([1e-3 * 0.5 * (1 + math.cos(math.pi * step / 6)) for step in range(6)], rel=1e-6)


@pytest.mark.parametrize("workers", [1, 3])
def test_resumed_equals_uninterrupted(tmp_path, run, straight, workers):
    """Dropout, masks, schedule, Adam and augmentation go on bit for bit, whatever the number of workers."""
    cancel = threading.Event()

    def stop_at_four(event):
        if event.stage == "train" and event.done == 4:
            cancel.set()

    with pytest.raises(Cancelled, match="step 4 of 6"):
        run(tmp_path, **WHOLE, progress=stop_at_four, cancel=cancel, workers=workers)
    assert CheckpointStore(tmp_path).latest().step == 4
    report = run(tmp_path, **WHOLE, workers=workers)
    assert (report.first_step, report.steps) == (4, 6)
    assert losses(tmp_path) == losses(straight[0])
    assert_same(tmp_path, straight[0])


def test_steps_can_be_extended(tmp_path, run):
    run(tmp_path / "a", steps=3)
    again = run(tmp_path / "a", steps=3)
    assert (again.first_step, again.steps, again.losses) == (3, 3, {})
    run(tmp_path / "a", steps=5)
    run(tmp_path / "b", steps=5)
    assert losses(tmp_path / "a") == losses(tmp_path / "b")
    assert_same(tmp_path / "a", tmp_path / "b")


def test_another_seed_is_another_training(tmp_path, run, straight):
    run(tmp_path, **WHOLE, seed=1, steps=1)
    assert losses(tmp_path)[0] != losses(straight[0])[0]


def test_log_rows_after_the_checkpoint_are_done_again(tmp_path, run):
    run(tmp_path, steps=3)
    with (tmp_path / "log.csv").open("a") as file:
        file.write(",".join(["4", *["9"] * (len(rows(tmp_path)[0]) - 1)]) + "\n5,0.1")
    run(tmp_path, steps=4)
    assert [row["step"] for row in rows(tmp_path)] == ["1", "2", "3", "4"]
    assert float(rows(tmp_path)[-1]["loss"]) < 9


def test_events_are_called(tmp_path, run, events):
    run(tmp_path, steps=4, save_every=2)
    steps = [event[1] for event in events if event[0] == "step"]
    saved = [event[1:] for event in events if event[0] == "saved"]
    assert steps == [1, 2, 3, 4]
    assert [step for step, _ in saved] == [2, 4]
    assert all(Path(path).is_dir() for _, path in saved)
    assert {"loss", "learning_rate", "source_mae", "data_wait"} <= events[0][2].keys()


def test_progress_tells_rate_losses_and_wait(tmp_path, run):
    told = []
    run(tmp_path, steps=2, progress=told.append)
    assert [(event.stage, event.done, event.total) for event in told] == [("train", 1, 2), ("train", 2, 2)]
    assert told[0].values.keys() == {"loss", "source", "target", "steps_per_s", "data_wait"}
    assert told[0].values["steps_per_s"] > 0


def test_interrupt_saves(tmp_path, run, monkeypatch):
    def interrupted(self, figures):
        if self.step == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Session, "after_step", interrupted)
    with pytest.raises(Cancelled, match="step 3"):
        run(tmp_path / "stopped")
    monkeypatch.undo()
    run(tmp_path / "stopped")
    run(tmp_path / "whole")
    assert_same(tmp_path / "stopped", tmp_path / "whole")


def test_interrupt_inside_the_update_counts_it(tmp_path, run, monkeypatch):
    """The weights had been changed when the interrupt came, but the counter had not."""
    from fspp_core.training.step import Trainer

    original = Trainer.train_on_batch
    calls = []

    def interrupted(self, *args, **kwargs):
        result = original(self, *args, **kwargs)
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(Trainer, "train_on_batch", interrupted)
    with pytest.raises(Cancelled, match="step 3"):
        run(tmp_path / "stopped")
    monkeypatch.undo()
    run(tmp_path / "stopped")
    run(tmp_path / "whole")
    assert_same(tmp_path / "stopped", tmp_path / "whole")


class LateFlag:
    """Set once it has been asked so often."""

    def __init__(self, questions):
        self.left = questions

    def is_set(self):
        self.left -= 1
        return self.left < 0


def test_cancel_while_faces_are_found_leaves_nothing(tmp_path, run):
    with pytest.raises(Cancelled):
        run(tmp_path / "model", cancel=LateFlag(3))
    assert not (tmp_path / "model").exists()


def test_cancel_before_the_first_step_saves_the_start(tmp_path, run):
    cancel = LateFlag(6 + 5)  # once a face
    with pytest.raises(Cancelled, match="step 0 of 6"):
        run(tmp_path / "stopped", cancel=cancel)
    assert CheckpointStore(tmp_path / "stopped").latest().step == 0
    run(tmp_path / "stopped", steps=2)
    run(tmp_path / "whole", steps=2)
    assert_same(tmp_path / "stopped", tmp_path / "whole")


def test_infinite_loss_stops_and_keeps_the_last_good_checkpoint(tmp_path, run):
    run(tmp_path, steps=3)
    good = content(tmp_path)
    with pytest.raises(TrainingError) as caught:
        run(tmp_path, steps=9, learning_rate=3e38, save_every=100)
    message = str(caught.value)
    assert "not finite" in message
    assert "step-00000003 is kept" in message or "step 3 is kept" in message
    assert "learning_rate" in message
    assert CheckpointStore(tmp_path).latest().step == 3
    run(tmp_path, steps=4)
    assert content(tmp_path)[0] == 4
    assert good[0] == 3


def test_weights_that_are_not_finite_are_not_saved(tmp_path, run, monkeypatch):
    original = Session.after_step

    def poisoned(self, figures):
        if self.step == 4:
            weight = self.model.parts["encoder"].weights[0]
            weight.assign(np.full(weight.shape, np.nan))
        original(self, figures)

    monkeypatch.setattr(Session, "after_step", poisoned)
    with pytest.raises(TrainingError, match=r"step 4: .* of part encoder is no longer finite.*step 2 is kept"):
        run(tmp_path, save_every=2)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-00000002"]


@pytest.mark.parametrize(
    ("options", "components", "named"),
    [
        ({"model": "other"}, {}, "model: the model was made with 'tiny', now it is 'other'"),
        ({"face_type": "half"}, {}, "face_type: the model was made with 'full', now it is 'half'"),
        ({}, {"tiny": {"filters": 3}}, "tiny.filters: the model was made with 6, now it is 3"),
    ],
)
def test_fixed_options_cannot_change(tmp_path, run, options, components, named):
    run(tmp_path, steps=1)
    before = sorted(path.name for path in tmp_path.rglob("*"))
    with pytest.raises(TrainingError, match="another folder") as caught:
        run(tmp_path, steps=2, components=components, **options)
    assert named in str(caught.value)
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_model_options_are_remembered_and_the_others_may_change(tmp_path, run):
    run(tmp_path, steps=1, components={"tiny": {"filters": 4, "dropout": 0.0}})
    run(tmp_path, steps=2)
    run(tmp_path, steps=3, components={"tiny": {"dropout": 0.5}})
    stored = CheckpointStore(tmp_path).latest().model_options
    assert stored["filters"] == 4
    assert stored["dropout"] == 0.5


def test_optimizer_may_change_and_starts_afresh(tmp_path, run, caplog):
    run(tmp_path, steps=2)
    with caplog.at_level("WARNING"):
        run(tmp_path, steps=3, optimizer="rmsprop")
    assert "rmsprop instead of adam" in caplog.text


def test_changed_faces_are_told(tmp_path, run, crops, caplog):
    run(tmp_path, steps=1)
    with caplog.at_level("WARNING"):
        run(tmp_path, steps=2, source=crops[1])
    assert "source: the faces have changed" in caplog.text


def test_mixed_bfloat16_run(tmp_path, run):
    run(tmp_path, steps=3, precision="mixed_bfloat16", force_precision=True)
    run(tmp_path, steps=4)  # and on in float32
    assert {array.dtype.name for (name, _), array in content(tmp_path)[1].items() if name == "encoder"} == {"float32"}


def test_precision_no_device_computes_in_is_refused(tmp_path, run, monkeypatch):
    from fspp_core import backend

    cpu = backend.DeviceInfo(name="CPU:0", kind="cpu")
    monkeypatch.setattr(backend, "devices", lambda: [cpu])
    monkeypatch.setattr(backend, "cpu_has_bfloat16", lambda: backend.Capability(False, "it is a toaster"))
    with pytest.raises(TrainingError, match=r"mixed_float16 needs a GPU.*force_precision"):
        run(tmp_path, precision="mixed_float16")
    with pytest.raises(TrainingError, match=r"mixed_bfloat16 would be slow: it is a toaster.*force_precision"):
        run(tmp_path, precision="mixed_bfloat16")
    assert not (tmp_path / "checkpoints").exists()


def test_losses_go_down(tmp_path, run):
    run(tmp_path, steps=60, learning_rate=3e-3, warp=0.0, transform=0.0, color=0.0, clahe=0.0, log_every=1)
    course = [float(row["loss"]) for row in rows(tmp_path)]
    assert np.mean(course[-10:]) < 0.7 * np.mean(course[:5])


def test_wrong_options_are_refused_before_anything_is_made(tmp_path, run):
    folder = tmp_path / "model"
    with pytest.raises(ConfigError, match=r"train\.steps"):
        run(folder, steps=0)
    with pytest.raises(ConfigError, match="name=weight"):
        run(folder, losses=("dssim=x",))
    with pytest.raises(PluginError, match="dssim"):
        run(folder, losses=("dsim=1",))
    with pytest.raises(ConfigError, match=r"components\.tiny\.filter"):
        run(folder, components={"tiny": {"filter": 3}})
    assert not folder.exists()


def test_mask_that_nobody_has_is_named(tmp_path, run):
    with pytest.raises(TrainingError, match=r"no mask 'hands'.*frame \d; stored: hull.*background_weight"):
        run(tmp_path, mask="hands | hull * hands")


def test_masks_that_cannot_be_read_or_had_are_refused_first(tmp_path, run):
    folder = tmp_path / "model"
    with pytest.raises(ConfigError, match=r"mask: expected a mask after '-'\n  hull -\n        \^"):
        run(folder, mask="hull -")
    with pytest.raises(ConfigError, match=r"source_mask: learned is there in conversions only.*\n  hull \* learned"):
        run(folder, source_mask="hull * learned")
    with pytest.raises(ConfigError, match="xseg@swap is there in conversions only"):
        run(folder, mask="xseg@swap | hull")
    assert not folder.exists()


def test_sides_frames_and_shapes_of_masks_reach_the_losses(tmp_path, run):
    def errors(number, **options):
        run(tmp_path / str(number), steps=1, log_every=1, background_weight=0.0, **options)
        return {key: value for key, value in rows(tmp_path / str(number))[0].items() if key.endswith("_mask")}

    plain = errors(0)
    source = errors(1, source_mask="hull - eyes")
    assert source["source_mask"] != plain["source_mask"]
    assert source["target_mask"] == plain["target_mask"]
    frames = errors(2, mask="0-1: none; hull")
    assert all(frames[side] != plain[side] for side in plain)
    for number, options in enumerate(({"mask_erode": 20.0}, {"mask_blur_size": 20.0}), 3):
        shaped = errors(number, **options)
        assert all(shaped[side] != plain[side] for side in plain)


def test_loss_without_map_and_model_without_mask(tmp_path, run):
    run(tmp_path, steps=2, losses=("whole=1", "mse=0.5"), components={"tiny": {"mask": False}})
    assert {"source_whole", "source_mse"} <= rows(tmp_path)[0].keys()
    assert "source_mask" not in rows(tmp_path)[0]


SCRIPT = """
import sys
from pathlib import Path
from fspp_core.registry import load_registry
from fspp_core.training import TrainOptions, train
source, target, folder, plugin, steps = sys.argv[1:]
options = TrainOptions(
    model="tiny", steps=int(steps), batch_size=2, learning_rate=1e-3, mask="hull", save_every=3, keep_checkpoints=2,
    preview_every=4, log_every=1,
)
train(source, target, folder, options, registry=load_registry(plugin_files=(Path(plugin),)))
"""


def test_killed_training_resumes_to_the_same_end(tmp_path, run, crops):
    """kill -9 once some checkpoints are there, twice, then to the end; the end is that of an undisturbed run."""
    import subprocess
    import time

    steps = 400
    folder = tmp_path / "killed"
    arguments = [sys.executable, "-c", SCRIPT, *map(str, crops), str(folder), str(PLUGIN), str(steps)]
    random = np.random.default_rng(0)
    for goal in (5, 60):
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while newest(folder) < goal:
            assert process.poll() is None, process.stderr.read().decode()
            time.sleep(0.01)
        time.sleep(float(random.uniform(0, 0.3)))
        process.kill()
        process.communicate()
    reached = CheckpointStore(folder).latest().step
    assert 60 <= reached < steps
    end = reached + 4
    options = {
        "steps": end,
        "losses": ("dssim=1.0", "mae=1.0"),
        "save_every": 3,
        "keep_checkpoints": 2,
        "preview_every": 0,
    }
    run(folder, **options)
    run(tmp_path / "whole", **options)
    assert_same(folder, tmp_path / "whole")
    assert losses(folder) == losses(tmp_path / "whole")
    assert [int(row["step"]) for row in rows(folder)] == list(range(1, end + 1))


def newest(folder):
    found = (folder / "checkpoints").glob("step-????????") if folder.exists() else ()
    return max((int(path.name[5:]) for path in found), default=0)


def test_a_face_that_goes_missing_does_not_cost_the_work(tmp_path, run, crops):
    """A damaged file stops the training with its name, after saving."""
    import shutil

    from fspp_core.errors import FsppError

    faces = tmp_path / "faces"
    shutil.copytree(crops[0], faces)

    def spoil(event):
        if event.done == 2:
            (faces / "000003_0.png").write_bytes(b"")

    with pytest.raises(FsppError, match=r"000003_0\.png") as caught:
        run(tmp_path / "model", source=faces, steps=40, cache_mb=0, workers=1, progress=spoil)
    saved = CheckpointStore(tmp_path / "model").latest()
    assert 2 <= saved.step < 40
    assert str(saved.path) in " ".join(caught.value.__notes__)


def test_session_can_be_stepped_by_hand(tmp_path, crops, registry):
    from fspp_core.training.loop import open_session

    with open_session(*crops, tmp_path, TrainOptions(**BASE), registry=registry) as session:
        first = session.advance()
        session.advance()
        session.save()
    assert first["loss"] > 0
    assert CheckpointStore(tmp_path).latest().step == 2


def test_a_model_that_another_run_trains_is_left_alone(tmp_path, run):
    run(tmp_path / "model", steps=2)
    before = losses(tmp_path / "model")
    with exclusive(tmp_path / "model"), pytest.raises(BusyError, match=r"model: another run"):
        run(tmp_path / "model", steps=4)
    assert losses(tmp_path / "model") == before
    assert CheckpointStore(tmp_path / "model").latest().step == 2
