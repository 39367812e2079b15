"""Boxes by counting pixels; outlines by what they must hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fspp_core import geometry
from fspp_core.errors import ShapeError

corner = st.integers(-5, 25)
boxes = st.tuples(corner, corner, st.integers(0, 20), st.integers(0, 20)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


def pixels(box: tuple[int, ...]) -> set[tuple[int, int]]:
    return {(x, y) for x in range(box[0], box[2]) for y in range(box[1], box[3])}


@settings(deadline=None)
@given(st.lists(boxes, min_size=1, max_size=4), st.lists(boxes, min_size=1, max_size=4))
def test_overlap_is_that_of_the_pixels(first: list[tuple[int, ...]], second: list[tuple[int, ...]]) -> None:
    found = geometry.iou(np.array(first, np.float32), np.array(second, np.float32))
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            together = len(pixels(a) | pixels(b))
            assert found[i, j] == pytest.approx(len(pixels(a) & pixels(b)) / together if together else 0.0)


@given(boxes)
def test_clipped_boxes_lie_inside(box: tuple[int, ...]) -> None:
    clipped = geometry.clip_boxes(np.array([box]), 12, 9)
    inside = {(x, y) for x, y in pixels(box) if 0 <= x < 12 and 0 <= y < 9}
    assert geometry.area(clipped)[0] == len(inside)
    assert clipped.dtype == np.float32


def test_no_boxes() -> None:
    none = np.zeros((0, 4), np.float32)
    assert geometry.iou(none, np.ones((3, 4))).shape == (0, 3)
    assert geometry.clip_boxes(none, 4, 4).shape == (0, 4)
    assert geometry.suppress(none, np.zeros(0), 0.5).tolist() == []


def test_suppression_keeps_the_best_of_each_pile() -> None:
    pile = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60], [0, 0, 10, 10]], np.float32)
    assert geometry.suppress(pile, np.array([0.5, 0.9, 0.7, 0.9]), 0.5).tolist() == [1, 2]
    assert geometry.suppress(pile, np.array([0.5, 0.9, 0.7, 0.9]), 0.99).tolist() == [1, 3, 2]


def test_box_of_points() -> None:
    assert geometry.box_of(np.array([[3.0, 9.0], [1.0, 4.0]])).tolist() == [1.0, 4.0, 3.0, 9.0]


def test_boxes_of_another_shape_are_refused() -> None:
    with pytest.raises(ShapeError, match="left, top, right, bottom"):
        geometry.iou(np.zeros((2, 5)), np.zeros((2, 4)))


FACE = geometry.MEAN_FACE_68 * 100 + 60


def test_outlines_hold_what_they_should() -> None:
    components = geometry.fill_polygons(geometry.components_hulls(FACE), 220)
    extended = geometry.fill_polygons(geometry.extended_hulls(FACE), 220)
    eyes = geometry.fill_polygons(geometry.eye_hulls(FACE), 220)
    lips = geometry.fill_polygons(geometry.mouth_hulls(FACE), 220)
    teeth = geometry.fill_polygons(geometry.mouth_hulls(FACE, inner=True), 220)
    assert components.dtype == np.uint8
    assert (components >= eyes).all()
    assert (components >= lips).all()
    assert (lips >= teeth).all()
    assert 0 < (teeth > 127).sum() < (lips > 127).sum() < (components > 127).sum() < (extended > 127).sum()
    highest = [int(np.flatnonzero(mask.max(axis=1) > 127)[0]) for mask in (extended, components)]
    assert highest[0] < highest[1] - 5


def test_fractions_of_a_pixel_count() -> None:
    square = np.array([[10.0, 10.0], [20.0, 10.0], [20.0, 20.0], [10.0, 20.0]], np.float32)
    whole = geometry.fill_polygons([square], 32).sum()
    wider = square + np.array([[0.0, 0.0], [0.5, 0.0], [0.5, 0.0], [0.0, 0.0]], np.float32)
    assert whole < geometry.fill_polygons([wider], 32).sum()


def test_polygons_far_outside_and_broken_ones() -> None:
    far = np.array([[-1e12, -1e12], [1e12, -1e12], [0, 1e12]], np.float32)
    assert (geometry.fill_polygons([far], (8, 4)) == 255).all()
    assert geometry.fill_polygons([far], (8, 4)).shape == (4, 8)
    with pytest.raises(ShapeError, match="polygon"):
        geometry.fill_polygons([np.full((3, 2), np.nan)], 8)
    with pytest.raises(ShapeError, match="landmarks"):
        geometry.face_hulls(np.zeros((5, 2)))


def test_soft_masks_grow_and_fade() -> None:
    mask = np.zeros((65, 65), np.float32)
    mask[32, 32] = 1.0
    grown = geometry.soften(mask, 9, 0)
    assert grown.sum() > 40
    assert set(np.unique(grown)) == {0.0, 1.0}
    blurred = geometry.soften(mask, 0, 8)
    assert blurred.sum() == pytest.approx(1.0, abs=1e-5)
    assert mask.sum() == 1.0
