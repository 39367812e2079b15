"""Box arithmetic of the cascade."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fspp_detect_mtcnn.boxes import Proposals, moved, patches, squared, suppress


def proposals(boxes, scores, picture=None):
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    return Proposals(
        picture=np.zeros(len(boxes), np.intp) if picture is None else np.asarray(picture, np.intp),
        boxes=boxes,
        scores=np.asarray(scores, np.float32),
        keypoints=np.zeros((len(boxes), 5, 2), np.float32),
    )


@st.composite
def clusters(draw):
    count = draw(st.integers(0, 40))
    corner = draw(hnp.arrays(np.float32, (count, 2), elements=st.integers(-20, 60).map(float)))
    side = draw(hnp.arrays(np.float32, (count, 2), elements=st.integers(5, 40).map(float)))
    scores = draw(hnp.arrays(np.float32, count, elements=st.integers(0, 8).map(lambda n: n / 8)))
    picture = draw(hnp.arrays(np.intp, count, elements=st.integers(0, 2)))
    return proposals(np.concatenate([corner, corner + side], axis=1), scores, picture)


def share(a, b, of):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, float(width)) * max(0.0, float(height))
    areas = [float((c[2] - c[0]) * (c[3] - c[1])) for c in (a, b)]
    return shared / (min(areas) if of == "smaller" else sum(areas) - shared)


@settings(deadline=None)
@given(
    clusters(), st.sampled_from([0.3, 0.5, 0.7]), st.sampled_from(["union", "smaller"]), st.sampled_from([1, 7, 256])
)
def test_suppress_equals_the_definition(given_boxes, threshold, of, block):
    import fspp_detect_mtcnn.boxes as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK", block)
        stays = suppress(given_boxes, threshold, of)
    order = sorted(range(len(given_boxes)), key=lambda i: (given_boxes.picture[i], -given_boxes.scores[i]))
    shares = [share(a, b, of) for a, b in combinations(given_boxes.boxes, 2)]
    assume(all(abs(value - threshold) > 1e-5 for value in shares))  # at the threshold rounding decides
    expected = [
        i
        for place, i in enumerate(order)
        if not any(
            given_boxes.picture[i] == given_boxes.picture[j]
            and share(given_boxes.boxes[i], given_boxes.boxes[j], of) > threshold
            for j in order[:place]
        )
    ]
    np.testing.assert_array_equal(stays.boxes, given_boxes.boxes[expected])
    np.testing.assert_array_equal(stays.picture, given_boxes.picture[expected])


def test_a_box_inside_another_shares_all_of_itself():
    nested = proposals([[0, 0, 100, 100], [40, 40, 60, 60]], [0.9, 0.8])
    assert len(suppress(nested, 0.7)) == 2
    assert len(suppress(nested, 0.7, "smaller")) == 1


def test_squared_keeps_the_centre_and_the_longer_side():
    np.testing.assert_allclose(squared(np.array([[10, 20, 30, 80]], np.float32)), [[-10, 20, 50, 80]])


def test_moved_shifts_each_edge_by_its_share_of_the_side():
    box = np.array([[10, 20, 19, 39]], np.float32)  # 10 by 20 pixels, both border pixels counted
    offsets = np.array([[0.1, -0.1, 0.2, 0.5]], np.float32)
    np.testing.assert_allclose(moved(box, offsets), [[11, 18, 21, 49]])


def test_patches_sample_the_picture_and_are_grey_outside():
    ramp = np.tile(np.arange(101, dtype=np.uint8)[:, None, None], (1, 51, 3))
    picture = np.array([1], np.intp)
    [patch] = patches([np.zeros_like(ramp), ramp], picture, np.array([[0, 0, 51, 101]], np.float32), 11)
    np.testing.assert_allclose(patch[:, 5, 0], np.arange(0, 101, 10), atol=0.05)
    [outside] = patches([ramp], np.array([0], np.intp), np.array([[60, 10, 80, 30]], np.float32), 6)
    np.testing.assert_array_equal(outside, np.full((6, 6, 3), 127.5, np.float32))


def test_nothing_stays_nothing():
    empty = proposals(np.zeros((0, 4)), [])
    assert len(suppress(empty, 0.5)) == 0
    assert patches([], empty.picture, empty.boxes, 24).shape == (0, 24, 24, 3)
    assert len(Proposals.joined([])) == 0
