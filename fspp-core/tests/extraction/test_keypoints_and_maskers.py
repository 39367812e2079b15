"""Core's own aligner and maskers."""

from __future__ import annotations

import numpy as np
import pytest

from fspp_core import geometry
from fspp_core.errors import ShapeError
from fspp_core.extraction.alignment.keypoints import KeypointsAligner
from fspp_core.extraction.mask_options import (
    ComponentsOptions,
    CustomOptions,
    DFLHullOptions,
    ExtendedOptions,
    EyesOptions,
    MouthOptions,
)
from fspp_core.extraction.maskers import (
    ComponentsMasker,
    CustomMasker,
    DFLHullMasker,
    ExtendedMasker,
    EyesMasker,
    MouthMasker,
)
from fspp_core.extraction.masking import Masking
from fspp_core.extraction.shots import Shot
from fspp_core.geometry import MEAN_FACE_68
from fspp_core.options import NoOptions
from fspp_core.types import Detection, Face

LANDMARKS = (MEAN_FACE_68 * 90 + (60, 70)).astype(np.float32)


def test_landmarks_are_fitted_to_the_keypoints():
    keypoints = geometry.keypoints_of(LANDMARKS).astype(np.float32)
    face = Detection(box=geometry.box_of(LANDMARKS), score=0.9, keypoints=keypoints)
    aligner = KeypointsAligner(NoOptions())
    [landmarks] = aligner.align([np.zeros((200, 200, 3), np.uint8)], [[face]])
    assert aligner.landmarks_origin == "fitted"
    assert np.linalg.norm(landmarks[0] - LANDMARKS, axis=1).mean() < 4
    assert np.linalg.norm(geometry.keypoints_of(landmarks[0]) - keypoints, axis=1).max() < 4


def test_pictures_and_detections_must_go_together():
    with pytest.raises(ShapeError, match="1 pictures and detections of 2"):
        KeypointsAligner(NoOptions()).align([np.zeros((9, 9, 3), np.uint8)], [[], []])


def crop(masker):
    matrix = geometry.crop_matrix(LANDMARKS, masker.face_type, masker.size)
    points = geometry.transform(LANDMARKS, matrix).astype(np.float32)
    return np.zeros((1, masker.size, masker.size, 3), np.uint8), points[None]


@pytest.mark.parametrize("size", [64, 256])
def test_hulls(size):
    components, extended = ComponentsMasker(ComponentsOptions(size=size)), ExtendedMasker(ExtendedOptions(size=size))
    jaw_to_brows, higher = (masker.mask(*crop(masker))[0] for masker in (components, extended))
    assert jaw_to_brows.shape == (size, size)
    assert (higher >= jaw_to_brows - 0.05).all()  # smooth edges differ a little
    assert 1.05 < higher.sum() / jaw_to_brows.sum() < 1.6
    _, [points] = crop(components)
    np.testing.assert_array_equal(
        jaw_to_brows, geometry.fill_polygons(geometry.components_hulls(points), size) / np.float32(255)
    )
    inside = points[27:36].round().astype(int)
    assert (jaw_to_brows[inside[:, 1], inside[:, 0]] == 1).all()
    assert higher[0].max() == higher[-1].max() == higher[:, 0].max() == higher[:, -1].max() == 0


def test_brows_are_raised_as_far_as_asked():
    areas = []
    for brows in (0.0, 0.5, 1.0, 2.0):
        masker = ExtendedMasker(ExtendedOptions(brows=brows))
        areas.append(masker.mask(*crop(masker)).sum())
    plain = ComponentsMasker(ComponentsOptions())
    assert areas[0] == plain.mask(*crop(plain)).sum()
    assert areas == sorted(areas)
    assert len(set(areas)) == 4


def test_landmarks_must_be_one_set_a_crop():
    masker = ComponentsMasker(ComponentsOptions(size=64))
    crops, landmarks = crop(masker)
    with pytest.raises(ShapeError, match=r"\(1, 68, 2\); received .*\(1, 67, 2\)"):
        masker.mask(crops, landmarks[:, 1:])


def golden_faces(golden):
    """The recorded landmarks in whole-face crops of 256 pixels, and the crops."""
    recorded = dict(golden("dfl_align")[1])
    landmarks = recorded["aligned_WHOLE_FACE"]
    return recorded, np.zeros((len(landmarks), 256, 256, 3), np.uint8), landmarks


@pytest.mark.parametrize(("key", "brows"), [("hull_mask_packed", 1.0), ("hull_mask_mod0.5_packed", 0.5)])
def test_the_hull_is_deepfacelabs(golden, key, brows):
    recorded, crops, landmarks = golden_faces(golden)
    masks = DFLHullMasker(DFLHullOptions(brows=brows)).mask(crops, landmarks)
    expected = np.unpackbits(recorded[key]).reshape(masks.shape)
    np.testing.assert_array_equal(masks, expected.astype(np.float32))


@pytest.mark.parametrize(
    ("key", "masker"),
    [("eye_mask", EyesMasker(EyesOptions())), ("mouth_mask", MouthMasker(MouthOptions(lips=False)))],
)
def test_eyes_and_mouth_are_deepfacelabs(golden, key, masker):
    recorded, crops, landmarks = golden_faces(golden)
    masks = masker.mask(crops, landmarks)
    np.testing.assert_allclose(masks.ravel()[::37], recorded[key], atol=1e-6)


def test_eyes_and_mouth_lie_where_they_are_and_options_change_them():
    eyes, mouth = EyesMasker(EyesOptions()), MouthMasker(MouthOptions())
    _, [points] = crop(eyes)
    eye, lips = (masker.mask(*crop(masker))[0] for masker in (eyes, mouth))
    for mask, inside, outside in ((eye, points[36:48], points[48:60]), (lips, points[48:68], points[36:48])):
        columns, rows = inside.round().astype(int).T
        assert mask[rows, columns].min() > 0.3
        columns, rows = outside.round().astype(int).T
        assert mask[rows, columns].max() == 0
    without = MouthMasker(MouthOptions(lips=False))
    assert without.mask(*crop(without)).sum() < 0.8 * lips.sum()
    hard = EyesMasker(EyesOptions(grow=0, blur=0))
    assert set(np.unique(hard.mask(*crop(hard)))) == {0, 1}
    larger = EyesMasker(EyesOptions(grow=10))
    assert larger.mask(*crop(larger)).sum() > 1.2 * eye.sum() > hard.mask(*crop(hard)).sum()


def test_a_mask_to_paint_starts_blank_or_filled():
    for start, expected in (("blank", 0), ("filled", 1)):
        masker = CustomMasker(CustomOptions(size=32, face_type="full", start=start))
        assert (masker.face_type, masker.size) == ("full", 32)
        np.testing.assert_array_equal(masker.mask(*crop(masker)), np.full((1, 32, 32), expected, np.float32))


@pytest.mark.parametrize("looks", [True, False, None])
def test_crops_are_made_for_those_that_look_at_them(looks):
    seen = []

    class Whatever:
        face_type, size = "whole", 32

        def mask(self, crops, landmarks):
            seen.append(crops)
            return np.zeros(crops.shape[:3], np.float32)

    if looks is not None:
        Whatever.looks_at_pixels = looks
    face = Face(
        box=np.array([0, 0, 9, 9], np.float32),
        score=1.0,
        landmarks=LANDMARKS,
        landmarks_origin="detected",
        detector="d",
        aligner="a",
    )
    shot = Shot(index=0, name="0", pts=None, image=np.full((300, 300, 3), 200, np.uint8), faces=(face,))
    [masked] = Masking(maskers={"whatever": Whatever()})([shot])
    mask = masked.faces[0].masks["whatever"]
    np.testing.assert_allclose(mask.matrix, geometry.crop_matrix(LANDMARKS, "whole", 32))
    [crops] = seen
    assert crops.shape == (1, 32, 32, 3)
    assert crops.any() == (looks is not False)
