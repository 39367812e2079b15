"""What every face detector must do."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, ClassVar

import numpy as np
import pytest

from fspp_core.errors import ShapeError
from fspp_core.specs import Kind
from fspp_core.testing.base import Conformance, assert_float32
from fspp_core.testing.pictures import drawn_face, flat, noise, portrait, shrunk
from fspp_core.types import Detection, Image

Box = tuple[float, float, float, float]


class DetectorConformance(Conformance):
    """Checks for detectors.

    Attributes:
        finds_faces_down_to_px: height of the smallest face the detector promises to find, None to promise nothing.
        has_keypoints: whether detections must carry keypoints (True), must not (False), or may (None).
        huge_side: side in pixels of the large picture to survive.
        box_tolerance_px: how far a box may move between a picture alone and the same picture in a batch.
        score_tolerance: likewise for scores.
    """

    kind: ClassVar[Kind] = "detector"
    finds_faces_down_to_px: ClassVar[int | None] = None
    has_keypoints: ClassVar[bool | None] = None
    huge_side: ClassVar[int] = 2400
    box_tolerance_px: ClassVar[float] = 0.5
    score_tolerance: ClassVar[float] = 0.01

    @classmethod
    def face_picture(cls) -> tuple[Image, Box] | None:
        """A picture with one face, (height, width, 3) uint8 BGR, and the face's box; None when there is none."""
        return portrait()

    @classmethod
    def exercise(cls, component: Any) -> list[list[Detection]]:
        """Detect in a batch of pictures of one size."""
        found: list[list[Detection]] = component.detect(cls._pictures())
        return found

    @classmethod
    def _pictures(cls) -> list[Image]:
        pictures = [flat(160, 200), drawn_face(160, 200, (60, 20, 150, 140)), noise(160, 200)]
        given = cls.face_picture()
        if given is not None:
            height, width = given[0].shape[:2]
            pictures = [flat(height, width), drawn_face(height, width, (60, 20, 150, 140)), given[0]]
        return pictures

    @classmethod
    def _face(cls) -> tuple[Image, Box]:
        given = cls.face_picture()
        if given is None:
            pytest.skip("no picture with a face: install scikit-image, or override face_picture()")
        return given

    def test_no_face_no_detection(self) -> None:
        """Flat pictures hold no face; the answer is an empty list a picture."""
        found = self.built().detect([flat(120, 160), flat(120, 160, 0)])
        assert found == [[], []]

    def test_nothing_in_nothing_out(self) -> None:
        """An empty batch is not an error."""
        assert self.built().detect([]) == []

    def test_finds_the_face(self) -> None:
        """A clear frontal face is found where it is, first."""
        picture, box = self._face()
        [found] = self.built().detect([picture])
        assert found, "no face found"
        assert overlap(found[0].box, box) > 0.4, f"best box {found[0].box.tolist()}, the face is at {box}"

    def test_detections_have_the_promised_types(self) -> None:
        """Boxes, scores and keypoints are what `Detection` says."""
        for per_picture in self.exercise(self.built()):
            assert isinstance(per_picture, list)
            for detection in per_picture:
                assert isinstance(detection, Detection)
                assert isinstance(detection.score, float)
                assert_float32(detection.box, (4,))
                if self.has_keypoints is not None:
                    assert (detection.keypoints is not None) == self.has_keypoints
                if detection.keypoints is not None:
                    assert_float32(detection.keypoints, (5, 2))
                    assert np.isfinite(detection.keypoints).all()

    def test_boxes_lie_inside_the_picture(self) -> None:
        """Left before right, top before bottom, none outside."""
        for picture, per_picture in zip(self._pictures(), self.exercise(self.built()), strict=True):
            height, width = picture.shape[:2]
            for detection in per_picture:
                left, top, right, bottom = detection.box.tolist()
                assert 0 <= left < right <= width, f"box {detection.box.tolist()} in a picture {width} wide"
                assert 0 <= top < bottom <= height, f"box {detection.box.tolist()} in a picture {height} high"

    def test_scores_descend_within_0_and_1(self) -> None:
        """Best first."""
        for per_picture in self.exercise(self.built()):
            scores = [detection.score for detection in per_picture]
            assert scores == sorted(scores, reverse=True), f"scores {scores} do not descend"
            assert all(0 <= score <= 1 for score in scores), f"scores {scores} leave 0..1"

    def test_pictures_are_left_as_they_were(self) -> None:
        """Callers go on using their pictures; read-only ones are fine too."""
        pictures = self._pictures()
        before = [picture.copy() for picture in pictures]
        self.built().detect(pictures)
        for picture, copy in zip(pictures, before, strict=True):
            np.testing.assert_array_equal(picture, copy)

    def test_a_batch_gives_what_single_pictures_give(self) -> None:
        """Batching is for speed only."""
        pictures = self._pictures()
        singles = [self.built().detect([picture])[0] for picture in pictures]
        self._assert_same(self.built().detect(pictures), singles)

    def test_the_same_picture_gives_the_same_faces(self) -> None:
        """No state is carried from call to call."""
        self._assert_same(self.exercise(self.built()), self.exercise(self.built()))

    def test_non_contiguous_pictures(self) -> None:
        """A view gives what its copy gives."""
        view = self._pictures()[-1][:, ::-1]
        self._assert_same(self.built().detect([view]), self.built().detect([np.ascontiguousarray(view)]))

    @pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (7, 7)])
    def test_tiny_pictures(self, size: tuple[int, int]) -> None:
        """A result or a `ShapeError`, never a crash."""
        result_or_shape_error(lambda: self.built().detect([noise(*size)]))

    def test_huge_pictures(self) -> None:
        """A result or a `ShapeError`, never a crash."""
        result_or_shape_error(lambda: self.built().detect([flat(self.huge_side // 2, self.huge_side)]))

    @pytest.mark.parametrize("fault", ["grey", "two axes", "four channels", "float", "mixed sizes"])
    def test_wrong_pictures_are_refused(self, fault: str) -> None:
        """`ShapeError`, as the protocol says, not whatever the first array operation raises."""
        picture = flat(80, 80)
        wrong: dict[str, Sequence[Any]] = {
            "grey": [picture[..., :1]],
            "two axes": [picture[..., 0]],
            "four channels": [np.zeros((80, 80, 4), np.uint8)],
            "float": [picture.astype(np.float32)],
            "mixed sizes": [picture, flat(80, 81)],
        }
        with pytest.raises(ShapeError):
            self.built().detect(wrong[fault])

    def test_finds_small_faces_as_promised(self) -> None:
        """The face, shrunk to `finds_faces_down_to_px` high, is still found."""
        if self.finds_faces_down_to_px is None:
            pytest.skip("finds_faces_down_to_px is not given: nothing is promised about small faces")
        picture, box = self._face()
        scale = self.finds_faces_down_to_px / (box[3] - box[1])
        [found] = self.built().detect([shrunk(picture, scale)])
        assert any(overlap(d.box / scale, box) > 0.3 for d in found), f"not found at scale {scale:.3f}"

    def _assert_same(self, ours: list[list[Detection]], theirs: list[list[Detection]]) -> None:
        assert [len(found) for found in ours] == [len(found) for found in theirs]
        for one, other in zip(chain(*ours), chain(*theirs), strict=True):
            np.testing.assert_allclose(one.box, other.box, rtol=0, atol=self.box_tolerance_px)
            np.testing.assert_allclose(one.score, other.score, rtol=0, atol=self.score_tolerance)


def overlap(box: Any, other: Any) -> float:
    """Intersection over union of two boxes."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    common = max(0.0, float(width)) * max(0.0, float(height))
    areas = sum(float(b[2] - b[0]) * float(b[3] - b[1]) for b in (box, other))
    return common / (areas - common)


def result_or_shape_error(call: Any) -> None:
    """Let `call` answer or raise `ShapeError`; anything else fails the check."""
    with suppress(ShapeError):
        call()
