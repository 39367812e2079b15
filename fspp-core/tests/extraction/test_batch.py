"""Whole folders of footage: each to a folder of its own, whatever happens to the others."""

from __future__ import annotations

import json
import logging
import threading

import pytest

from fspp_core.errors import Cancelled, ConfigError, MediaError, PluginError
from fspp_core.extraction import ExtractOptions, extract_all
from fspp_core.extraction.footage import footage_in
from fspp_core.media import write_image


@pytest.fixture
def parent(tmp_path, tools):
    """Two videos that differ by their suffix only, another, and two folders of pictures."""
    folder = tmp_path / "in"
    folder.mkdir()
    tools.clip(folder / "a.mp4", 8)
    tools.clip(folder / "a.mov", 6, phase=5)
    tools.clip(folder / "größe.mkv", 4)
    tools.folder(folder / "pictures", tools.squares(5))
    return folder


@pytest.fixture
def run_all(toy, toy_registry):
    def run_all(folder, output, *, blobs=None, progress=None, cancel=None, **options):
        options = ExtractOptions(**{"detector": "blobs", "size": 48, "batch_size": 4, **options})
        more = {} if progress is None else {"progress": progress}
        return extract_all(
            folder, output, options, components={"blobs": blobs or {}}, registry=toy_registry, cancel=cancel, **more
        )

    return run_all


def test_each_is_extracted_as_by_itself_with_components_built_once(run_all, run, toy, parent, tmp_path, tools):
    report = run_all(parent, tmp_path / "out")
    assert len(toy.BUILT) == 1
    assert toy.BUILT[0].closed == 1
    names = {"a.mov": "a.mov", "a.mp4": "a.mp4", "größe": "größe.mkv", "pictures": "pictures"}
    assert [item.name for item in report.items] == list(names)
    for name, media in names.items():
        run(parent / media, tmp_path / "single" / name)
        assert tools.content(tmp_path / "out" / name) == tools.content(tmp_path / "single" / name)
    assert report.failed == []
    facts = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert facts == json.loads(json.dumps(report.to_dict()))
    assert facts["frames"] == 8 + 6 + 4 + 5
    assert facts["faces"] == sum(each.faces for each in report.done)
    assert facts["items"]["größe"]["frames"] == 4


def test_one_that_fails_is_reported_and_the_others_go_on(run_all, toy, parent, tmp_path, tools, caplog):
    (parent / "b.mp4").write_bytes(b"no video at all")
    report = run_all(parent, tmp_path / "out")
    assert report.failed == ["b"]
    assert len(report.done) == 4
    assert "b.mp4" in report.to_dict()["items"]["b"]["error"]
    assert any(record.levelno == logging.ERROR and "b.mp4" in record.message for record in caplog.records)
    tools.clip(parent / "b.mp4", 3)
    toy.EVENTS.clear()
    again = run_all(parent, tmp_path / "out")
    assert again.failed == []
    assert len(toy.EVENTS) == 3
    assert [each.frames_resumed for each in again.done] == [6, 8, 0, 4, 5]


def test_an_error_nobody_expected_costs_one_item(run_all, toy, parent, tmp_path, monkeypatch, caplog):
    detect = toy.Blobs.detect

    def broken(self, images):
        if len(toy.EVENTS) == 6:  # the first item is done
            toy.EVENTS.append("broken")
            raise ZeroDivisionError("surprise")
        return detect(self, images)

    monkeypatch.setattr(toy.Blobs, "detect", broken)
    report = run_all(parent, tmp_path / "out")
    assert report.failed == ["a.mp4"]
    assert report.to_dict()["items"]["a.mp4"]["error"] == "ZeroDivisionError: surprise"
    assert "Traceback" in caplog.text


def test_a_stopped_batch_goes_on(run_all, toy, parent, tmp_path, tools):
    cancel = threading.Event()
    seen = []

    def progress(event):
        seen.append(event.stage)
        if event.stage == "extract a.mp4 (2 of 4)" and event.done == 3:
            cancel.set()

    with pytest.raises(Cancelled):
        run_all(parent, tmp_path / "out", progress=progress, cancel=cancel)
    assert set(seen) == {"extract a.mov (1 of 4)", "extract a.mp4 (2 of 4)"}
    assert not (tmp_path / "out" / "report.json").exists()
    toy.EVENTS.clear()
    report = run_all(parent, tmp_path / "out")
    assert [each.frames_resumed for each in report.done] == [6, 3, 0, 0]
    assert len(toy.EVENTS) == 5 + 4 + 5
    run_all(parent, tmp_path / "plain")
    for item in report.items:
        assert tools.content(item.output) == tools.content(tmp_path / "plain" / item.name)


def test_a_finished_batch_builds_nothing(run_all, toy, parent, tmp_path):
    run_all(parent, tmp_path / "out")
    toy.BUILT.clear()
    assert [each.frames_resumed for each in run_all(parent, tmp_path / "out").done] == [6, 8, 4, 5]
    assert toy.BUILT == []


def test_what_concerns_all_fails_at_once(run_all, parent, tmp_path):
    with pytest.raises(PluginError, match="no weights"):
        run_all(parent, tmp_path / "out", blobs={"fault": "build"})
    with pytest.raises(ConfigError, match="of one piece of footage"):
        run_all(parent, tmp_path / "out", import_from="faces.json")
    with pytest.raises(MediaError, match="is the folder of the footage itself"):
        run_all(parent, parent)
    assert not (tmp_path / "out").exists()


def test_names_are_never_shared(tmp_path, tools):
    for name in ("one.mp4", "One.MOV", "x.mp4.mkv", "x.mp4", "y.avi", ".hidden.mp4", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    tools.folder(tmp_path / "y", tools.squares(1))
    (tmp_path / "empty").mkdir()
    names = {each.path.name: each.name for each in footage_in(tmp_path)}
    assert names == {
        "one.mp4": "one.mp4",
        "One.MOV": "One.MOV",
        "x.mp4": "x",
        "x.mp4.mkv": "x.mp4.mkv",
        "y": "y",
        "y.avi": "y.avi",
    }
    assert len({name.casefold() for name in names.values()}) == len(names)


def test_folders_without_footage_say_so(tmp_path, tools):
    with pytest.raises(MediaError, match="there is no such folder"):
        footage_in(tmp_path / "nowhere")
    (tmp_path / "out").mkdir()
    with pytest.raises(MediaError, match=r"no video in it, nor a folder of pictures$"):
        footage_in(tmp_path)
    write_image(tmp_path / "shot.png", next(tools.squares(1)))
    with pytest.raises(MediaError, match="holds pictures itself"):
        footage_in(tmp_path)
