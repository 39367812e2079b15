"""`fspp extract`: what it prints and how it ends, for one piece of footage and for a folder of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from fspp_core.cli import main


@pytest.fixture
def fspp(tools, tmp_path, monkeypatch, capsys):
    """`fspp("in.mp4", "out", "--json")` runs `fspp extract` with the toy and gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fspp_core.cli.jobs.start_backend", lambda: None)  # the toy needs none

    def run(*words):
        flags = ["--plugin", str(tools.plugin), "--detector", "blobs", "--size", "48", "--batch-size", "4"]
        code = main(["extract", *map(str, words), *flags])
        return code, *capsys.readouterr()

    return run


def test_a_profile_goes_to_stderr(fspp, video):
    code, out, err = fspp(video, "out", "--profile", "--json")
    report = json.loads(out)
    assert code == 0
    lines = [line.split() for line in err.splitlines()]
    assert ["stage", "items", "busy", "s", "starved", "s", "blocked", "s", "items", "per", "s"] in lines
    shown = {line[0]: line[1] for line in lines if line[0] in report["stages"]}
    assert shown == {stage: str(row["items"]) for stage, row in report["stages"].items()}
    assert list(shown) == ["decode", "detect", "align", "identify", "mask", "crop", "journal"]


def test_without_profile_there_is_no_table(fspp, video):
    code, out, err = fspp(video, "out")
    assert code == 0
    assert "starved" not in out + err


def test_a_profile_of_nothing_says_so(fspp, video):
    fspp(video, "out")
    assert "no stage had anything to do" in fspp(video, "out", "--profile")[2]  # and may be asked for afterwards


def test_a_batch_lists_all_and_its_exit_code_tells(fspp, tmp_path, tools):
    (tmp_path / "in").mkdir()
    tools.clip(tmp_path / "in" / "one.mp4", 4)
    (tmp_path / "in" / "two.mp4").write_bytes(b"")
    code, out, err = fspp("--batch", "in", "out", "--profile")
    assert code == 1
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert any(line.startswith("one 6 faces in 4 frames, ") for line in lines)
    assert any(line.startswith("two failed: ") for line in lines)
    assert "extract one (1 of 2): 4/4 frame" in err
    assert "Error: 1 of 2 failed: two; the others are done" in err
    assert "one:\nstage" in err
    assert (tmp_path / "out" / "one" / "alignments.json").exists()
    tools.clip(tmp_path / "in" / "two.mp4", 3)
    code, out, _ = fspp("in", "out", "--batch", "--json")
    report = json.loads(out)
    assert (code, report["failed"]) == (0, [])
    assert [item["frames_resumed"] for item in report["items"].values()] == [4, 0]


@pytest.mark.parametrize(("again", "loaded"), [([], False), (["--overwrite"], True)])
def test_what_is_finished_loads_no_network_library(fspp, video, tools, again, loaded):
    fspp(video, "out")
    script = (
        "import sys; from fspp_core.cli import main; assert main() == 0; print(sum('keras' == m for m in sys.modules))"
    )
    words = ["extract", video, "out", "--plugin", tools.plugin, "--detector", "blobs", "--size", "48", *again]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FSPP_")}
    ended = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)], capture_output=True, text=True, env=environment, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == str(int(loaded))
