"""Cuts are found between scenes; pans, zooms, flashes, fades and things that move are none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fspp_core.alignments import Alignments
from fspp_core.extraction.cuts import Cuts, glance, is_cut
from fspp_core.extraction.shots import Shot
from fspp_core.media.clip import write_clip


@pytest.fixture(scope="module")
def scenes(astronaut, hopper):
    """Large pictures without much in common."""
    from skimage import data

    others = {name: np.ascontiguousarray(getattr(data, name)()[..., 2::-1]) for name in ("chelsea", "coffee", "rocket")}
    return {"astronaut": astronaut, "hopper": hopper, **others}


def view(picture, x=0.5, y=0.5, side=0.5, *, width=192, height=108, blur=0, gain=1.0, seed=0):
    """A camera's view of a picture: its middle and width in shares of the picture; noisy, as cameras are."""
    zoom = width / (picture.shape[1] * side)
    matrix = np.array(
        [[zoom, 0, width / 2 - zoom * x * picture.shape[1]], [0, zoom, height / 2 - zoom * y * picture.shape[0]]]
    )
    seen = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101).astype(np.float32)
    seen = cv2.blur(seen, (blur, 1)) if blur else seen
    noise = np.random.default_rng(seed).normal(0, 2.5, seen.shape)
    return np.clip(seen * gain + noise, 0, 255).astype(np.uint8)


def cut(before, now):
    return is_cut(glance(before), glance(now))


NAMES = ("astronaut", "hopper", "chelsea", "coffee", "rocket")
each_scene = pytest.mark.parametrize("name", NAMES)


@each_scene
def test_other_scenes(scenes, name):
    before = view(scenes[name])
    for number, other in enumerate(set(NAMES) - {name}, 1):
        now = view(scenes[other], seed=number)
        assert cut(before, now)
        grey = [np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8) for picture in (before, now)]
        assert cut(*grey)


@each_scene
@pytest.mark.parametrize("share", [0.02, 0.1, 0.2, 0.3])
def test_pans(scenes, name, share):
    """By a share of the view's width from one frame to the next, with the blur of it."""
    blur = int(share * 192 * 0.4)
    before, right = (view(scenes[name], 0.5 + dx, blur=blur, seed=seed) for seed, dx in enumerate((0, share / 2)))
    assert not cut(before, right)
    assert not cut(right, before)


@each_scene
def test_tilts_and_zooms(scenes, name):
    before = view(scenes[name])
    assert not cut(before, view(scenes[name], y=0.54, seed=1))
    for zoom in (0.9, 0.95, 1.05, 1.1):
        assert not cut(before, view(scenes[name], side=0.5 / zoom, seed=1))


@each_scene
@pytest.mark.parametrize("gain", [0.4, 0.7, 1.4, 1.9])
def test_flashes_and_lights_turned_down(scenes, name, gain):
    plain, lit = view(scenes[name]), view(scenes[name], gain=gain, seed=1)
    assert not cut(plain, lit)
    assert not cut(lit, plain)


@each_scene
def test_fades_and_black(scenes, name):
    """A frame with nothing in it begins no scene; the first that shows something after it does."""
    shown, black = view(scenes[name]), np.zeros((108, 192, 3), np.uint8)
    noise = np.random.default_rng(5).integers(0, 3, shown.shape, np.uint8)
    assert not cut(shown, cv2.addWeighted(shown, 0.85, black, 0.15, 0))
    assert not cut(shown, black + noise)
    assert not cut(black, black + noise)
    assert not cut(black + noise, black + noise[::-1])
    assert cut(black + noise, shown)
    assert cut(np.full_like(shown, 255), shown)


@each_scene
def test_something_passes(scenes, name):
    def passing(left, seed):
        seen = view(scenes[name], seed=seed)
        seen[:, left : left + 50] = (40, 90, 160)
        return seen

    assert not cut(passing(60, 0), passing(85, 1))
    assert not cut(view(scenes[name]), passing(0, 1))


def test_other_sizes_and_shapes(scenes):
    wide = view(scenes["coffee"])
    assert cut(wide, view(scenes["coffee"], height=110))
    for height, width in ((1, 1), (1, 300), (2, 2), (300, 3), (2160, 3840), (64, 64)):
        flat = np.full((height, width, 3), 90, np.uint8)
        assert not cut(flat, flat)
        noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
        assert not cut(noise, noise)


def test_marks_only_what_begins(scenes):
    cuts, marked = Cuts(), []
    for number, name in enumerate(("coffee", "coffee", "hopper", "hopper", "rocket")):
        shot = Shot(index=number, name=str(number), pts=None, image=view(scenes[name], seed=number))
        marked.append(cuts(shot).cut)
    assert marked == [False, False, True, False, True]


def test_extract_finds_the_cuts_of_a_clip(run, scenes, tmp_path):
    """Three shots of eight frames that pan and zoom; written, compressed and read again."""
    order = ("coffee", "hopper", "rocket")
    frames = [
        view(scenes[name], 0.45 + 0.01 * n, side=0.5 + 0.01 * n, seed=n + 100 * i)
        for i, name in enumerate(order)
        for n in range(8)
    ]
    clip = write_clip(tmp_path / "cuts.mp4", frames, rate=25)
    run(clip, tmp_path / "out")
    alignments = Alignments.load(tmp_path / "out" / "alignments.json")
    assert [index for index, frame in alignments.frames.items() if frame.cut] == [8, 16]
    run(clip, tmp_path / "few", every=6)  # 0, 6 | 12 | 18
    alignments = Alignments.load(tmp_path / "few" / "alignments.json")
    assert [index for index, frame in alignments.frames.items() if frame.cut] == [12, 18]
