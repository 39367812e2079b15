"""What the tests of mask jobs share: a clip of two real faces, found once, and a masker that looks at pixels."""

from __future__ import annotations

import shutil
import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fspp_core.alignments import Alignments
from fspp_core.demo.animate import animate
from fspp_core.demo.portraits import ASTRONAUT, HOPPER
from fspp_core.extraction import ExtractOptions, extract
from fspp_core.media.clip import write_clip
from fspp_core.registry import load_registry

PLUGIN = Path(__file__).with_name("toy_plugin.py")
FRAMES, SIDE = 6, 176


@pytest.fixture(scope="session")
def extracted(tmp_path_factory, astronaut, hopper):
    """The clip, and what extract made of it: two faces in each frame, no masks."""
    root = tmp_path_factory.mktemp("footage")
    left = animate(ASTRONAUT, astronaut, frames=FRAMES, size=SIDE)
    right = animate(HOPPER, hopper, frames=FRAMES, size=SIDE, phase=0.3)
    clip = write_clip(root / "zwei.mp4", map(lambda *pair: np.hstack(pair), left, right), rate=Fraction(24))
    options = ExtractOptions(maskers=(), recognizers=(), size=128, tracks=False)
    report = extract(clip, root / "out", options, components={"mtcnn": {"min_face": 40}})
    assert report.faces == 2 * FRAMES
    return SimpleNamespace(clip=clip, out=root / "out")


@pytest.fixture
def work(extracted, tmp_path):
    """A copy of what extract made: `clip`, `out`, `alignments`, `crops`, and `faces()` as they are on disk."""
    out = tmp_path / "out"
    shutil.copytree(extracted.out, out)
    alignments = out / "alignments.json"

    def faces():
        loaded = Alignments.load(alignments)
        return {(index, number): f for index in loaded.frames for number, f in enumerate(loaded.faces(index))}

    return SimpleNamespace(clip=extracted.clip, out=out, alignments=alignments, crops=out / "faces", faces=faces)


@pytest.fixture(scope="session")
def toy_registry():
    return load_registry(plugin_files=[PLUGIN])


@pytest.fixture
def toy(toy_registry):
    """The toy plugin's module, its records empty."""
    module = sys.modules[type(toy_registry.build("masker", "bright")).__module__]
    module.BATCHES.clear()
    module.CLOSED.clear()
    return module


@pytest.fixture(scope="session")
def plugin():
    """The toy plugin's file."""
    return PLUGIN
