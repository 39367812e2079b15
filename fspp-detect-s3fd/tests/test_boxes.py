"""Decoding and suppression, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fspp_detect_s3fd import boxes as module
from fspp_detect_s3fd.boxes import Boxes, decode, face_scores, suppress


@st.composite
def clusters(draw):
    count = draw(st.integers(0, 30))
    corner = draw(hnp.arrays(np.float32, (count, 2), elements=st.integers(-20, 60).map(float)))
    side = draw(hnp.arrays(np.float32, (count, 2), elements=st.integers(5, 40).map(float)))
    scores = draw(st.permutations(range(1, count + 1)))  # ties have no right answer
    return Boxes(
        picture=draw(hnp.arrays(np.intp, count, elements=st.integers(0, 2))),
        corners=np.concatenate([corner, corner + side], axis=1),
        scores=np.array(scores, np.float32) / (count + 1),
    )


def overlap(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]) + 1, min(a[3], b[3]) - max(a[1], b[1]) + 1
    shared = max(0.0, float(width)) * max(0.0, float(height))
    areas = sum(float((c[2] - c[0] + 1) * (c[3] - c[1] + 1)) for c in (a, b))
    return shared / (areas - shared)


def one_by_one(boxes, threshold):
    """Kept boxes by picture, best first, each with those it took away."""
    groups = []
    for index in sorted(range(len(boxes)), key=lambda i: (boxes.picture[i], -boxes.scores[i])):
        for best, taken in groups:
            same = boxes.picture[best] == boxes.picture[index]
            if same and overlap(boxes.corners[best], boxes.corners[index]) > threshold:
                taken.append(index)
                break
        else:
            groups.append((index, []))
    return groups


@given(clusters(), st.sampled_from([0.0, 0.3, 0.7, 1.0]), st.sampled_from([1, 3, 64]))
def test_greedy_suppression_equals_the_definition(boxes, threshold, block):
    expected = [best for best, _ in one_by_one(boxes, threshold)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK", block)
        kept = suppress(boxes, threshold)
    np.testing.assert_array_equal(kept.corners, boxes.corners[expected])
    np.testing.assert_array_equal(kept.scores, boxes.scores[expected])
    np.testing.assert_array_equal(kept.picture, boxes.picture[expected])


@given(clusters(), st.sampled_from([0.3, 0.5]))
def test_voting_gives_the_mean_of_the_others_by_score(boxes, threshold):
    groups = one_by_one(boxes, threshold)
    expected = [
        np.average(boxes.corners[taken], axis=0, weights=boxes.scores[taken]) if taken else boxes.corners[best]
        for best, taken in groups
    ]
    kept = suppress(boxes, threshold, vote=True)
    np.testing.assert_allclose(kept.corners, np.reshape(expected, (-1, 4)), rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(kept.scores, boxes.scores[[best for best, _ in groups]])


@given(clusters())
def test_pictures_of_a_batch_do_not_touch_each_other(boxes):
    together = suppress(boxes, 0.3, vote=True)
    for picture in range(3):
        alone = suppress(boxes[boxes.picture == picture], 0.3, vote=True)
        np.testing.assert_array_equal(together.corners[together.picture == picture], alone.corners)


def test_areas_count_both_border_pixels():
    boxes = Boxes(
        picture=np.zeros(2, np.intp),
        corners=np.array([[0, 0, 9, 9], [5, 0, 14, 9]], np.float32),  # 50 of 150 pixels shared
        scores=np.array([0.9, 0.8], np.float32),
    )
    assert len(suppress(boxes, 0.3333)) == 1
    assert len(suppress(boxes, 0.3334)) == 2


def test_boxes_without_bounds_come_to_an_end():
    corners = np.array([[-np.inf, 0, np.inf, 10], [np.nan] * 4, [0, 0, 9, 9]], np.float32)
    boxes = Boxes(picture=np.zeros(3, np.intp), corners=corners, scores=np.float32([0.9, 0.8, 0.7]))
    with np.errstate(invalid="ignore"):
        assert len(suppress(boxes, 0.3)) == 3


def maps(batch=1, rows=8, columns=12, background=9.0):
    """Twelve maps in which nothing is a face."""
    made = []
    for level in range(6):
        cells = (batch, -(-rows // 2**level), -(-columns // 2**level))
        made += [np.tile(np.float32([background, -background]), (*cells, 1)), np.zeros((*cells, 4), np.float32)]
    return made


@pytest.mark.parametrize(("level", "stride"), [(0, 4), (1, 8), (2, 16)])
def test_a_cell_stands_for_a_square_of_four_strides(level, stride):
    given = maps(batch=2)
    given[2 * level][1, 1, 2] = 0, np.log(3)
    [box] = (found := decode(given, 0.5)).corners
    assert found.picture.tolist() == [1]
    assert found.scores[0] == pytest.approx(0.75)
    center = np.array([2.5 * stride, 1.5 * stride])
    np.testing.assert_allclose(box, [*(center - 2 * stride), *(center + 2 * stride)])


def test_offsets_move_and_scale_the_square():
    given = maps()
    given[0][0, 3, 5] = 0, 5
    given[1][0, 3, 5] = 2.5, -5, np.log(2) / 0.2, 0
    [box] = decode(given, 0.5).corners
    np.testing.assert_allclose(box, [22 + 4 - 16, 14 - 8 - 8, 22 + 4 + 16, 14 - 8 + 8], rtol=1e-6)


def test_nothing_is_nothing():
    found = suppress(decode(maps(), 0.5), 0.3, vote=True)
    assert len(found) == 0
    assert found.corners.shape == (0, 4)


def test_certain_scores_do_not_overflow():
    scores = face_scores(np.array([[500, -500], [-500, 500]], np.float32))
    np.testing.assert_array_equal(scores, np.float32([0, 1]))
    assert scores.dtype == np.float32


def test_ten_thousand_boxes_of_a_few_faces_take_few_steps(monkeypatch):
    """Work grows with the faces, not with the cells."""
    rng = np.random.default_rng(0)
    place = rng.integers(0, 3, 10_000)
    corner = place[:, None] * 200 + rng.uniform(-3, 3, (10_000, 2))
    boxes = Boxes(
        picture=rng.integers(0, 4, 10_000),
        corners=np.concatenate([corner, corner + 100], axis=1).astype(np.float32),
        scores=rng.random(10_000).astype(np.float32),
    )
    steps = []
    overlaps = module._overlap
    monkeypatch.setattr(module, "_overlap", lambda *given: steps.append(1) or overlaps(*given))
    assert len(suppress(boxes, 0.3)) == 12
    assert len(steps) == 4  # one a picture
