"""What a run says about its stages: what each did, at work or waiting, and for which of its neighbours."""

from __future__ import annotations

import time

import cv2
import pytest

from fspp_core.progress import Timings

STAGES = ["decode", "detect", "align", "identify", "mask", "crop", "journal"]


def test_items_are_frames_and_then_faces(run, video, tmp_path):
    report = run(video, tmp_path)
    items = {stage: row["items"] for stage, row in report.stages.items()}
    assert items == {stage: 20 if stage in ("decode", "detect", "journal") else report.faces for stage in STAGES}
    for row in report.stages.values():
        assert list(row) == ["items", "busy_s", "starved_s", "blocked_s", "items_per_s"]
        assert row["items_per_s"] == pytest.approx(row["items"] / row["busy_s"], rel=0.3, abs=1)
    assert report.to_dict()["stages"] == report.stages
    assert run(video, tmp_path).stages == {}


def test_filters_are_stages_where_they_are_asked_for(run, video, tmp_path):
    report = run(video, tmp_path, filter_max_scale=0.3, recognizers=(), maskers=(), save_faces=False)
    assert list(report.stages) == ["decode", "detect", "align", "filter", "journal"]
    assert report.stages["filter"]["items"] == report.faces + report.left_out["max_scale"]


@pytest.mark.parametrize("slow", STAGES[1:])
def test_neighbours_of_a_slow_stage_wait_for_it(run, toy, video, tmp_path, monkeypatch, slow):
    """The stages before it have nowhere to put what they have done, those after it have nothing to do."""
    measure = Timings.measure

    def slowed(self, stage):
        if stage == slow:
            time.sleep(0.02 if stage == "journal" else 0.08)
        return measure(self, stage)

    monkeypatch.setattr(Timings, "measure", slowed)
    stages = run(video, tmp_path, batch_size=2, workers=1).stages
    place = STAGES.index(slow)
    before, after = STAGES[:place], STAGES[place + 1 :]
    blocked = sum(stages[stage]["blocked_s"] for stage in before)
    starved = sum(stages[stage]["starved_s"] for stage in after)
    assert blocked > 0.1
    assert not after or starved > 0.2
    assert sum(stages[stage]["starved_s"] for stage in before) < blocked
    assert sum(stages[stage]["blocked_s"] for stage in after) < max(starved, 0.1)


@pytest.mark.parametrize("fault", ["", "shape"])
def test_opencv_keeps_to_one_thread_while_it_runs(run, toy, video, tmp_path, monkeypatch, fault):
    seen = set()
    detect = toy.Blobs.detect
    monkeypatch.setattr(toy.Blobs, "detect", lambda self, images: seen.add(cv2.getNumThreads()) or detect(self, images))
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        if fault:
            with pytest.raises(Exception, match="does not like it"):
                run(video, tmp_path, blobs={"fault": fault})
        else:
            run(video, tmp_path)
        assert (seen, cv2.getNumThreads()) == ({1}, 3)
    finally:
        cv2.setNumThreads(before)


def test_small_faces_get_no_picture_but_stay(run, video, tmp_path, faces_of):
    """Faces 44 and 24 pixels wide, on pictures of 48 pixels."""
    all_of_them = run(video, tmp_path / "all")
    large = run(video, tmp_path / "large", min_scale=100)
    none = run(video, tmp_path / "none", min_scale=1000)
    assert all_of_them.faces == large.faces == none.faces == 30
    assert faces_of(tmp_path / "all") == faces_of(tmp_path / "none")
    pictures = {
        name: sorted(p.name for p in (tmp_path / name / "faces").iterdir()) for name in ("all", "large", "none")
    }
    assert [len(pictures[name]) for name in pictures] == [30, 18, 0]
    assert all(name.endswith("_0.png") for name in pictures["large"])
