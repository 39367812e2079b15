"""The demo from end to end, shortened: all it promises lies there, a second run goes on, the face really moves."""

from __future__ import annotations

import json
from dataclasses import replace

import av
import numpy as np
import pytest

from fspp_core.alignments import Alignments
from fspp_core.demo.run import DEMO_TRAINING, DemoSettings, run_demo
from fspp_core.media import open_media, read_image

FRAMES = 12
SETTINGS = DemoSettings(
    frames=FRAMES, size=256, train=replace(DEMO_TRAINING, steps=30, save_every=20, preview_every=20)
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Folder, report and events of one short demo."""
    folder = tmp_path_factory.mktemp("demo") / "fspp-demo"
    events = []
    return folder, run_demo(folder, SETTINGS, progress=events.append), events


def test_everything_promised_is_there(demo):
    folder, report, _ = demo
    assert {path.name for path in folder.iterdir()} == {
        "target.mp4", "source.mp4", "target", "source", "model", "swapped.mp4", "sheet.png", "demo.json",
        *(path.name for path in folder.glob("swapped*.json")),
    }  # fmt: skip
    assert all(path.exists() for path in report.made.values())
    for clip in ("target", "source"):
        assert (
            sum(map(len, (f.faces for f in Alignments.load(folder / clip / "alignments.json").frames.values())))
            == FRAMES
        )
        assert len(list((folder / clip / "faces").glob("*.png"))) == FRAMES
    assert json.loads((folder / "demo.json").read_text(encoding="utf-8")) == report.to_dict()


def test_progress_is_reported_for_every_stage(demo):
    _, _, events = demo
    ends = {event.stage: event.done for event in events if event.done == event.total}
    assert {"extract", "train", "convert"} <= set(ends)
    assert ends["train"] == 30


def test_the_swapped_clip_keeps_time_and_sound_and_changes_the_face_alone(demo):
    folder, report, _ = demo
    with av.open(str(folder / "target.mp4")) as before, av.open(str(folder / "swapped.mp4")) as after:
        assert len(after.streams.audio) == 1
        assert [p.pts * p.time_base for p in _by_time(before)] == [p.pts * p.time_base for p in _by_time(after)]
    faces = Alignments.load(folder / "target" / "alignments.json")
    with open_media(folder / "target.mp4") as before, open_media(folder / "swapped.mp4") as after:
        for index in (0, FRAMES // 2):
            change = np.abs(before.frame(index).bgr8.astype(int) - after.frame(index).bgr8).mean(-1)
            left, top, right, bottom = faces.faces(index)[0].box.astype(int)
            assert change[top:bottom, left:right].mean() > 4 * change[:, : max(1, left - 60)].mean()
    assert report.distances.faces == FRAMES / 6


def _by_time(container):
    return sorted((p for p in container.demux(video=0) if p.size), key=lambda p: p.pts)


def test_the_sheet_says_that_it_is_synthetic_and_shows_three_rows(demo):
    folder, _, _ = demo
    sheet = read_image(folder / "sheet.png")
    assert sheet.shape[0] > 3 * 224
    assert sheet.shape[1] > 6 * 224
    assert sheet[:40].max() > 200


def test_the_commands_name_every_option_that_is_not_a_default(demo):
    _, report, _ = demo
    words = " ".join(report.commands)
    for flag in ("--preset demo", "--steps 30", "--max-faces 1", "--size 192", "--scheduler cosine", "--flip 0.0"):
        assert flag in words
    assert [line.split()[1] for line in report.commands] == ["extract", "extract", "train", "convert"]


def test_running_again_does_nothing_twice(demo):
    folder, first, _ = demo
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.suffix in (".mp4", ".safetensors")}
    again = run_demo(folder, SETTINGS)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert again.distances == first.distances
