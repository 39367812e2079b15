"""The plain descriptor tells real faces apart, holds still where a face does, and is what it says it is."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from fspp_core.extraction.identity.descriptor import HogColor, gradient_histograms
from fspp_core.extraction.identity.mean_gradients import MEAN_GRADIENTS
from fspp_core.geometry import crop_matrix, fit_keypoints, warp
from fspp_core.options import NoOptions

KEYPOINTS = {
    "astronaut": [(204, 100), (245, 102), (224, 126), (202, 139), (244, 140)],
    "hopper": [(220, 190), (308, 186), (268, 237), (232, 277), (304, 273)],
}


@pytest.fixture(scope="module")
def recognizer():
    return HogColor(NoOptions())


@pytest.fixture(scope="module")
def portraits(astronaut, hopper):
    return {"astronaut": astronaut, "hopper": hopper}


def face_of(portraits, who, *, matrix=None):
    """The face's crop; `matrix` moves the crop in crop pixels, as a less exact aligner would."""
    landmarks = fit_keypoints(np.float32(KEYPOINTS[who]))
    wanted = crop_matrix(landmarks, HogColor.face_type, HogColor.size)
    if matrix is not None:
        wanted = matrix[:, :2] @ wanted + np.c_[np.zeros((2, 2)), matrix[:, 2]]
    return warp(portraits[who], wanted, HogColor.size, border="replicate")


def moved(dx=0.0, dy=0.0, degrees=0.0, zoom=1.0):
    return cv2.getRotationMatrix2D((32, 32), degrees, zoom) + np.array([[0, 0, dx], [0, 0, dy]])


def alike(recognizer, *crops):
    vectors = recognizer.embed(np.stack(crops))
    return vectors @ vectors.T


def shift_of_light(crop, gain, gamma=1.0):
    return np.clip(255 * gain * (crop / 255) ** gamma, 0, 255).astype(np.uint8)


CHANGES = {
    "itself": lambda c: c,
    "brighter": lambda c: shift_of_light(c, 1.2),
    "darker": lambda c: shift_of_light(c, 0.6),
    "gamma": lambda c: shift_of_light(c, 1.0, 1.6),
    "noise": lambda c: np.clip(c + np.random.default_rng(0).normal(0, 8, c.shape), 0, 255).astype(np.uint8),
    "small": lambda c: cv2.resize(cv2.resize(c, (28, 28), interpolation=cv2.INTER_AREA), (64, 64)),
    "jpeg": lambda c: cv2.imdecode(cv2.imencode(".jpg", c, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], cv2.IMREAD_COLOR),
}


@pytest.mark.parametrize("who", KEYPOINTS)
@pytest.mark.parametrize("change", CHANGES)
def test_one_person_under_changes_of_the_picture(recognizer, portraits, who, change):
    crop = face_of(portraits, who)
    assert alike(recognizer, crop, CHANGES[change](crop))[0, 1] > 0.85


def test_two_people_are_not_alike(recognizer, portraits):
    likeness = alike(recognizer, *(face_of(portraits, who) for who in KEYPOINTS))
    assert likeness[0, 1] < 0.5 < recognizer.same_person


@pytest.mark.parametrize("who", KEYPOINTS)
def test_a_less_exact_aligner_is_forgiven(recognizer, portraits, who):
    other = next(name for name in KEYPOINTS if name != who)
    crops = [face_of(portraits, who)]
    crops += [
        face_of(portraits, who, matrix=moved(dx, dy, degrees, zoom))
        for dx, dy, degrees, zoom in itertools.product((-1.5, 1.5), (-1.5, 1.5), (-3, 3), (0.97, 1.03))
    ]
    likeness = alike(recognizer, *crops, face_of(portraits, other))
    assert likeness[0, :-1].min() > recognizer.same_person + 0.1
    assert likeness[-1, :-1].max() < 0.5


def test_likeness_falls_with_the_distance(recognizer, portraits):
    crops = [face_of(portraits, "hopper", matrix=moved(dx, 0, 2 * dx)) for dx in (0, 1, 2, 4, 8)]
    likeness = alike(recognizer, *crops)[0]
    assert list(likeness) == sorted(likeness, reverse=True)
    blend = [
        cv2.addWeighted(face_of(portraits, "hopper"), 1 - a, face_of(portraits, "astronaut"), a, 0)
        for a in (0, 0.25, 0.5, 0.75, 1)
    ]
    likeness = alike(recognizer, *blend)[0]
    assert list(likeness) == sorted(likeness, reverse=True)


def test_a_batch_changes_no_bit(recognizer, portraits):
    """A resumed run has other batches, and must have the same descriptions."""
    rng = np.random.default_rng(0)
    crops = np.stack([*(face_of(portraits, who) for who in KEYPOINTS), *rng.integers(0, 255, (7, 64, 64, 3), np.uint8)])
    whole = recognizer.embed(crops)
    for count in (1, 2, 3, 5, 8):
        for first in range(len(crops) - count + 1):
            some = crops[first : first + count].copy()
            np.testing.assert_array_equal(recognizer.embed(some), whole[first : first + count])


def test_colors_count_where_shapes_are_equal(recognizer, portraits):
    crop = face_of(portraits, "hopper")
    tinted = np.clip(crop * np.array([1.5, 1.0, 0.7]), 0, 255).astype(np.uint8)
    grey = np.repeat(crop.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    likeness = alike(recognizer, crop, tinted, grey)
    assert 0.8 < likeness[0, 1] < 0.97
    assert 0.8 < likeness[0, 2] < 0.97


def test_gradients_of_a_known_picture():
    """A ramp to the right has all its energy in the first direction, one downwards in the middle one."""
    ramp = np.repeat(np.linspace(0, 255, 64)[None, :, None], 64, axis=0).repeat(3, axis=2).astype(np.uint8)
    across, down = gradient_histograms(np.stack([ramp, ramp.transpose(1, 0, 2)])).reshape(2, 5, 5, 8)
    assert across[..., 0].sum() > 0.99 * across.sum()
    assert down[..., 4].sum() > 0.99 * down.sum()


def test_a_mirrored_picture_has_mirrored_gradients(portraits):
    crop = face_of(portraits, "hopper")
    plain, mirrored = gradient_histograms(np.stack([crop, crop[:, ::-1]])).reshape(2, 5, 5, 8)
    np.testing.assert_allclose(mirrored, plain[:, ::-1][..., -np.arange(8) % 8], atol=1e-5)


def test_the_table_is_like_a_face(recognizer, portraits):
    """The mean of many faces is nearer to each face than two faces are to each other, and symmetric."""
    faces = gradient_histograms(np.stack([face_of(portraits, who) for who in KEYPOINTS]))
    mean = MEAN_GRADIENTS.ravel() / np.linalg.norm(MEAN_GRADIENTS)
    assert (faces @ mean).min() > faces[0] @ faces[1]
    np.testing.assert_array_equal(MEAN_GRADIENTS, MEAN_GRADIENTS[:, ::-1][..., -np.arange(8) % 8])
