"""A conversion killed anywhere and started again gives what an undisturbed one gives, byte for byte."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import textwrap

import av
import pytest

from fspp_core.conversion import ConvertOptions, convert

OPTIONS = {
    "codec": "ffv1",
    "mask": "learned",
    "color": "rct",
    "batch_size": 4,
    "segment_frames": 3,
    "threads": 1,
    "workers": 2,
}


@pytest.fixture(scope="module")
def footage(tmp_path_factory, tools, astronaut):
    """A video of forty frames, most with a face, some with two, and the same as a folder of pictures."""
    folder = tmp_path_factory.mktemp("footage")
    frames, faces = tools.poses(astronaut, 40)
    video = tools.write_video(folder / "clip.mkv", frames, sound=True)
    pictures = tools.write_folder(folder / "pictures", frames[:24])
    chosen = {i: [face] * (1 + (i % 7 == 2)) for i, face in enumerate(faces) if i % 5 != 3}
    first = {i: those for i, those in chosen.items() if i < 24}
    return (
        (video, tools.write_alignments(folder / "video.json", video, chosen)),
        (pictures, tools.write_alignments(folder / "pictures.json", pictures, first)),
    )


CHILD = """
import os, sys, time
from fspp_core.conversion import ConvertOptions, convert
from fspp_core.registry import load_registry

options, plugin, *places = {arguments!r}

def progress(event):
    print(event.done, flush=True)
    time.sleep({pause})

report = convert(*places, ConvertOptions(**options), registry=load_registry(plugin_files=[plugin]), progress=progress)
print("resumed", report.frames_resumed, flush=True)
"""


def content(output):
    """Everything in the output: bytes by file name, or the packets of a Matroska file, which holds a random number."""
    if output.suffix == ".mkv":
        with av.open(str(output)) as container:
            return [(p.stream_index, p.pts, p.dts, p.duration, bytes(p)) for p in container.demux() if p.size]
    files = sorted(output.iterdir()) if output.is_dir() else [output]
    return {file.name: file.read_bytes() for file in files}


def test_killed_processes(footage, tint, tmp_path, tools, toy_registry):
    """SIGKILL at two moments of one conversion to a video, early and late."""
    media, alignments = footage[0]
    model = tint(mask=True)
    plain = tmp_path / "plain" / "out.mkv"
    convert(media, alignments, model, plain, ConvertOptions(**OPTIONS), registry=toy_registry)
    output = tmp_path / "killed" / "out.mkv"
    arguments = (OPTIONS, str(tools.plugin), str(media), str(alignments), str(model), str(output))
    script = textwrap.dedent(CHILD).format(arguments=arguments, pause=0.02)
    rng = random.Random(1)
    reached = []
    for kill_at in (rng.randrange(4, 16), rng.randrange(24, 36), None):
        process = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        lines = []
        for line in process.stdout:
            lines.append(line.strip())
            if kill_at is not None and line.strip().isdigit() and int(line) >= kill_at:
                process.kill()
                break
        _, errors = process.communicate()
        if kill_at is None:
            assert process.returncode == 0, errors
            assert lines[-1].startswith("resumed")
            assert int(lines[-1].split()[1]) >= 21
        else:
            assert process.returncode != 0
            assert not output.exists()
        reached.append(int(lines[0]))
    assert reached[0] == 0
    assert reached == sorted(reached)
    assert content(output) == content(plain)
    assert not output.with_name("out.mkv.parts").exists()


class Crash(BaseException):
    """Stands for anything that ends a run; unlike a kill it lets the process live, so that many can be tried."""


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "pictures"])
def test_crashes_at_random_frames(footage, tint, tmp_path, toy_registry, name):
    media, alignments = footage[name == "pictures"]
    options = ConvertOptions(
        **{**OPTIONS, "codec": "h264" if name == "out.mp4" else "ffv1", "audio": name != "out.mp4"}
    )
    plain = tmp_path / "plain" / name
    total = convert(media, alignments, tint(mask=True), plain, options, registry=toy_registry).frames
    rng = random.Random(2)
    for attempt in range(2):
        output = tmp_path / str(attempt) / name
        crashes, starts = sorted(rng.sample(range(1, total), 3)), []

        def progress(event, crashes=crashes, starts=starts, output=output):
            if not event.values:
                starts.append(event.done)
            elif crashes and event.done >= crashes[0]:
                crashes.pop(0)
                assert not (output.with_name(f"{output.name}.report.json")).exists()
                raise Crash

        while crashes:
            with pytest.raises(Crash):
                convert(media, alignments, tint(mask=True), output, options, registry=toy_registry, progress=progress)
        convert(media, alignments, tint(mask=True), output, options, registry=toy_registry, progress=progress)
        assert content(output) == content(plain)
        assert len(starts) == 4
        assert starts == sorted(starts)
        assert starts[-1] > 0


def test_another_job_does_not_go_on_with_what_is_there(footage, tint, tmp_path, toy_registry, caplog):
    media, alignments = footage[0]
    output = tmp_path / "out.mkv"

    def stopped(event):
        if event.done == 12:
            raise Crash

    with pytest.raises(Crash):
        convert(
            *(media, alignments, tint(mask=True), output),
            ConvertOptions(**OPTIONS),
            registry=toy_registry,
            progress=stopped,
        )
    job = json.loads((tmp_path / "out.mkv.parts" / "job.json").read_text("utf-8"))
    assert {"model", "alignments", "options", "components", "software"} <= set(job)
    changed = ConvertOptions(**{**OPTIONS, "erode": 5.0})
    report = convert(media, alignments, tint(mask=True), output, changed, registry=toy_registry)
    assert report.frames_resumed == 0
    assert "with other options" in caplog.text
    plain = tmp_path / "plain" / "out.mkv"
    convert(media, alignments, tint(mask=True), plain, changed, registry=toy_registry)
    assert content(output) == content(plain)
