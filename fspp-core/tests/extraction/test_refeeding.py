"""Re-feed: boxes jittered within bounds, the same ones whatever else is at work, and landmarks averaged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fspp_core.errors import PluginError
from fspp_core.extraction.alignment.refeeding import align_refed, jittered
from fspp_core.types import Detection

corner, side = st.floats(-100, 3000), st.floats(4, 900)
PICTURE = np.zeros((9, 9, 3), np.uint8)


class Boxes:
    """Its landmarks are corners of the boxes it gets, which it keeps."""

    landmarks_origin = "detected"

    def __init__(self):
        self.asked = []

    def align(self, images, detections):
        self.asked.append([[face.box for face in found] for found in detections])
        self.keypoints = [[face.keypoints for face in found] for found in detections]
        return [
            np.array([np.tile(face.box.reshape(2, 2), (34, 1)) for face in found], np.float32).reshape(-1, 68, 2)
            for found in detections
        ]


def faces(*boxes, keypoints=None):
    return [Detection(box=np.array(box, np.float32), score=0.9, keypoints=keypoints) for box in boxes]


@given(st.lists(st.tuples(corner, corner, side, side), min_size=1, max_size=5), st.integers(1, 10))
def test_boxes_change_by_a_twentieth_of_the_shorter_side(rows, times):
    rows = np.array(rows)
    boxes = np.column_stack([rows[:, :2], rows[:, :2] + rows[:, 2:]]).astype(np.float32)
    drawn = jittered(boxes, [(7, number) for number in range(len(boxes))], times)
    assert (drawn.shape, drawn.dtype) == ((times, len(boxes), 4), np.float32)
    most = 0.05 * (boxes[:, 2:] - boxes[:, :2]).min(axis=1, keepdims=True) + 1e-3
    assert (np.abs(drawn - boxes)[..., :2] <= most).all()
    assert (np.abs((drawn[..., 2:] - drawn[..., :2]) - (boxes[:, 2:] - boxes[:, :2])) <= most).all()
    assert (drawn[..., :2] < drawn[..., 2:]).all()


def test_jitter_is_evenly_spread_and_that_of_the_face():
    box = np.array([[100, 100, 200, 300]], np.float32)
    many = np.concatenate([jittered(box, [(index, 0)], 10)[:, 0] for index in range(400)]) - box
    assert np.abs(many[:, :2].mean(axis=0)).max() < 0.2
    np.testing.assert_allclose(np.percentile(many[:, 0], [0, 25, 75, 100]), [-5, -2.5, 2.5, 5], atol=0.25)
    one, same = jittered(box, [(3, 1)], 4), jittered(box, [(3, 1)], 4)
    np.testing.assert_array_equal(one, same)
    for other in ((3, 0), (1, 3), (4, 1)):
        assert np.abs(jittered(box, [other], 4) - one).min() > 0


def test_landmarks_are_the_mean_of_one_call():
    aligner = Boxes()
    detections = [faces((10, 10, 50, 70), (80, 20, 120, 50)), [], faces((5, 5, 25, 25))]
    seeds = [[(0, 0), (0, 1)], [], [(2, 0)]]
    found = align_refed("aligner 'boxes'", aligner, [PICTURE] * 3, detections, seeds, 3)
    [asked] = aligner.asked
    assert [len(boxes) for boxes in asked] == [8, 0, 4]
    assert [points.shape for points in found] == [(2, 68, 2), (0, 68, 2), (1, 68, 2)]
    assert all(points.dtype == np.float32 for points in found)
    for number in (0, 1):
        mean = np.mean([asked[0][number + 2 * fed] for fed in range(4)], axis=0)
        np.testing.assert_allclose(found[0][number, :2].ravel(), mean, atol=1e-4)
        np.testing.assert_array_equal(asked[0][number], detections[0][number].box)


def test_a_face_is_fed_alike_alone_and_among_others():
    """So that a resumed extraction gives what an undisturbed one gives."""
    boxes = [(10, 10, 50, 70), (80, 20, 120, 50)]
    together = align_refed(
        "", Boxes(), [PICTURE] * 2, [faces(*boxes), faces(boxes[0])], [[(5, 0), (5, 1)], [(6, 0)]], 2
    )
    [alone] = align_refed("", Boxes(), [PICTURE], [faces(boxes[1])], [[(5, 1)]], 2)
    np.testing.assert_array_equal(alone[0], together[0][1])
    assert np.abs(together[1][0] - together[0][0]).max() > 0


def test_keypoints_go_with_their_boxes():
    aligner = Boxes()
    keypoints = np.array([(20, 30), (40, 30), (30, 40), (22, 55), (38, 55)], np.float32)
    align_refed("", aligner, [PICTURE], [faces((10, 10, 50, 70), keypoints=keypoints)], [[(0, 0)]], 2)
    for box, moved in zip(aligner.asked[0][0], aligner.keypoints[0], strict=True):
        shares = (moved - box[:2]) / (box[2:] - box[:2])
        np.testing.assert_allclose(shares, (keypoints - 10) / (40, 60), atol=1e-5)
    assert np.abs(aligner.keypoints[0][1] - keypoints).max() > 0.1


def test_none_asked_none_fed():
    aligner = Boxes()
    [points] = align_refed("", aligner, [PICTURE], [faces((1, 2, 3, 4))], [[(0, 0)]], 0)
    assert len(aligner.asked[0][0]) == 1
    np.testing.assert_array_equal(points[0, :2].ravel(), [1, 2, 3, 4])


@pytest.mark.parametrize("fault", ["pictures", "faces"])
def test_answers_must_be_as_many_as_the_questions(fault):
    class Short(Boxes):
        def align(self, images, detections):
            found = super().align(images, detections)
            return found[1:] if fault == "pictures" else [points[1:] for points in found]

    with pytest.raises(PluginError, match="aligner 'short' gave"):
        align_refed("aligner 'short'", Short(), [PICTURE], [faces((1, 2, 3, 4))], [[(0, 0)]], 1)
