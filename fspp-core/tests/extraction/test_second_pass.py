"""The second pass: what an aligner finds on upright crops comes back exactly; what is not like a face does not."""

from __future__ import annotations

import logging

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fspp_core import geometry
from fspp_core.errors import ConfigError, PluginError
from fspp_core.extraction import ExtractOptions
from fspp_core.extraction.alignment.aligning import Aligning
from fspp_core.extraction.alignment.keypoints import KeypointsAligner
from fspp_core.extraction.alignment.plausible import better
from fspp_core.extraction.alignment.second_pass import SHIFTS, SecondPass, five_looks, second_pass_of
from fspp_core.extraction.shots import Shot, Turned
from fspp_core.geometry import MEAN_FACE_68, box_of
from fspp_core.geometry.affine import between_centers, between_points
from fspp_core.options import NoOptions
from fspp_core.types import Detection

MODES = ("shifts", "detector", "realign")


def moved(points, angle, scale, shift):
    """Points turned and scaled about their middle, then shifted."""
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return (points - points.mean(axis=0)) @ turn + points.mean(axis=0) + shift


class Oracle:
    """Detector and aligner that know where the faces are in any picture that was drawn from the frames.

    Pictures carry a number in their first pixel, under which the matrix from their frame is kept. In frames it answers
    with the first landmarks, on crops with the truth: moved, in its five looks, as the boxes are.
    """

    landmarks_origin = "detected"
    crop_size = 256

    def __init__(self):
        self.truth, self.first, self.drawn, self.calls = [], [], [], []

    def picture(self, frame, matrix, shape=(8, 8, 3)):
        self.drawn.append((frame, np.asarray(matrix, float)))
        picture = np.zeros(shape, np.uint8)
        picture[0, 0, :2] = divmod(len(self.drawn) - 1, 256)
        return picture

    def add(self, truth, first):
        """A frame with one face; its number."""
        self.truth.append(truth)
        self.first.append(first)
        return self.picture(len(self.truth) - 1, np.eye(2, 3))

    def known(self, picture):
        return self.drawn[int(picture[0, 0, 0]) * 256 + int(picture[0, 0, 1])]

    def warp(self, picture, matrix, size, **_):
        frame, before = self.known(picture)
        return self.picture(frame, geometry.compose(between_points(matrix), before), (size, size, 3))

    def is_frame(self, picture):
        return len(picture) != self.crop_size

    def align(self, images, detections):
        self.calls.append([len(found) for found in detections])
        return [self.one(image, found) for image, found in zip(images, detections, strict=True)]

    def one(self, picture, found):
        frame, matrix = self.known(picture)
        if self.is_frame(picture):
            return np.stack([geometry.transform(self.first[frame], matrix)] * len(found)).astype(np.float32)
        truth = geometry.transform(self.truth[frame], matrix)
        boxes = np.stack([face.box for face in found])
        assert geometry.iou(boxes, box_of(truth)[None]).min() > 0.5
        middles = (boxes[:, :2] + boxes[:, 2:]) / 2
        keypoints = np.stack([face.keypoints for face in found]).mean(axis=1)
        np.testing.assert_allclose(keypoints - keypoints.mean(axis=0), middles - middles.mean(axis=0), atol=1e-3)
        return (truth + (middles - middles.mean(axis=0))[:, None]).astype(np.float32)

    def align_crops(self, crops):
        self.calls.append(len(crops))
        return np.stack([geometry.transform(self.truth[f], m) for f, m in map(self.known, crops)]).astype(np.float32)

    def cut(self, images, detections):
        raise AssertionError("nothing here is normalised")

    def detect(self, images):
        self.calls.append(f"detector {len(images)}")
        found = []
        for frame, matrix in map(self.known, images):
            points = geometry.transform(self.truth[frame], matrix)
            keypoints = geometry.keypoints_of(points).astype(np.float32)
            found.append([Detection(box=box_of(points), score=0.9, keypoints=keypoints)])
        return found


def shot(oracle, index, truth, first, degrees=None):
    image = oracle.add(truth, first)
    box = box_of(first)
    keypoints = geometry.keypoints_of(first).astype(np.float32)
    if degrees is None:
        return Shot(index=index, name=f"{index}", pts=None, image=image, detections=(seen(box, keypoints),))
    radians = np.radians(degrees)
    points = np.array([[np.cos(radians), -np.sin(radians), 300], [np.sin(radians), np.cos(radians), 200]])
    turned = Turned(image=oracle.picture(index, points), matrix=between_centers(points))
    there = seen(box_of(geometry.transform(first, points)), geometry.transform(keypoints, points))
    return Shot(index=index, name=f"{index}", pts=None, image=image, turned=turned, detections=(there,))


def seen(box, keypoints=None):
    return Detection(box=np.asarray(box, np.float32), score=0.9, keypoints=keypoints)


@st.composite
def faces(draw):
    """True landmarks somewhere, any way up, and those that a first pass may give."""
    number = st.floats
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    side, angle = draw(number(20, 900)), draw(number(-np.pi, np.pi))
    place = np.array([draw(number(-50, 1500)), draw(number(-50, 1500))])
    truth = moved(MEAN_FACE_68 + rng.normal(0, 0.015, (68, 2)), angle, side, place)
    shift = np.array([draw(number(-0.05, 0.05)), draw(number(-0.05, 0.05))]) * side
    first = moved(truth, draw(number(-0.15, 0.15)), draw(number(0.93, 1.07)), shift)
    return truth.astype(np.float32), (first + rng.normal(0, 0.01 * side, (68, 2))).astype(np.float32)


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=40)
@given(st.lists(st.tuples(faces(), st.none() | st.floats(-180, 180)), min_size=1, max_size=4))
def test_the_truth_comes_back_whatever_the_first_pass_gave(mode, group):
    """Of several frames in one call, turned or not: to a thousandth of a pixel."""
    oracle = Oracle()
    shots = [shot(oracle, index, *face, degrees) for index, (face, degrees) in enumerate(group)]
    align = Aligning(aligner=oracle, options=ExtractOptions(second_pass=mode), detector=oracle)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geometry, "warp", oracle.warp)
        aligned = align(shots)
    for (face, _), found in zip(group, aligned, strict=True):
        truth, first = face
        [one] = found.faces or [None]
        if one is None:  # all of its box lies beside the little frame
            continue
        assert np.abs(one.landmarks - truth).max() < 1e-3
        assert one.landmarks.dtype == np.float32
        assert np.abs(first - truth).max() > 1e-3
    assert (align._again.faces, align._again.kept) == (len(group), 0)
    looks = {
        "shifts": [[5] * len(group)],
        "detector": [f"detector {len(group)}", [5] * len(group)],
        "realign": [len(group)],
    }
    assert oracle.calls == [[1] * len(group), *looks[mode]], "all faces in one call"


class Ramp:
    """An aligner that works out from the pixels alone where on the frame a picture was taken.

    The frame is as blue as far right and as green as far down; red is what is part of it.
    """

    landmarks_origin = "detected"
    crop_size = 256

    def __init__(self, truth, first):
        self.truth, self.first = truth, first

    @staticmethod
    def frame():
        x, y = np.meshgrid(np.arange(256), np.arange(240))
        return np.stack([x, y, np.full_like(x, 255)], axis=2).astype(np.uint8)

    def points(self, picture):
        rows, columns = np.nonzero(cv2.erode(picture[..., 2], np.ones((5, 5))) == 255)
        at = np.column_stack([columns + 0.5, rows + 0.5, np.ones(len(rows))])
        matrix = np.linalg.lstsq(at, picture[rows, columns, :2] + 0.5, rcond=None)[0].T
        return geometry.transform(self.truth, geometry.invert(matrix)).astype(np.float32)

    def align(self, images, detections):
        answers = [self.points(image) if len(image) == self.crop_size else self.first for image in images]
        return [np.stack([a] * len(found)) for a, found in zip(answers, detections, strict=True)]

    def align_crops(self, crops):
        return np.stack([self.points(crop) for crop in crops])

    def cut(self, images, detections):
        raise AssertionError("nothing here is normalised")

    def detect(self, images):
        return [[seen(box_of(self.points(image)))] for image in images]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("side", "angle"), [(40, 0), (90, 3.0), (60, -1.2), (150, 0.4)])
def test_pixels_lie_where_the_points_say(mode, side, angle):
    """Really drawn: a crop that were off by half a pixel anywhere on the way would show."""
    truth = moved(MEAN_FACE_68, angle, side, np.array([130, 118])).astype(np.float32)
    first = moved(truth, 0.05, 1.04, np.array([1.5, -2.0])).astype(np.float32)
    ramp = Ramp(truth, first)
    found = SecondPass(mode, ramp, ramp)([Ramp.frame()], first[None])
    assert np.abs(found[0] - truth).max() < 0.06


@pytest.mark.parametrize("degrees", [0, 90, 180, 270, 33])
def test_faces_of_turned_frames_come_back(degrees):
    """As the rotation search turns frames: box, keypoints and landmarks, to where they are on the frame."""
    from fspp_core.extraction.detection.turning import turn

    truth = moved(MEAN_FACE_68, 0.3, 60, np.array([120, 110])).astype(np.float32)
    ramp = Ramp(truth, truth)
    turned = turn(Ramp.frame(), degrees)
    there = ramp.points(turned.image)
    keypoints = geometry.keypoints_of(there).astype(np.float32)
    one = Shot(
        index=3, name="3", pts=None, image=Ramp.frame(), turned=turned, detections=(seen(box_of(there), keypoints),)
    )
    ramp.first = there
    [[face]] = [shot.faces for shot in Aligning(aligner=ramp, options=ExtractOptions(second_pass="off"))([one])]
    np.testing.assert_allclose(face.landmarks, truth, atol=0.06)
    np.testing.assert_allclose(face.keypoints, geometry.keypoints_of(truth), atol=0.06)
    corners = between_points(turned.matrix)
    left, top, right, bottom = box_of(there)
    there = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    np.testing.assert_allclose(
        face.box, np.clip(box_of(geometry.transform(there, geometry.invert(corners))), 0, (256, 240) * 2), atol=1e-3
    )
    if degrees % 90 == 0:
        np.testing.assert_allclose(face.box, box_of(truth), atol=0.06)


def test_five_looks_lie_around_the_box():
    boxes = []

    class Spy:
        landmarks_origin = "detected"

        def align(self, images, detections):
            boxes.extend([face.box.tolist() for face in found] for found in detections)
            return [np.arange(len(found), dtype=np.float32)[:, None, None] + np.zeros((68, 2)) for found in detections]

    crops = np.zeros((2, 16, 16, 3), np.uint8)
    mean = five_looks(Spy(), crops, [seen((1, 2, 9, 8)), seen((3, 3, 7, 7))])
    assert boxes[0] == [[1 + x, 2 + y, 9 + x, 8 + y] for x, y in [(0, 0), (-1, -1), (1, -1), (1, 1), (-1, 1)]]
    assert boxes[1][1] == [2, 2, 6, 6]
    np.testing.assert_array_equal(mean, np.full((2, 68, 2), 2.0))
    assert SHIFTS.sum() == 0, "which is why their mean is where the face is"


UPRIGHT = (MEAN_FACE_68 * 100 + 80).astype(np.float32)


class Fixed:
    """Answers on crops as told, whatever they show; in frames too."""

    landmarks_origin = "detected"

    def __init__(self, answer, boxes=1):
        self.answer, self.boxes = answer, boxes

    def align(self, images, detections):
        return [np.stack([self.answer] * len(found)).astype(np.float32) for found in detections]

    def detect(self, images):
        return [[seen((50, 50, 200, 200))] * self.boxes for _ in images]


def on_crop(points):
    with np.errstate(invalid="ignore"):
        return geometry.transform(points, geometry.crop_matrix(UPRIGHT, "full", 256))


@pytest.mark.parametrize(
    "second",
    [
        UPRIGHT * np.nan,
        np.where(UPRIGHT > 150, np.inf, UPRIGHT),
        UPRIGHT + np.array([40, 0]),
        UPRIGHT[::-1],
        UPRIGHT[:, ::-1] * 1.0,
        np.full((68, 2), 120.0),
        np.random.default_rng(0).uniform(80, 180, (68, 2)),
        UPRIGHT + np.random.default_rng(0).normal(0, 40, (68, 2)),
    ],
    ids=["nan", "inf", "aside", "upside-down", "transposed", "point", "strewn", "torn"],
)
def test_what_is_not_like_the_face_keeps_the_first(second):
    again = SecondPass("shifts", Fixed(on_crop(second)))
    pictures = [np.zeros((300, 300, 3), np.uint8)]
    np.testing.assert_array_equal(again(pictures, UPRIGHT[None]), UPRIGHT[None])
    assert (again.faces, again.kept) == (1, 1)


def test_a_little_change_is_taken():
    nearby = UPRIGHT + np.random.default_rng(1).normal(2, 2, (68, 2))
    again = SecondPass("shifts", Fixed(on_crop(nearby)))
    np.testing.assert_allclose(again([np.zeros((300, 300, 3), np.uint8)], UPRIGHT[None])[0], nearby, atol=1e-3)
    assert (again.faces, again.kept) == (1, 0)


@pytest.mark.parametrize(("boxes", "kept"), [(0, 1), (1, 0), (2, 1)])
def test_one_box_or_none(boxes, kept):
    fixed = Fixed(on_crop(UPRIGHT + 1), boxes)
    again = SecondPass("detector", fixed, fixed)
    again([np.zeros((300, 300, 3), np.uint8)], UPRIGHT[None])
    assert again.kept == kept


@pytest.mark.parametrize(
    "first",
    [
        np.full((68, 2), 7.0),
        UPRIGHT * np.nan,
        UPRIGHT * (0, 1),
        UPRIGHT * 1e-9,
        UPRIGHT * 1e9,
        np.r_[np.full((67, 2), 5.0), [[6.0, 6.0]]],
    ],
    ids=["point", "nan", "line", "tiny", "huge", "almost a point"],
)
@pytest.mark.parametrize("mode", MODES)
def test_any_first_landmarks_are_survived(mode, first):
    """Others of the same call are aligned all the same."""
    oracle = Oracle()
    oracle.add(UPRIGHT, UPRIGHT)
    again = SecondPass(mode, oracle, oracle)
    both = np.stack([first, UPRIGHT + 1]).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geometry, "warp", oracle.warp)
        patch.setattr(oracle, "one", lambda picture, found: np.stack([on_crop(UPRIGHT)] * len(found)))
        patch.setattr(oracle, "align_crops", lambda crops: np.stack([on_crop(UPRIGHT)] * len(crops)))
        found = again([np.zeros((8, 8, 3), np.uint8)] * 2, both)
    assert np.array_equal(found[0], both[0], equal_nan=True) or (mode == "detector" and np.isfinite(found[0]).all())
    assert again.faces == 2


def test_many_faces_go_in_parts(monkeypatch):
    oracle = Oracle()
    picture = oracle.add(UPRIGHT, UPRIGHT + 1)
    monkeypatch.setattr(geometry, "warp", oracle.warp)
    found = SecondPass("shifts", oracle)([picture] * 150, np.stack([UPRIGHT + 1] * 150))
    assert [len(call) for call in oracle.calls] == [64, 64, 22]
    np.testing.assert_allclose(found, np.stack([UPRIGHT] * 150), atol=1e-3)


def test_no_faces():
    assert SecondPass("shifts", Fixed(UPRIGHT))([], np.empty((0, 68, 2), np.float32)).shape == (0, 68, 2)


def test_short_answers_are_refused():
    class Short(Fixed):
        def align(self, images, detections):
            return super().align(images, [found[1:] for found in detections])

    with pytest.raises(PluginError, match="second pass gave 4 answers for 5"):
        SecondPass("shifts", Short(UPRIGHT))([np.zeros((300, 300, 3), np.uint8)], UPRIGHT[None])


def test_who_gets_which_second_pass():
    fitted = KeypointsAligner(NoOptions())
    assert second_pass_of(ExtractOptions(), fitted) is None
    assert second_pass_of(ExtractOptions(), Fixed(UPRIGHT)) == "shifts"
    assert second_pass_of(ExtractOptions(second_pass="off"), Fixed(UPRIGHT)) is None
    assert second_pass_of(ExtractOptions(second_pass="detector"), fitted) == "detector"
    assert second_pass_of(ExtractOptions(second_pass="realign"), Oracle()) == "realign"
    with pytest.raises(ConfigError, match="realign needs an aligner that takes whole crops, which 'keypoints' does"):
        second_pass_of(ExtractOptions(second_pass="realign"), fitted)
    for mode in ("realign", "detector"):
        with pytest.raises(ConfigError, match=f"{mode} is not possible"):
            SecondPass(mode, fitted)


def test_the_kept_are_counted_in_the_log(caplog):
    align = Aligning(aligner=Fixed(UPRIGHT * np.nan), options=ExtractOptions())
    picture = np.zeros((300, 300, 3), np.uint8)
    with caplog.at_level(logging.INFO):
        align.close()
        assert not caplog.messages
        align([Shot(index=0, name="0", pts=None, image=picture, detections=(seen((80, 80, 180, 180)),) * 3)])
        align.close()
    assert "3 of 3 faces kept the landmarks of the first" in caplog.text


def test_the_check_measures_as_geometry_does():
    """Its limits are in the units that `mean_distance` and `mouth_below_eyes` give."""
    rng = np.random.default_rng(3)
    taken = []
    for _ in range(300):
        second = moved(UPRIGHT + rng.normal(0, rng.uniform(0, 45), (68, 2)), rng.uniform(-3, 3), 1, 0)
        first = second + rng.normal(0, 1, (68, 2)) + rng.uniform(0, 25, (1, 2))
        first, second = first.astype(np.float32), second.astype(np.float32)
        scale = geometry.scale_of(geometry.similarity(first[17:], MEAN_FACE_68[17:]))
        expected = (
            geometry.mean_distance(second) <= max(0.15, geometry.mean_distance(first))
            and geometry.mouth_below_eyes(second) > 0
            and np.linalg.norm(second - first, axis=1).mean() * scale <= 0.25
        )
        [good] = better(first[None], second[None])
        assert good == expected
        taken.append(good)
    assert 30 < sum(taken) < 270
