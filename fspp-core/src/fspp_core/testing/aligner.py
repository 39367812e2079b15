"""What every aligner must do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, get_args

import numpy as np
import pytest

from fspp_core.errors import ShapeError
from fspp_core.geometry.affine import untransform_each
from fspp_core.interfaces import CropAligner
from fspp_core.specs import Kind
from fspp_core.testing.base import Conformance, assert_float32
from fspp_core.testing.pictures import drawn_face, face_keypoints, flat
from fspp_core.types import Detection, FloatArray, Image, LandmarksOrigin

SHIFT = (17, 9)


class AlignerConformance(Conformance):
    """Checks for 68-point aligners, on drawn faces unless `faces` is overridden.

    Attributes:
        needs_keypoints: whether detections without keypoints are refused (True), served (False), or either (None).
        translation_tolerance_px: how far landmarks may stray when the picture moves by whole pixels.

    An aligner that has `align_crops` is a `CropAligner` and is checked as one, too.
    """

    kind: ClassVar[Kind] = "aligner"
    needs_keypoints: ClassVar[bool | None] = None
    translation_tolerance_px: ClassVar[float] = 2.0

    @classmethod
    def faces(cls) -> tuple[Image, list[Detection]]:
        """A picture (height, width, 3) uint8 BGR with a face or more, each 40 pixels from its right and lower edges."""
        box = (60.0, 40.0, 160.0, 170.0)
        return drawn_face(240, 260, box), [_detection(box)]

    @classmethod
    def exercise(cls, component: Any) -> list[FloatArray]:
        """Align the faces of two pictures, one of them without a face."""
        picture, detections = cls.faces()
        found: list[FloatArray] = component.align([picture, flat(50, 60)], [detections, []])
        return found

    def test_origin_is_stated(self) -> None:
        """Landmarks say whether they were detected or fitted."""
        assert self.built().landmarks_origin in get_args(LandmarksOrigin)
        assert self.built().landmarks_origin != "edited", "only people edit landmarks"

    def test_landmarks_have_the_promised_shape(self) -> None:
        """(faces, 68, 2) float32 a picture, and (0, 68, 2) where there is no face."""
        _, detections = self.faces()
        landmarks, none = self.exercise(self.built())
        assert_float32(landmarks, (len(detections), 68, 2))
        assert_float32(none, (0, 68, 2))
        assert np.isfinite(landmarks).all()

    def test_landmarks_lie_about_the_face(self) -> None:
        """Their centre is in the box, and they cover a good part of it."""
        _, detections = self.faces()
        for points, detection in zip(self.exercise(self.built())[0], detections, strict=True):
            left, top, right, bottom = detection.box.tolist()
            x, y = points.mean(0).tolist()
            assert left < x < right, f"landmarks centre on x {x:.1f}, the box is {detection.box.tolist()}"
            assert top < y < bottom, f"landmarks centre on y {y:.1f}, the box is {detection.box.tolist()}"
            span = np.ptp(points, axis=0) / (right - left, bottom - top)
            assert (span > 0.3).all(), f"landmarks span {span.tolist()} of the box"
            assert (span < 2).all(), f"landmarks span {span.tolist()} of the box"

    def test_nothing_in_nothing_out(self) -> None:
        """An empty batch is not an error."""
        assert self.built().align([], []) == []

    def test_moving_the_picture_moves_the_landmarks(self) -> None:
        """Whole pixels, so nothing is resampled."""
        picture, detections = self.faces()
        moved = np.roll(picture, SHIFT[::-1], axis=(0, 1))
        away = np.array([*SHIFT, *SHIFT], np.float32)
        there = [
            replace(d, box=d.box + away, keypoints=None if d.keypoints is None else d.keypoints + away[:2])
            for d in detections
        ]
        [before], [after] = self.built().align([picture], [detections]), self.built().align([moved], [there])
        np.testing.assert_allclose(
            after - np.array(SHIFT, np.float32), before, rtol=0, atol=self.translation_tolerance_px
        )

    def test_inputs_are_left_as_they_were(self) -> None:
        """Callers go on using them."""
        picture, detections = self.faces()
        copy, boxes = picture.copy(), [d.box.copy() for d in detections]
        self.built().align([picture], [detections])
        np.testing.assert_array_equal(picture, copy)
        np.testing.assert_array_equal([d.box for d in detections], boxes)

    def test_a_batch_gives_what_single_pictures_give(self) -> None:
        """Batching is for speed only, and pictures may differ in size."""
        picture, detections = self.faces()
        cut = picture[: picture.shape[0] - 8]
        together = self.built().align([picture, cut], [detections, detections])
        alone = [*self.built().align([picture], [detections]), *self.built().align([cut], [detections])]
        for one, other in zip(together, alone, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=0.05)

    @pytest.mark.parametrize("box", [(31, 42, 31, 90), (31, 42, 77, 42), (77, 42, 31, 90)])
    def test_a_box_without_area_is_named(self, box: tuple[float, float, float, float]) -> None:
        """`ShapeError` that shows the box."""
        picture, [detection, *_] = self.faces()
        bad = replace(detection, box=np.array(box, np.float32))
        with pytest.raises(ShapeError) as caught:
            self.built().align([picture], [[bad]])
        missing = [f"{int(value)}" for value in box if f"{int(value)}" not in str(caught.value)]
        assert not missing, f"the message does not show the box {box}: {caught.value}"

    def test_missing_keypoints(self) -> None:
        """Landmarks all the same, or a `ShapeError` that speaks of keypoints."""
        picture, detections = self.faces()
        bare = [replace(d, keypoints=None) for d in detections]
        try:
            [points] = self.built().align([picture], [bare])
        except ShapeError as error:
            refusal = str(error)
        else:
            assert self.needs_keypoints is not True, "detections without keypoints are not refused"
            assert points.shape == (len(bare), 68, 2)
            return
        assert self.needs_keypoints is not False, "detections without keypoints are refused"
        assert "keypoint" in refusal.lower(), f"the message does not speak of keypoints: {refusal}"

    @classmethod
    def _cutter(cls) -> CropAligner:
        component = cls.built()
        if not hasattr(component, "align_crops"):
            pytest.skip("no align_crops: this aligner takes pictures only")
        missing = [name for name in ("crop_size", "cut") if not hasattr(component, name)]
        assert not missing, f"it has align_crops, but not {', '.join(missing)}"
        assert isinstance(component, CropAligner)
        return component

    @classmethod
    def _crops(cls, component: CropAligner) -> tuple[Image, Any]:
        picture, detections = cls.faces()
        return component.cut([picture, flat(50, 60), picture], [detections, [], detections])

    def test_crops_have_the_promised_shape(self) -> None:
        """(n, crop_size, crop_size, 3) uint8 of all faces in order, and the matrices they were cut out with."""
        component = self._cutter()
        count = 2 * len(self.faces()[1])
        crops, matrices = self._crops(component)
        size = component.crop_size
        assert isinstance(size, int), f"crop_size is {size!r}"
        assert crops.shape == (count, size, size, 3), f"expected {count} crops of {size} pixels, received {crops.shape}"
        assert crops.dtype == np.uint8
        assert matrices.shape == (count, 2, 3), f"expected {count} matrices, received shape {matrices.shape}"
        none, no_matrices = component.cut([flat(50, 60)], [[]])
        assert none.shape == (0, size, size, 3)
        assert none.dtype == np.uint8
        assert no_matrices.shape == (0, 2, 3)

    def test_landmarks_of_crops_have_the_promised_shape(self) -> None:
        """(n, 68, 2) float32, and (0, 68, 2) for none; the crops stay as they were."""
        component = self._cutter()
        crops, _ = self._crops(component)
        copy = crops.copy()
        landmarks = component.align_crops(crops)
        assert_float32(landmarks, (len(crops), 68, 2))
        assert np.isfinite(landmarks).all()
        assert_float32(component.align_crops(crops[:0]), (0, 68, 2))
        np.testing.assert_array_equal(crops, copy)

    def test_landmarks_of_crops_go_back_to_those_of_pictures(self) -> None:
        """Through the matrices, to what `align` gives."""
        component = self._cutter()
        picture, detections = self.faces()
        whole = np.concatenate(component.align([picture, picture], [detections, detections]))
        crops, matrices = self._crops(component)
        back = untransform_each(component.align_crops(crops), matrices)
        np.testing.assert_allclose(back, whole, rtol=0, atol=0.05)

    def test_crops_of_another_size_are_refused(self) -> None:
        """`ShapeError`, not landmarks of something else."""
        component = self._cutter()
        crops, _ = self._crops(component)
        wrongs: list[Any] = [crops[:, 1:], crops[..., 0], crops.astype(np.float32)]
        for wrong in wrongs:
            with pytest.raises(ShapeError):
                component.align_crops(wrong)


def _detection(box: tuple[float, float, float, float]) -> Detection:
    return Detection(box=np.array(box, np.float32), score=0.9, keypoints=face_keypoints(box))
