"""`fspp extract` with networks of full size: S3FD and FAN by weights that are made up, MTCNN before FAN on real faces.

The weights say nothing, so what is found means nothing; that files, options, second pass and resuming work is what is
shown. Frames are few and small, and the networks are asked for as little as they can do.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import time
from fractions import Fraction

import numpy as np
import pytest

from fspp_core.alignments import Alignments, read_face_crop
from fspp_core.cli import main
from fspp_core.demo.animate import animate
from fspp_core.demo.portraits import ASTRONAUT, HOPPER
from fspp_core.media.clip import write_clip

LITTLE = ["--size", "64", "--max-faces", "1", "-o", "fan.stacks=1", "-o", "fan.batch_size=2"]
S3FD_FAN = ["--detector", "s3fd", "--aligner", "fan", "-o", "s3fd.input_side=128", "--max-size", "90", *LITTLE]
MTCNN_FAN = ["--detector", "mtcnn", "--aligner", "fan", "-o", "mtcnn.min_face=40", *LITTLE]


@pytest.fixture(scope="module")
def weights(golden, golden_weights, tmp_path_factory):
    """A weights folder that `fspp weights import` has filled, in use."""
    folder = tmp_path_factory.mktemp("weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FSPP_WEIGHTS_DIR", str(folder))
        for numbers, name in (("dfl_s3fd", "s3fd"), ("dfl_fan", "2dfan4")):
            published = tmp_path_factory.mktemp("published") / f"{name}.npy"  # a pickle, as DeepFaceLab's are
            published.write_bytes(pickle.dumps(golden_weights(golden(numbers)[0]["manifest"]), protocol=4))
            assert main(["weights", "import", str(published), "--as", name]) == 0
            published.unlink()
        yield folder


@pytest.fixture(scope="module")
def clips(astronaut, hopper, tmp_path_factory):
    """Clips of the portraits in motion, 160 pixels square, six frames each, by name."""
    folder = tmp_path_factory.mktemp("clips")
    pairs = {"astronaut": (ASTRONAUT, astronaut), "hopper": (HOPPER, hopper)}
    return {
        name: write_clip(folder / f"{name}.mp4", animate(portrait, image, frames=6, size=160), rate=Fraction(24))
        for name, (portrait, image) in pairs.items()
    }


@pytest.fixture
def extract(weights, capsys):
    """`extract(clip, output, *words)`: the report of the command."""

    def run(*words):
        capsys.readouterr()
        code = main(["extract", *map(str, words), "--json"])
        out, err = capsys.readouterr()
        assert code == 0, err
        return json.loads(out)

    return run


def faces_of(output):
    return {index: frame.faces for index, frame in Alignments.load(output / "alignments.json").frames.items()}


def numbers(output):
    """All boxes and landmarks, one after another."""
    faces = [face for of_frame in faces_of(output).values() for face in of_frame]
    return np.concatenate([np.concatenate([np.ravel(face.box), np.ravel(face.landmarks)]) for face in faces])


def content(output):
    files = [output / "alignments.json", *sorted((output / "faces").iterdir())]
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def plain(weights, clips, tmp_path_factory):
    """What three frames give, undisturbed."""
    output = tmp_path_factory.mktemp("plain")
    assert main(["extract", str(clips["astronaut"]), str(output), *S3FD_FAN, "--stop", "3"]) == 0
    return output


def test_s3fd_and_fan_leave_alignments_and_crops(plain):
    report = json.loads((plain / "report.json").read_text(encoding="utf-8"))
    frames = faces_of(plain)
    assert list(frames) == [0, 1, 2]
    assert report["faces"] == sum(map(len, frames.values())) > 0
    assert report["components"]["s3fd"]["input_side"] == 128
    assert report["components"]["fan"]["stacks"] == 1
    assert list(report["stages"]) == ["decode", "detect", "align", "identify", "mask", "crop", "journal"]
    crops = sorted((plain / "faces").iterdir())
    assert len(crops) == report["faces"]
    for path in crops:
        found = read_face_crop(path)
        assert found.crop.image.shape == (64, 64, 3)
        assert (found.face.detector, found.face.aligner) == ("s3fd", "fan")
        assert found.face.landmarks.shape == (68, 2)
        assert np.isfinite(found.face.landmarks).all()


@pytest.mark.parametrize(
    "words",
    [
        ["-o", "s3fd.input_side=96"],
        ["-o", "fan.decoder=dark"],
        ["--refeed", "1"],
        ["--normalization", "hist"],
    ],
    ids=lambda words: words[-1],
)
def test_options_change_what_is_found(extract, clips, plain, tmp_path, words):
    extract(clips["astronaut"], tmp_path, *S3FD_FAN, *words, "--stop", "1")
    before, after = numbers(plain), numbers(tmp_path)
    assert not np.allclose(before[: after.size], after, atol=1e-3)


def test_killed_and_run_again(extract, clips, plain, tmp_path):
    output = tmp_path / "killed"
    words = [str(clips["astronaut"]), str(output), *S3FD_FAN, "--stop", "3", "--batch-size", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "fspp_core", "extract", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    journal, deadline = output / "alignments.json.journal", time.monotonic() + 240
    while process.poll() is None and (not journal.exists() or journal.read_bytes().count(b"\n") < 2):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.kill()
    errors = process.communicate()[1].decode()
    assert process.returncode != 0, "it was done before it could be killed"
    assert "Error" not in errors
    report = extract(*words)
    assert 0 < report["frames_resumed"] < 3
    assert content(output) == content(plain)


@pytest.mark.parametrize("name", ["astronaut", "hopper"])
def test_mtcnn_gives_fan_the_points_to_look_around(extract, clips, tmp_path, name):
    """The five points turn and size the crop that FAN sees; a box alone gives it another."""
    report = extract(clips[name], tmp_path / "points", *MTCNN_FAN, "--stop", "2")
    extract(clips[name], tmp_path / "box", *MTCNN_FAN, "--stop", "2", "-o", "fan.seed=box")
    by_points, by_box = faces_of(tmp_path / "points"), faces_of(tmp_path / "box")
    assert report["faces"] == 2
    for index in (0, 1):
        [face], [other] = by_points[index], by_box[index]
        assert face.keypoints is not None
        np.testing.assert_array_equal(face.box, other.box)
        assert not np.allclose(face.landmarks, other.landmarks, atol=1e-3)
