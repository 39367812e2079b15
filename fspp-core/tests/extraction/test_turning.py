"""Frames without a face are turned until one is found: only they, all at once, no pixel cut off."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fspp_core import geometry
from fspp_core.errors import ConfigError
from fspp_core.extraction import ExtractOptions
from fspp_core.extraction.alignment.aligning import Aligning
from fspp_core.extraction.alignment.keypoints import KeypointsAligner
from fspp_core.extraction.detection.detecting import Detecting
from fspp_core.extraction.detection.turning import angles_of, turn, turn_like
from fspp_core.extraction.shots import Shot
from fspp_core.options import NoOptions
from fspp_core.types import Detection

sizes = st.integers(1, 40)


def shots(*images):
    return [Shot(index=number, name=f"shot{number}", pts=None, image=image) for number, image in enumerate(images)]


@pytest.mark.parametrize(
    ("options", "angles"),
    [
        ({}, ()),
        ({"rotate": (90.0, 270.0)}, (90, 270)),
        ({"rotate": (0.0, 45.0, 360.0, -315.0, 405.0, 30.5)}, (45, 30.5)),
        ({"rotate_step": 90}, (90, 180, 270)),
        ({"rotate_step": 100}, (100, 200, 300)),
        ({"rotate_step": 180}, (180,)),
    ],
)
def test_angles(options, angles):
    assert angles_of(ExtractOptions(**options)) == angles


def test_a_list_and_a_step_do_not_go_together(run, video, tmp_path):
    with pytest.raises(ConfigError, match=r"rotate, rotate_step: received both the angles 90, 45\.5 and a step of 60"):
        run(video, tmp_path / "out", rotate=(90.0, 45.5), rotate_step=60)
    assert not (tmp_path / "out").exists()


@given(sizes, sizes, st.floats(-720, 720))
def test_nothing_is_cut_off(width, height, degrees):
    image = np.zeros((height, width, 3), np.uint8)
    turned = turn(image, degrees)
    rows, columns = turned.image.shape[:2]
    outline = np.array([(-0.5, -0.5), (width - 0.5, -0.5), (width - 0.5, height - 0.5), (-0.5, height - 0.5)])
    there = geometry.transform(outline, turned.matrix)
    assert (there >= -0.5 - 1e-9).all()
    assert (there <= np.array([columns, rows]) - 0.5 + 1e-9).all()
    assert geometry.scale_of(turned.matrix) == pytest.approx(1)
    span = np.ptp(there, axis=0)
    assert (np.array([columns, rows]) - span < 1 + 1e-9).all()  # and the canvas is no larger than it must be


@given(sizes, sizes, st.sampled_from([90, 180, 270, -90, 450]))
def test_right_angles_keep_every_pixel(width, height, degrees):
    image = np.random.default_rng(width * 41 + height).integers(0, 256, (height, width, 3), np.uint8)
    turned = turn(image, degrees)
    places = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)
    there = geometry.transform(places, turned.matrix)
    np.testing.assert_array_equal(there, there.round())
    x, y = there.astype(int).transpose(2, 0, 1)
    np.testing.assert_array_equal(turned.image[y, x], image)
    assert turned.image.size == image.size
    np.testing.assert_array_equal(turn_like(image, turned).image, turned.image)


def test_clockwise():
    image = np.zeros((20, 40, 3), np.uint8)
    image[0, 39] = 255  # at the top right, which comes to lie at the bottom right
    assert turn(image, 90).image[39, 19].tolist() == [255] * 3
    image[:6, 30:] = 255
    turned = turn(image, 45).image
    y, x, _ = np.argwhere(turned > 100).mean(axis=0)
    assert x == pytest.approx(turned.shape[1] - 11, abs=6)
    assert y == pytest.approx(turned.shape[0] / 2, abs=6)


class Landscapes:
    """Finds a face in pictures that are wider than high and bright; remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def detect(self, images):
        self.asked.append([image.shape[:2] for image in images])
        face = Detection(box=np.array([0, 0, 9, 9], np.float32), score=0.9)
        return [[face] if image.shape[1] > image.shape[0] and image.max() > 200 else [] for image in images]


def test_only_frames_without_a_face_are_turned_and_all_at_once():
    upright, lying = np.full((30, 20, 3), 255, np.uint8), np.full((20, 30, 3), 255, np.uint8)
    dark = np.zeros((30, 20, 3), np.uint8)
    detector = Landscapes()
    detect = Detecting(detector=detector, options=ExtractOptions(rotate=(180.0, 90.0, 270.0)))
    found = detect(shots(upright, dark, upright))
    assert detector.asked == [[(30, 20)] * 3, [(30, 20)] * 3, [(20, 30)] * 3, [(20, 30)]]
    assert [len(shot.detections) for shot in found] == [1, 0, 1]
    assert [shot.turned is not None for shot in found] == [True, False, True]
    assert [shot.index for shot in found] == [0, 1, 2]
    np.testing.assert_array_equal(found[0].turned.matrix, turn(upright, 90).matrix)

    detector.asked.clear()
    assert all(shot.turned is None for shot in detect(shots(lying, lying)))
    assert detector.asked == [[(20, 30)] * 2]


def test_a_face_that_is_not_wanted_is_none():
    """What is filtered out does not end the search."""
    detector = Landscapes()
    detect = Detecting(detector=detector, options=ExtractOptions(rotate=(180.0,), min_size=20))
    [found] = detect(shots(np.full((20, 30, 3), 255, np.uint8)))
    assert found.turned is None
    assert len(detector.asked) == 2


def test_context_is_not_looked_at():
    detector = Landscapes()
    detect = Detecting(detector=detector, options=ExtractOptions())
    shot = Shot(index=0, name="before", pts=None, image=np.full((20, 30, 3), 255, np.uint8), context=True)
    assert detect([shot])[0].detections == ()
    assert not detector.asked


@pytest.mark.parametrize("degrees", [90, 180, 35])
def test_real_faces_are_found_where_they_are(astronaut, mtcnn, degrees):
    """A portrait turned anyhow has the landmarks of the upright one, mapped by the same turn."""
    options = ExtractOptions(rotate=(0.0, 360.0 - degrees), max_faces=1)
    detect = Detecting(detector=mtcnn, options=options)
    align = Aligning(aligner=KeypointsAligner(NoOptions()), options=options)
    away = turn(astronaut[:360], degrees)
    [[before]], [[after]] = (
        [shot.faces for shot in align(detect(shots(image)))] for image in (astronaut[:360], away.image)
    )
    side = np.ptp(before.landmarks, axis=0).max()
    off = np.linalg.norm(after.landmarks - geometry.transform(before.landmarks, away.matrix), axis=1)
    assert off.mean() < 0.03 * side
    assert geometry.iou(after.box[None], geometry.box_of(after.landmarks)[None])[0, 0] > 0.3
    height, width = away.image.shape[:2]
    np.testing.assert_array_equal(after.box, geometry.clip_boxes(after.box, width, height))
