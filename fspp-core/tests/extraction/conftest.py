"""What the extraction tests share: footage of bright squares, the toy that finds them, a clip of a real face."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fspp_core.alignments import Alignments
from fspp_core.demo.animate import animate
from fspp_core.demo.portraits import ASTRONAUT
from fspp_core.extraction import ExtractOptions, extract
from fspp_core.media import write_image
from fspp_core.media.clip import write_clip
from fspp_core.registry import load_registry

PLUGIN = Path(__file__).with_name("toy_plugin.py")


def squares(count, *, width=160, height=120, phase=0):
    """Frames with a large square, in two of three with a small one to its left too, and in every seventh with none."""
    for number in range(count):
        image = np.full((height, width, 3), 20, np.uint8)
        if number % 7 != 6:
            left = 60 + (3 * number + phase) % 40
            image[30:80, left : left + 44] = 200
            image[40:46, left + 10 : left + 34] = 180
            if number % 3:
                image[60:84, 12:36] = 220
        yield image


def patterned(count, *, width=160, height=120):
    """The same, slower and with a pattern on the squares that can be followed."""
    pattern = np.random.default_rng(0).integers(130, 256, (60, 60), np.uint8).repeat(3, 0).repeat(3, 1)[..., None]
    for number in range(count):
        image = np.full((height, width, 3), 20, np.uint8)
        if number % 7 != 6:
            left = 60 + number % 40
            image[30:80, left : left + 44] = pattern[:50, :44]
            if number % 14 < 6:
                image[60:84, 12:36] = pattern[80:104, 80:104]
        yield image


def expected_faces(index):
    return 0 if index % 7 == 6 else 1 + bool(index % 3)


def clip(path, count=20, *, draw=squares, **keywords):
    return write_clip(path, draw(count, **keywords), rate=Fraction(25))


def folder(path, images, suffix=".png"):
    path.mkdir(parents=True)
    for number, image in enumerate(images):
        write_image(path / f"shot{number:03d}{suffix}", image)
    return path


def content(output):
    """Bytes of the alignments and of every face crop, by name."""
    files = [output / "alignments.json", *sorted((output / "faces").iterdir())]
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="session")
def tools():
    """Helpers of this file, by name."""
    return SimpleNamespace(
        squares=squares,
        patterned=patterned,
        expected_faces=expected_faces,
        clip=clip,
        folder=folder,
        content=content,
        plugin=PLUGIN,
    )


@pytest.fixture(scope="session")
def toy_registry():
    return load_registry(plugin_files=[PLUGIN])


@pytest.fixture
def toy(toy_registry):
    """The toy plugin's module, its records empty."""
    blobs = toy_registry.build("detector", "blobs")
    module = sys.modules[type(blobs).__module__]
    for record in (module.EVENTS, module.BUILT, module.SEEN):
        record.clear()
    return module


@pytest.fixture
def run(toy, toy_registry):
    """`run(media, output, every=2, blobs={"least": 90})`: extract with the toy detector and small crops."""

    def run(media, output, *, blobs=None, progress=None, cancel=None, **options):
        options = ExtractOptions(**{"detector": "blobs", "size": 48, "batch_size": 4, **options})
        more = {} if progress is None else {"progress": progress}
        return extract(
            media, output, options, components={"blobs": blobs or {}}, registry=toy_registry, cancel=cancel, **more
        )

    return run


@pytest.fixture(scope="session")
def video(tmp_path_factory):
    """Twenty frames of squares."""
    return clip(tmp_path_factory.mktemp("footage") / "squares.mp4")


@pytest.fixture(scope="session")
def astronaut_clip(tmp_path_factory, astronaut):
    """A second of the portrait in motion, 256 pixels square."""
    path = tmp_path_factory.mktemp("footage") / "astronaut.mp4"
    return write_clip(path, animate(ASTRONAUT, astronaut, frames=24, size=256), rate=Fraction(24))


@pytest.fixture(scope="session")
def mtcnn():
    """The detector for real faces, those of at least 60 pixels."""
    return load_registry().build("detector", "mtcnn", {"min_face": 60})


@pytest.fixture
def faces_of():
    """`faces_of(output)`: number of faces by frame index, as the alignments have it."""
    return lambda output: {i: len(f.faces) for i, f in Alignments.load(output / "alignments.json").frames.items()}
