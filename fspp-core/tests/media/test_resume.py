"""Killed at any moment and run again, a writer's output equals that of an undisturbed run; failures are clear."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from fspp_core.errors import BusyError, MediaError
from fspp_core.media import EncodeOptions, MediaReader, open_media, open_writer

Clips = Callable[[str], Path]

JOB = """
import sys, time
from fspp_core.media import EncodeOptions, open_media, open_writer
source, output, codec, limit = sys.argv[1:]
if int(limit):
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
preset = {"h264": "veryfast", "h265": "ultrafast", "ffv1": None, "prores": None}[codec]
options = EncodeOptions(codec=codec, preset=preset, segment_frames=5)
with open_media(source) as media, open_writer(output, like=media, options=options) as writer:
    print("from", writer.done, flush=True)
    for frame in media.frames(writer.done):
        writer.write(frame.with_image(255 - frame.image) if frame.index % 3 else frame)
        print("wrote", frame.index, flush=True)
        time.sleep(0.002)
    print("closing", flush=True)
print("finished", flush=True)
"""


def start(source: Path, output: Path, codec: str = "h264", limit: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", JOB, str(source), str(output), codec, str(limit)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run_to_the_end(source: Path, output: Path, codec: str = "h264") -> list[str]:
    process = start(source, output, codec)
    said, complaints = process.communicate(timeout=120)
    assert process.returncode == 0, complaints
    return said.splitlines()


def content(output: Path) -> list[tuple[int | None, bytes]]:
    if output.is_dir():
        return [(None, p.name.encode() + p.read_bytes()) for p in sorted(output.iterdir())]
    with av.open(str(output)) as container:
        return [(f.pts, b"".join(bytes(p) for p in f.planes)) for f in container.decode(video=0)]


@pytest.mark.parametrize(
    ("source", "name", "codec"),
    [("vfr.mp4", "out.mp4", "h264"), ("sound.mp4", "out.mkv", "ffv1"), ("plain.mp4", "pictures", "h264")],
)
def test_killed_at_random_moments(source: str, name: str, codec: str, clips: Clips, tmp_path: Path) -> None:
    undisturbed, output = tmp_path / "whole" / name, tmp_path / "killed" / name
    run_to_the_end(clips(source), undisturbed, codec)
    rng = np.random.default_rng([len(name), len(codec)])
    starts: list[int] = []
    kills = 0
    closing = False
    while not closing:  # each round gets some frames further; the last one is killed while it finishes
        process = start(clips(source), output, codec)
        assert process.stdout is not None
        first = process.stdout.readline().split()
        assert first[:1] == ["from"], process.stderr and process.stderr.read()
        starts.append(int(first[1]))
        patience = int(rng.integers(7, 14))
        for line in process.stdout:
            patience -= 1
            closing = line == "closing\n"
            if patience <= 0 or closing:
                break
        time.sleep(float(rng.uniform(0, 0.03)))
        process.kill()
        process.communicate()
        kills += process.returncode != 0
    run_to_the_end(clips(source), output, codec)
    assert kills >= 2
    assert starts == sorted(starts), "work that was safe has been lost"
    assert starts[-1] >= 20, "little was taken over"
    assert content(output) == content(undisturbed)
    assert [p.name for p in output.parent.iterdir()] == [name], "parts were left behind"


def write_some(media: MediaReader, output: Path, count: int, **how: Any) -> int:
    """Write frames up to `count`, then stop as a failing caller would; returns where the writer went on."""
    options = how.pop("options", EncodeOptions(preset="ultrafast", segment_frames=5))
    resume = how.pop("resume", True)
    writer = open_writer(output, like=media, options=options, resume=resume, **how)
    first = writer.done
    for frame in media.frames(first, count):
        writer.write(frame)
    writer.abort()
    return first


def test_only_the_same_job_is_continued(clips: Clips, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    output = tmp_path / "o.mp4"
    other = EncodeOptions(preset="ultrafast", segment_frames=5, crf=30)
    with open_media(clips("plain.mp4")) as media, open_media(clips("vfr.mp4")) as vfr:
        assert write_some(media, output, 13, job={"model": "a"}) == 0
        assert write_some(media, output, 18, job={"model": "a"}) == 10
        with caplog.at_level(logging.WARNING):
            assert write_some(media, output, 18, job={"model": "b"}) == 0
            assert "made with other model" in caplog.text
            assert write_some(media, output, 18, job={"model": "b"}, options=other) == 0
            assert "made with other plan" in caplog.text
            assert write_some(vfr, output, 18, job={"model": "b"}, options=other) == 0
            assert "plan, source" in caplog.text or "source" in caplog.text
            assert write_some(vfr, output, 18, job={"model": "b"}, options=other, resume=False) == 0
            assert "resuming was not wanted" in caplog.text
    assert not output.exists()


def test_a_part_that_was_tampered_with_is_made_anew(clips: Clips, tmp_path: Path) -> None:
    output = tmp_path / "o.mp4"
    with open_media(clips("plain.mp4")) as media:
        write_some(media, output, 20)
        second = tmp_path / "o.mp4.parts" / "000001.mkv"
        second.write_bytes(second.read_bytes()[:-7])
        assert write_some(media, output, 20) == 5
        (tmp_path / "o.mp4.parts" / "000002.json").write_text("{ torn")
        assert write_some(media, output, 30) == 10
        with open_writer(output, like=media, options=EncodeOptions(preset="ultrafast", segment_frames=5)) as writer:
            for frame in media.frames(writer.done):
                writer.write(frame)
    with open_media(output) as result:
        assert result.info.frame_count == 40


def test_an_exception_keeps_what_is_done(clips: Clips, tmp_path: Path) -> None:
    output = tmp_path / "o.mp4"
    options = EncodeOptions(preset="ultrafast", segment_frames=5)
    with open_media(clips("plain.mp4")) as media:

        def fail() -> None:
            with open_writer(output, like=media, options=options) as writer:
                for frame in media.frames(0, 12):
                    writer.write(frame)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fail()
        assert not output.exists()
        assert write_some(media, output, 12) == 10


def test_a_foreign_folder_is_not_touched(clips: Clips, tmp_path: Path) -> None:
    folder = tmp_path / "o.mp4.parts"
    folder.mkdir()
    (folder / "letters.txt").write_text("keep me")
    with open_media(clips("plain.mp4")) as media, pytest.raises(MediaError, match="is in the way"):
        open_writer(tmp_path / "o.mp4", like=media)
    assert (folder / "letters.txt").read_text() == "keep me"


def test_an_old_output_stays_until_the_new_one_is_whole(clips: Clips, tmp_path: Path) -> None:
    output = tmp_path / "o.mp4"
    output.write_bytes(b"an older render")
    with open_media(clips("plain.mp4")) as media:
        write_some(media, output, 12)
        assert output.read_bytes() == b"an older render"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files (resource module)")
@pytest.mark.parametrize("limit", [2_000, 30_000, 60_000])
@pytest.mark.parametrize("codec", ["ffv1", "prores"])
def test_a_disk_that_takes_no_more_is_a_clear_error(codec: str, limit: int, clips: Clips, tmp_path: Path) -> None:
    output = tmp_path / ("o.mkv" if codec == "ffv1" else "o.mov")
    process = start(clips("plain.mp4"), output, codec, limit)
    said, complaints = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "finished" not in said
    assert "fspp_core.errors.MediaError" in complaints
    assert output.name in complaints.splitlines()[-1]
    assert "the file grows larger" in complaints.splitlines()[-1]
    assert not output.exists()
    assert run_to_the_end(clips("plain.mp4"), output, codec)[-1] == "finished"
    with open_media(output) as media:
        assert media.info.frame_count == 40


@pytest.mark.parametrize("name", ["o.mp4", "pictures"])
def test_an_output_is_written_by_one_run_at_a_time(name: str, clips: Clips, tmp_path: Path) -> None:
    with open_media(clips("plain.mp4")) as media:
        first = open_writer(tmp_path / name, like=media)
        first.write(media.frame(0))
        with pytest.raises(BusyError, match=rf"{name}: another run"):
            open_writer(tmp_path / name, like=media)
        first.write(media.frame(1))
        first.close()
        with open_writer(tmp_path / name, like=media) as second:
            second.write(media.frame(0))


def test_the_job_is_told_apart_by_what_matters(clips: Clips, tmp_path: Path) -> None:
    with open_media(clips("plain.mp4")) as media:
        write_some(media, tmp_path / "o.mp4", 7, job={"weights": "größe"})
    job = json.loads((tmp_path / "o.mp4.parts" / "job.json").read_text("utf-8"))
    assert job["weights"] == "größe"
    assert {"plan", "source", "versions"} <= set(job)
    assert job["plan"]["time_base"] == "1/90000"
