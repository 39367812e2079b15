"""An extraction killed anywhere and started again gives what an undisturbed one gives, byte for byte."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time

import pytest

from fspp_core.alignments import Alignments
from fspp_core.errors import AlignmentsError, BusyError
from fspp_core.extraction import ExtractOptions, extract
from fspp_core.locking import lock

# The toy needs no network, so that a process that calls the library is up in half a second.
SCRIPT = """
import json, sys
from fspp_core.extraction import ExtractOptions, extract
from fspp_core.registry import load_registry

plugin, video, output, options = sys.argv[1:]
options = ExtractOptions(detector="blobs", size=48, batch_size=2, **json.loads(options))
print(json.dumps(extract(video, output, options, registry=load_registry(plugin_files=[plugin])).to_dict()))
"""


def start(*words, pause_s=0.0, log=None):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FSPP_")}
    return subprocess.Popen(
        [sys.executable, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environment, "TOY_PAUSE_S": str(pause_s), "PYTHONUTF8": "1", **({"TOY_LOG": str(log)} if log else {})},
    )


def ended(process):
    """The report of a process that is left alone."""
    report, errors = process.communicate()
    assert process.returncode == 0, errors.decode()
    return json.loads(report)


def kill(process):
    """Kill a process; whether it was, before its work was done. It must not have failed before."""
    process.kill()
    errors = process.communicate()[1].decode()
    assert process.returncode == 0 or "Error" not in errors, errors
    return process.returncode != 0


def kill_after(process, journal, size, more_s=0.0):
    """Kill the process a while after the journal is longer than `size` bytes; whether it was, as by `kill`."""
    deadline = time.monotonic() + 120
    while process.poll() is None and (not journal.exists() or journal.stat().st_size <= size):
        assert time.monotonic() < deadline
        time.sleep(0.001)
    time.sleep(more_s)
    return kill(process)


@pytest.mark.parametrize(("options", "frames", "kills"), [({}, 200, 50), ({"detect_every": 5}, 60, 12)])
def test_killed_at_random_moments(tmp_path, tools, options, frames, kills):
    """Each run is killed at some moment: while it starts, or somewhat after it has got a few frames further."""
    draw = tools.patterned if options else tools.squares  # a pattern can be followed
    video = tools.clip(tmp_path / "squares.mp4", frames, draw=draw)
    command = ["-c", SCRIPT, tools.plugin, video]
    began = time.monotonic()
    whole = ended(start(*command, tmp_path / "plain", json.dumps(options)))
    starting_s = max(0.1, time.monotonic() - began - whole["seconds"]["all"])

    rng = random.Random(os.urandom(8))
    output, log = tmp_path / "killed", tmp_path / "log.txt"
    journal = output / "alignments.json.journal"
    line = (tmp_path / "plain" / "alignments.json").stat().st_size / frames
    done = [0]
    for _ in range(kills):
        process = start(*command, output, json.dumps(options), pause_s=0.01, log=log)
        if rng.random() < 0.3:
            time.sleep(rng.uniform(0, starting_s))
            assert kill(process)
        else:
            size = (journal.stat().st_size if journal.exists() else 0) + rng.uniform(0, 2 * frames / kills * line)
            if not kill_after(process, journal, size, rng.uniform(0, 0.03)):
                break
        if journal.exists():
            done.append(max(0, journal.read_bytes().count(b"\n") - 1))
        assert not (output / "report.json").exists()
    assert len(done) > kills // 2
    assert done == sorted(done)
    report = ended(start(*command, output, json.dumps(options), log=log))
    assert report["frames_resumed"] >= done[-1] > frames // 4
    assert tools.content(output) == tools.content(tmp_path / "plain")
    assert not journal.exists()

    told = [int(line) for line in log.read_text().split()]
    assert len(told) == len(set(told))  # no frame is done twice
    assert frames - kills <= len(told) <= frames  # a kill may strike just before it is told


def test_killed_with_a_network(astronaut_clip, tmp_path, tools):
    """The detector's batches fall differently after a kill; what it finds does not."""
    options = ExtractOptions(size=64, batch_size=5)
    components = {"mtcnn": {"min_face": 40}}
    extract(astronaut_clip, tmp_path / "plain", options, components=components)
    output = tmp_path / "killed"
    flags = ["--size", "64", "--batch-size", "5", "-o", "mtcnn.min_face=40"]
    process = start("-m", "fspp_core", "extract", astronaut_clip, output, *flags)
    assert kill_after(process, output / "alignments.json.journal", 20_000)
    report = extract(astronaut_clip, output, options, components=components)
    assert 0 < report.frames_resumed < 24
    assert tools.content(output) == tools.content(tmp_path / "plain")


class Crash(BaseException):
    """Stands for anything that ends a run; unlike a kill it lets the process live, so that many can be tried."""


@pytest.mark.parametrize("where", ["crop", "journal"])
def test_crashes_between_a_crop_and_its_journal_line(run, video, tmp_path, tools, monkeypatch, where):
    run(video, tmp_path / "plain")
    import fspp_core.extraction.driver as driver
    import fspp_core.extraction.stages as stages

    rng = random.Random(3)
    for attempt in range(3):
        output = tmp_path / str(attempt)
        target, name = (stages, "write_face_crop") if where == "crop" else (driver.AlignmentsJournal, "append")
        real, crash_in = getattr(target, name), rng.randrange(1, 20)

        def crashing(*arguments, real=real):
            nonlocal crash_in
            crash_in -= 1
            if crash_in < 0:
                raise Crash
            real(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(target, name, crashing)
            with pytest.raises(Crash):
                run(video, output)
        run(video, output)
        assert tools.content(output) == tools.content(tmp_path / "plain")


def test_done_frames_are_not_done_again(run, toy, video, tmp_path):
    def stop(event):
        if event.done == 8:
            raise Crash

    with pytest.raises(Crash):
        run(video, tmp_path, progress=stop)
    stamps = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "faces").iterdir()}
    recorded = {line.split(b'"name":"')[1].split(b'"')[0].decode() for line in journal_lines(tmp_path)}
    toy.EVENTS.clear()
    run(video, tmp_path)
    assert sorted(index for index, _ in toy.EVENTS) == list(range(8, 20))
    for name, stamp in stamps.items():
        if name.rpartition("_")[0] in recorded:
            assert (tmp_path / "faces" / name).stat().st_mtime_ns == stamp


def journal_lines(output):
    return (output / "alignments.json.journal").read_bytes().splitlines()[1:]


def test_other_speed_options_may_go_on(run, video, tmp_path, tools):
    def stop(event):
        if event.done == 5:
            raise Crash

    with pytest.raises(Crash):
        run(video, tmp_path / "out", progress=stop)
    assert run(video, tmp_path / "out", batch_size=7, workers=1).frames_resumed == 5
    run(video, tmp_path / "plain")
    assert tools.content(tmp_path / "out") == tools.content(tmp_path / "plain")


def test_a_finished_extraction_is_left_alone(run, toy, video, tmp_path, tools):
    first = run(video, tmp_path)
    before, report = tools.content(tmp_path), (tmp_path / "report.json").read_bytes()
    kept = sorted((tmp_path / "faces").iterdir())[3:]
    for path in sorted((tmp_path / "faces").iterdir())[:3]:
        path.unlink()  # the user sorted faces out
    toy.BUILT.clear()
    again = run(video, tmp_path)
    assert (again.frames_resumed, again.frames, again.faces) == (20, 20, first.faces)
    assert toy.BUILT == []
    assert sorted((tmp_path / "faces").iterdir()) == kept
    assert (tmp_path / "alignments.json").read_bytes() == before["alignments.json"]
    assert (tmp_path / "report.json").read_bytes() == report


def stopped_run(run, media, output, **options):
    def stop(event):
        if event.done == 5:
            raise Crash

    with pytest.raises(Crash):
        run(media, output, progress=stop, **options)


@pytest.mark.parametrize("finished", [True, False])
def test_another_extraction_is_never_mixed_in(run, video, tmp_path, tools, finished):
    other = tools.clip(tmp_path / "other.mp4", 20, phase=13)
    output = tmp_path / "out"
    run(video, output) if finished else stopped_run(run, video, output)
    before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    for media, options, message in (
        (other, {}, r"belongs to other footage: .*squares\.mp4"),
        (video, {"size": 64}, r"other settings: options\.size was 48, is 64"),
        (video, {"every": 2}, r"options\.every was 1, is 2"),
        (video, {"blobs": {"least": 90}}, r"components\.blobs\.least was 100, is 90"),
    ):
        with pytest.raises(AlignmentsError, match=message) as caught:
            run(media, output, **options)
        assert any("overwrite" in note for note in caught.value.__notes__)
    assert {path: path.read_bytes() for path in output.rglob("*") if path.is_file()} == before
    run(other, tmp_path / "plain", size=64)
    report = run(other, output, size=64, overwrite=True)
    assert report.frames_resumed == 0
    assert tools.content(output) == tools.content(tmp_path / "plain")


def test_overwrite_goes_on_with_its_own_work(run, video, tmp_path):
    stopped_run(run, video, tmp_path, overwrite=True)
    assert run(video, tmp_path, overwrite=True).frames_resumed == 5
    assert run(video, tmp_path, overwrite=True).frames_resumed == 20


def test_overwrite_with_something_that_cannot_be_built_costs_nothing(run, video, tmp_path, tools):
    from fspp_core.errors import PluginError

    run(video, tmp_path)
    before = tools.content(tmp_path)
    with pytest.raises(PluginError, match="no weights"):
        run(video, tmp_path, overwrite=True, blobs={"fault": "build"})
    assert tools.content(tmp_path) == before


def test_damaged_alignments_can_be_replaced(run, video, tmp_path, tools):
    run(video, tmp_path / "out")
    good = tools.content(tmp_path / "out")
    (tmp_path / "out" / "alignments.json").write_bytes(good["alignments.json"][:500])
    with pytest.raises(AlignmentsError, match="damaged"):
        run(video, tmp_path / "out")
    run(video, tmp_path / "out", overwrite=True)
    assert tools.content(tmp_path / "out") == good


def test_crops_without_alignments_are_not_mixed_with_new_ones(run, video, tmp_path):
    run(video, tmp_path)
    (tmp_path / "alignments.json").unlink()
    with pytest.raises(AlignmentsError, match=r"30 pictures lie there already \(squares_000000_0\.png, "):
        run(video, tmp_path, every=2)
    run(video, tmp_path, every=2, overwrite=True)
    assert len(list((tmp_path / "faces").iterdir())) == Alignments.load(tmp_path / "alignments.json").face_count


def test_pictures_of_the_user_are_never_deleted(run, video, tmp_path, tools):
    tools.folder(tmp_path / "faces", tools.squares(2))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.png")}
    with pytest.raises(AlignmentsError, match=r"2 pictures lie there already"):
        run(video, tmp_path)
    with pytest.raises(AlignmentsError, match=r"shot000\.png: this is no face crop made by fspp and is not deleted"):
        run(video, tmp_path, overwrite=True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.png")} == before


def test_overwrite_harms_no_run_at_work(run, video, tmp_path):
    stopped_run(run, video, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    journal = tmp_path / "alignments.json.journal"
    with journal.open("ab") as file:
        lock(file, journal)
        with pytest.raises(BusyError, match="another run"):
            run(video, tmp_path, every=2, overwrite=True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_what_a_kill_left_half_written_is_swept(run, video, tmp_path, tools):
    stopped_run(run, video, tmp_path / "out")
    (tmp_path / "out" / "faces" / ".squares_000009_0.0badcafe.part.png").write_bytes(b"half")
    run(video, tmp_path / "out")
    run(video, tmp_path / "plain")
    assert tools.content(tmp_path / "out") == tools.content(tmp_path / "plain")
