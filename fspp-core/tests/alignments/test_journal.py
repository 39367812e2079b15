"""A stopped run goes on where it was, and its file is that of a run that was never stopped."""

from __future__ import annotations

import errno
import logging
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fspp_core.alignments import Alignments, AlignmentsJournal, FrameRecord, MediaRecord
from fspp_core.errors import AlignmentsError, BusyError

MakeFrame = Callable[[int], FrameRecord]
SETTINGS = {"detector": {"name": "mtcnn", "min_face": 40}, "every": 1}


def run(path: Path, media: MediaRecord, make_frame: MakeFrame, indices: range) -> Alignments:
    with AlignmentsJournal.open(path, media, SETTINGS) as journal:
        for index in indices:
            if index not in journal.done:
                journal.append(make_frame(index))
        return journal.finish()


@pytest.fixture
def undisturbed(tmp_path: Path, media: MediaRecord, make_frame: MakeFrame) -> bytes:
    run(tmp_path / "undisturbed.json", media, make_frame, range(6))
    return (tmp_path / "undisturbed.json").read_bytes()


@pytest.fixture
def stopped(tmp_path: Path, media: MediaRecord, make_frame: MakeFrame) -> Path:
    """An alignments file to be, whose run was stopped after three frames."""
    path = tmp_path / "größe" / "alignments.json"
    with AlignmentsJournal.open(path, media, SETTINGS) as journal:
        for index in range(3):
            journal.append(make_frame(index))
    return path


def journal_of(path: Path) -> Path:
    return path.with_name(path.name + ".journal")


def test_a_run_leaves_the_file_and_no_journal(tmp_path: Path, media: MediaRecord, make_frame: MakeFrame) -> None:
    path = tmp_path / "alignments.json"
    made = run(path, media, make_frame, range(4))
    assert [p.name for p in tmp_path.iterdir()] == ["alignments.json"]
    loaded = Alignments.load(path)
    assert (loaded.media, loaded.settings, list(loaded.frames)) == (media, SETTINGS, [0, 1, 2, 3])
    assert list(made.frames) == [0, 1, 2, 3]


def test_frames_in_any_order_give_the_same_file(
    tmp_path: Path, media: MediaRecord, make_frame: MakeFrame, undisturbed: bytes
) -> None:
    with AlignmentsJournal.open(tmp_path / "b.json", media, SETTINGS) as journal:
        for index in (3, 0, 5, 1, 4, 2):
            journal.append(make_frame(index))
        journal.finish()
    assert (tmp_path / "b.json").read_bytes() == undisturbed


def test_a_stopped_run_goes_on(stopped: Path, media: MediaRecord, make_frame: MakeFrame, undisturbed: bytes) -> None:
    assert not stopped.exists()
    with AlignmentsJournal.open(stopped, media, SETTINGS) as journal:
        assert journal.done == {0, 1, 2}
    run(stopped, media, make_frame, range(6))
    assert stopped.read_bytes() == undisturbed


def test_a_journal_cut_at_any_byte_recovers(tmp_path: Path, media: MediaRecord) -> None:
    def run_on(path: Path) -> set[int]:
        with AlignmentsJournal.open(path, media, SETTINGS, sync_every_s=60) as journal:
            found = set(journal.done)
            for index in range(3):
                if index not in found:
                    journal.append(FrameRecord(index=index, name=f"größe_{index}", pts=index))
            kept = journal_of(path).read_bytes()
            journal.finish()
            assert len(kept) == len(whole) or not whole
            return found

    whole = b""
    run_on(tmp_path / "undisturbed.json")
    undisturbed = (tmp_path / "undisturbed.json").read_bytes()
    path = tmp_path / "cut.json"
    with AlignmentsJournal.open(path, media, SETTINGS) as journal:
        for index in range(3):
            journal.append(FrameRecord(index=index, name=f"größe_{index}", pts=index))
    whole = journal_of(path).read_bytes()
    ends = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
    for cut in [*range(0, ends[0], 13), *range(ends[0], len(whole) + 1)]:
        path.unlink(missing_ok=True)
        journal_of(path).write_bytes(whole[:cut])
        assert run_on(path) == {index for index, end in enumerate(ends[1:]) if end <= cut}
        assert path.read_bytes() == undisturbed


def test_a_damaged_line_is_done_again(
    stopped: Path, media: MediaRecord, make_frame: MakeFrame, undisturbed: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    journal = journal_of(stopped)
    lines = journal.read_bytes().split(b"\n")
    lines[2] = lines[2][:50] + bytes([lines[2][50] ^ 1]) + lines[2][51:]
    lines[3] = b"\0" * len(lines[3])  # what a file system may leave after a power failure
    journal.write_bytes(b"\n".join(lines))
    with caplog.at_level(logging.WARNING), AlignmentsJournal.open(stopped, media, SETTINGS) as opened:
        assert opened.done == {0}
    assert "2 damaged lines" in caplog.text
    run(stopped, media, make_frame, range(6))
    assert stopped.read_bytes() == undisturbed


def test_damage_while_running_is_not_passed_over(stopped: Path, media: MediaRecord) -> None:
    with AlignmentsJournal.open(stopped, media, SETTINGS) as journal:
        data = bytearray(journal_of(stopped).read_bytes())
        data[-20] ^= 1
        journal_of(stopped).write_bytes(data)
        with pytest.raises(AlignmentsError, match="1 frames were damaged"):
            journal.finish()
    assert not stopped.exists()
    assert journal_of(stopped).exists()


def test_a_damaged_header_is_refused_while_frames_are_there(stopped: Path, media: MediaRecord) -> None:
    journal = journal_of(stopped)
    before = b"x" + journal.read_bytes()[1:]
    journal.write_bytes(before)
    with pytest.raises(AlignmentsError, match="line 1: damaged"):
        AlignmentsJournal.open(stopped, media, SETTINGS)
    assert journal.read_bytes() == before


def test_other_footage_is_refused(stopped: Path, media: MediaRecord) -> None:
    other = MediaRecord(name="b.mp4", kind="video", width=1, height=1, frame_count=1, fingerprint="sha256:def")
    before = journal_of(stopped).read_bytes()
    with pytest.raises(
        AlignmentsError, match=r"other footage: 'größe 中文\.mp4' .*sha256:abc.*'b\.mp4' \(sha256:def\)"
    ):
        AlignmentsJournal.open(stopped, other, SETTINGS)
    assert journal_of(stopped).read_bytes() == before


def test_moved_footage_is_the_same(stopped: Path, media: MediaRecord) -> None:
    moved = MediaRecord(
        name="elsewhere.mp4", kind="video", width=640, height=360, frame_count=500, fingerprint="sha256:abc"
    )
    with AlignmentsJournal.open(stopped, moved, SETTINGS) as journal:
        assert journal.done == {0, 1, 2}


def test_other_settings_are_refused_by_name(stopped: Path, media: MediaRecord, make_frame: MakeFrame) -> None:
    other: dict[str, Any] = {"detector": {"name": "mtcnn", "min_face": 20}, "every": 1, "extra": True}
    message = "detector.min_face was 40, is 20; extra was None, is True"
    with pytest.raises(AlignmentsError, match=message):
        AlignmentsJournal.open(stopped, media, other)
    run(stopped, media, make_frame, range(6))
    before = stopped.read_bytes()
    with pytest.raises(AlignmentsError, match=message):
        AlignmentsJournal.open(stopped, media, other)
    assert stopped.read_bytes() == before
    assert not journal_of(stopped).exists()


def test_a_finished_file_counts_as_done(
    stopped: Path, media: MediaRecord, make_frame: MakeFrame, undisturbed: bytes
) -> None:
    run(stopped, media, make_frame, range(6))
    written = stopped.stat().st_mtime_ns
    with AlignmentsJournal.open(stopped, media, SETTINGS) as journal:
        assert journal.done == set(range(6))
        journal.finish()
    assert stopped.stat().st_mtime_ns == written  # nothing to do, nothing written
    assert not journal_of(stopped).exists()
    more = run(stopped, media, make_frame, range(8))
    assert list(more.frames) == list(range(8))


def test_a_kill_between_file_and_journal_loses_nothing(
    stopped: Path, media: MediaRecord, make_frame: MakeFrame, undisturbed: bytes
) -> None:
    with AlignmentsJournal.open(stopped, media, SETTINGS) as journal:
        for index in range(3, 6):
            journal.append(make_frame(index))
    kept = journal_of(stopped).read_bytes()
    run(stopped, media, make_frame, range(6))
    journal_of(stopped).write_bytes(kept)  # as if it had not been removed any more
    run(stopped, media, make_frame, range(6))
    assert stopped.read_bytes() == undisturbed


def test_two_runs_at_once_are_refused(stopped: Path, media: MediaRecord) -> None:
    first = AlignmentsJournal.open(stopped, media, SETTINGS)
    with pytest.raises(BusyError, match="another run is writing"):
        AlignmentsJournal.open(stopped, media, SETTINGS)
    first.close()
    AlignmentsJournal.open(stopped, media, SETTINGS).close()


def test_a_frame_is_recorded_once(stopped: Path, media: MediaRecord, make_frame: MakeFrame) -> None:
    journal = AlignmentsJournal.open(stopped, media, SETTINGS)
    with pytest.raises(AlignmentsError, match="frame 1 is recorded already"):
        journal.append(make_frame(1))
    journal.close()


class FullDisk:
    """A file on a disk that fills up in the middle of a line."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def write(self, data: bytes) -> int:
        if len(data) > 40:
            return int(self.file.write(data[:30]))
        raise OSError(errno.ENOSPC, "No space left on device")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def test_a_full_disk_leaves_a_whole_journal(
    stopped: Path, media: MediaRecord, make_frame: MakeFrame, undisturbed: bytes
) -> None:
    before = journal_of(stopped).read_bytes()
    with AlignmentsJournal.open(stopped, media, SETTINGS) as journal:
        journal._file, file = FullDisk(journal._file), journal._file  # type: ignore[assignment]
        with pytest.raises(AlignmentsError, match=r"journal: cannot write: No space left.*free some space"):
            journal.append(FrameRecord(index=3, name="x", pts=1))
        journal._file = file
        assert journal_of(stopped).read_bytes() == before
        assert journal.done == {0, 1, 2}
        journal.append(make_frame(3))
    run(stopped, media, make_frame, range(6))
    assert stopped.read_bytes() == undisturbed


CHILD = """
import sys, time
import numpy as np
from fspp_core.alignments import AlignmentsJournal, FaceRecord, FrameRecord, MediaRecord

media = MediaRecord(name="clip.mp4", kind="video", width=640, height=360, frame_count=120, fingerprint="f")

def frame(index):
    rng = np.random.default_rng(index)
    face = FaceRecord(box=rng.uniform(0, 500, 4), score=0.5, landmarks=rng.uniform(0, 500, (68, 2)),
                      landmarks_origin="detected", detector="d", aligner="a")
    return FrameRecord(index=index, name=f"frame {index}", pts=index, faces=[face] * (index % 4))

with AlignmentsJournal.open(sys.argv[1], media, {"a": 1}, sync_every_s=0.01) as journal:
    print("ready", flush=True)
    for index in range(120):
        if index not in journal.done:
            journal.append(frame(index))
            print(index, flush=True)
            time.sleep(0.001)
    journal.finish()
"""


def test_killed_at_any_moment_it_ends_like_an_undisturbed_run(tmp_path: Path) -> None:
    script = tmp_path / "child.py"
    script.write_text(CHILD, encoding="utf-8")
    command = [sys.executable, str(script)]
    subprocess.run([*command, str(tmp_path / "whole.json")], check=True, stdout=subprocess.DEVNULL)
    path = tmp_path / "killed.json"
    chance = random.Random(4)
    reported: set[int] = set()
    kills = 0
    while True:
        child = subprocess.Popen([*command, str(path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        seen = [child.stdout.readline() for _ in range(chance.randrange(0, 30))]
        time.sleep(chance.uniform(0, 0.004))
        child.kill()
        output, _ = child.communicate()
        reported |= {int(line) for line in [*seen, *output.splitlines()] if line.strip()}
        if child.returncode == 0 or path.exists():
            break
        kills += 1
        journal = journal_of(path).read_bytes()
        good = {line.split(b'"index":', 1)[1].split(b",", 1)[0] for line in journal.split(b"\n")[1:-1]}
        assert {int(index) for index in good} >= reported  # what append returned from is there
        assert kills < 100
    subprocess.run([*command, str(path)], check=True, stdout=subprocess.DEVNULL)
    assert kills >= 3
    assert path.read_bytes() == (tmp_path / "whole.json").read_bytes()
    assert not journal_of(path).exists()
    assert not [p for p in tmp_path.iterdir() if p.suffix == ".part"]


# What hangs on all frames together


def test_the_last_touch_sees_all_frames_in_order(stopped: Path, media: MediaRecord, make_frame: MakeFrame) -> None:
    seen: list[list[int]] = []

    def complete(alignments: Alignments) -> None:
        seen.append(list(alignments.frames))
        for frame in alignments.frames.values():
            for face in frame.faces:
                face.track = frame.index

    with AlignmentsJournal.open(stopped, media, SETTINGS) as journal:
        for index in (4, 3):
            journal.append(make_frame(index))
        made = journal.finish(complete)
    assert seen == [[0, 1, 2, 3, 4]]
    loaded = Alignments.load(stopped)
    for alignments in (made, loaded):
        assert [[f.track for f in frame.faces] for frame in alignments.frames.values()] == [[], [1], [2, 2], [], [4]]
    with AlignmentsJournal.open(stopped, media, SETTINGS) as journal:
        journal.finish(complete)  # nothing is new
    assert len(seen) == 1


def test_a_last_touch_that_fails_costs_nothing(stopped: Path, media: MediaRecord) -> None:
    def complete(alignments: Alignments) -> None:
        raise KeyError("no")

    with AlignmentsJournal.open(stopped, media, SETTINGS) as journal, pytest.raises(KeyError):
        journal.finish(complete)
    assert not stopped.exists()
    with AlignmentsJournal.open(stopped, media, SETTINGS) as journal:
        assert journal.done == {0, 1, 2}
