"""Identity with real faces and the default detector: told apart, filtered, tracked; and where the table comes from."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest

from fspp_core.alignments import Alignments
from fspp_core.demo.animate import animate
from fspp_core.demo.portraits import ASTRONAUT, HOPPER
from fspp_core.extraction import ExtractOptions, extract
from fspp_core.extraction.identity.descriptor import HogColor, gradient_histograms
from fspp_core.extraction.identity.mean_gradients import MEAN_GRADIENTS
from fspp_core.geometry import crop_matrix, warp
from fspp_core.media import write_image
from fspp_core.media.clip import write_clip
from fspp_core.registry import load_registry

FRAMES = 6
SIZE = 224
WHO = "hog-color"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("identity")


@pytest.fixture(scope="module")
def clip(folder, astronaut, hopper):
    """Both in motion side by side; after half of the time a cut to them in each other's place."""
    left = animate(ASTRONAUT, astronaut, frames=4 * FRAMES, size=SIZE)
    right = animate(HOPPER, hopper, frames=4 * FRAMES, size=SIZE, phase=0.3)
    pairs = [pair for pair, _ in zip(zip(left, right, strict=True), range(2 * FRAMES), strict=False)]
    frames = [np.concatenate(pair if n < FRAMES else pair[::-1], axis=1) for n, pair in enumerate(pairs)]
    return write_clip(folder / "both.mp4", frames, rate=Fraction(24))


@pytest.fixture(scope="module")
def run(folder, clip):
    def run(name, **options):
        options = ExtractOptions(**{"save_faces": False, "maskers": (), **options})
        return extract(clip, folder / name, options, components={"mtcnn": {"min_face": 60}})

    return run


@pytest.fixture(scope="module")
def found(run, folder):
    run("plain")
    return Alignments.load(folder / "plain" / "alignments.json")


def people(alignments):
    """For each frame its faces by who they are: 0 on the astronaut's side, 1 on the other."""
    sides = {}
    for index in alignments.frames:
        faces = alignments.faces(index)
        left = [bool(face.box[[0, 2]].mean() < SIZE) for face in faces]
        sides[index] = {
            int(on_the_left == (index >= FRAMES)): face for on_the_left, face in zip(left, faces, strict=True)
        }
    return sides


def test_both_are_found_everywhere(found):
    assert {index: sorted(faces) for index, faces in people(found).items()} == {n: [0, 1] for n in range(2 * FRAMES)}


def test_one_person_is_like_herself_and_not_like_the_other(found):
    sides = people(found)
    first, second = (np.stack([faces[who].identity[WHO] for faces in sides.values()]) for who in (0, 1))
    for vectors in (first, second):
        assert (vectors @ vectors.T).min() > HogColor.same_person + 0.15
        assert (vectors[1:] * vectors[:-1]).sum(axis=1).min() > 0.9
    assert (first @ second.T).max() < HogColor.same_person - 0.1


def test_tracks_last_until_the_cut(found):
    assert [index for index, frame in found.frames.items() if frame.cut] == [FRAMES]
    tracks = {who: [faces[who].track for faces in people(found).values()] for who in (0, 1)}
    assert {tuple(t[:FRAMES]) for t in tracks.values()} == {(0,) * FRAMES, (1,) * FRAMES}
    assert {tuple(t[FRAMES:]) for t in tracks.values()} == {(2,) * FRAMES, (3,) * FRAMES}


@pytest.mark.parametrize(("who", "kept"), [("filter", 1), ("nfilter", 0)])
def test_a_portrait_filters(run, folder, hopper, who, kept):
    """The whole portrait, another size and light than the clip's."""
    portrait = folder / "hopper.png"
    write_image(portrait, hopper)
    report = run(who, **{who: (str(portrait),)})
    assert report.left_out == {who: 2 * FRAMES}
    faces = people(Alignments.load(folder / who / "alignments.json"))
    assert {tuple(found) for found in faces.values()} == {(kept,)}


def test_the_table_is_the_mean_that_it_is_said_to_be():
    """Laid over its mirror image: scikit-image's faces, found by MTCNN in the pictures six times as large."""
    from skimage import data

    registry = load_registry()
    detector = registry.build("detector", "mtcnn", {"min_face": 60})
    aligner = registry.build("aligner", "keypoints")
    grey = [np.pad((face * 255).astype(np.uint8), 15, mode="edge") for face in data.lfw_subset()[:100]]
    pictures = [
        np.repeat(cv2.resize(face, None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC)[..., None], 3, axis=2)
        for face in grey
    ]
    found = detector.detect(pictures)
    landmarks = aligner.align(pictures, [faces[:1] for faces in found])
    crops = [
        warp(picture, crop_matrix(points[0], HogColor.face_type, HogColor.size), HogColor.size, border="replicate")
        for picture, points in zip(pictures, landmarks, strict=True)
        if len(points)
    ]
    assert len(crops) > 95
    mean = gradient_histograms(np.stack(crops)).mean(axis=0).reshape(MEAN_GRADIENTS.shape)
    both = (mean + mean[:, ::-1][..., -np.arange(8) % 8]) / 2
    np.testing.assert_allclose(both, MEAN_GRADIENTS, atol=0.002)
