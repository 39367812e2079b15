"""What every colour transfer must do."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from fspp_core.specs import Kind
from fspp_core.testing.base import Conformance, assert_float32, assert_within_0_and_1
from fspp_core.testing.pictures import drawn_face, noise
from fspp_core.types import FloatArray

SIDE = 48


class ColorTransferConformance(Conformance):
    """Checks for colour transfers.

    Attributes:
        keeps_equal_colors: how far a face may change that has the reference's colours already; None for at will.
        nears_the_reference: whether the mean colour inside the mask must come nearer to the reference's.
    """

    kind: ClassVar[Kind] = "color_transfer"
    keeps_equal_colors: ClassVar[float | None] = 0.02
    nears_the_reference: ClassVar[bool] = False

    @classmethod
    def inputs(cls) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Faces and references (2, 48, 48, 3) float32 BGR 0..1, and masks (2, 48, 48) float32 with a round inside."""
        face = drawn_face(SIDE, SIDE, (6, 2, 42, 46)).astype(np.float32) / 255
        grain = noise(SIDE, SIDE).astype(np.float32) / 255 * 0.1
        faces = np.stack([face * 0.8 + grain, face[:, ::-1] * 0.7 + grain])
        references = np.stack([face * (0.5, 0.7, 0.9), face * (0.9, 0.6, 0.5)]).astype(np.float32) + grain
        rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE / 2
        mask = (rows**2 + columns**2 < (SIDE * 0.4) ** 2).astype(np.float32)
        return faces.astype(np.float32), references.clip(0, 1).astype(np.float32), np.stack([mask, mask * 0.9])

    @classmethod
    def exercise(cls, component: Any) -> FloatArray:
        """Recolour two faces."""
        result: FloatArray = component.transfer(*cls.inputs())
        return result

    def test_result_has_the_promised_shape_and_range(self) -> None:
        """Like the faces, float32, 0..1."""
        _assert_picture(self.exercise(self.built()), (2, SIDE, SIDE, 3))

    def test_nothing_in_nothing_out(self) -> None:
        """An empty batch is not an error."""
        faces, references, masks = (array[:0] for array in self.inputs())
        assert self.built().transfer(faces, references, masks).shape == faces.shape

    def test_inputs_are_left_as_they_were(self) -> None:
        """Callers go on using them."""
        inputs = self.inputs()
        copies = [array.copy() for array in inputs]
        self.built().transfer(*inputs)
        for array, copy in zip(inputs, copies, strict=True):
            np.testing.assert_array_equal(array, copy)

    def test_unchanged_where_the_mask_is_empty(self) -> None:
        """Without pixels that count there is nothing to go by."""
        faces, references, masks = self.inputs()
        result = self.built().transfer(faces, references, np.stack([np.zeros_like(masks[0]), masks[1]]))
        np.testing.assert_allclose(result[0], faces[0], rtol=0, atol=1e-6)

    def test_a_batch_gives_what_single_faces_give(self) -> None:
        """Faces of one batch do not colour each other."""
        inputs = self.inputs()
        singles = [self.built().transfer(*(array[i : i + 1] for array in inputs))[0] for i in range(2)]
        np.testing.assert_allclose(self.built().transfer(*inputs), singles, rtol=0, atol=1e-5)

    @pytest.mark.parametrize(("face", "reference"), [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.5, 0.2)])
    def test_pictures_of_one_color_are_finite(self, face: float, reference: float) -> None:
        """Nothing is divided by a spread of zero."""
        faces, references, masks = self.inputs()
        result = self.built().transfer(np.full_like(faces, face), np.full_like(references, reference), masks)
        _assert_picture(result, faces.shape)

    def test_a_mask_of_one_pixel(self) -> None:
        """The smallest mask there is gives finite colours."""
        faces, references, masks = self.inputs()
        masks = np.zeros_like(masks)
        masks[:, 20, 20] = 1
        _assert_picture(self.built().transfer(faces, references, masks), faces.shape)

    def test_equal_colors_are_kept(self) -> None:
        """A face that is its own reference has nothing to gain."""
        if self.keeps_equal_colors is None:
            pytest.skip("keeps_equal_colors is None: this transfer may change equal colours")
        _, references, masks = self.inputs()
        result = self.built().transfer(references, references, masks)
        np.testing.assert_allclose(result, references, rtol=0, atol=self.keeps_equal_colors)

    def test_nears_the_reference(self) -> None:
        """Inside the mask the mean colour comes nearer to the reference's."""
        if not self.nears_the_reference:
            pytest.skip("nears_the_reference is False: nothing is promised about the mean colour")
        faces, references, masks = self.inputs()
        result = self.built().transfer(faces, references, masks)
        for face, done, reference, mask in zip(faces, result, references, masks, strict=True):
            inside = mask > 0
            goal = reference[inside].mean(0)
            before, after = (np.abs(picture[inside].mean(0) - goal).sum() for picture in (face, done))
            assert after < before, f"distance of the mean colours was {before:.4f} and is {after:.4f}"


def _assert_picture(result: FloatArray, shape: tuple[int, ...]) -> None:
    assert_float32(result, shape)
    assert_within_0_and_1(result, "the result")
