"""What every masker must do."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from fspp_core.errors import ShapeError
from fspp_core.specs import Kind
from fspp_core.testing.base import assert_float32, assert_within_0_and_1
from fspp_core.testing.crops import CropConformance
from fspp_core.types import FloatArray


class MaskerConformance(CropConformance):
    """Checks for maskers.

    Attributes:
        finds_drawn_face: whether the middle of a drawn face must be inside the mask and the crop's edge mostly outside;
            true of maskers that go by landmarks.
    """

    kind: ClassVar[Kind] = "masker"
    finds_drawn_face: ClassVar[bool] = False

    @classmethod
    def exercise(cls, component: Any) -> FloatArray:
        """Mask three crops."""
        masks: FloatArray = component.mask(*cls.crops(component))
        return masks

    def test_masks_have_the_promised_shape_and_range(self) -> None:
        """(n, size, size) float32, 0..1."""
        size, masks = self.built().size, self.exercise(self.built())
        assert_float32(masks, (3, size, size))
        assert_within_0_and_1(masks, "the mask")

    def test_nothing_in_nothing_out(self) -> None:
        """An empty batch is not an error."""
        crops, landmarks = self.crops(self.built())
        assert self.built().mask(crops[:0], landmarks[:0]).shape == (0, *crops.shape[1:3])

    @pytest.mark.parametrize("value", [0, 255])
    def test_flat_crops_are_finite(self, value: int) -> None:
        """A frame faded to black must not spoil a film with NaN."""
        crops, landmarks = self.crops(self.built())
        assert_within_0_and_1(self.built().mask(np.full_like(crops, value), landmarks), "the mask")

    def test_inputs_are_left_as_they_were(self) -> None:
        """Callers go on using them."""
        crops, landmarks = self.crops(self.built())
        copies = crops.copy(), landmarks.copy()
        self.built().mask(crops, landmarks)
        np.testing.assert_array_equal(crops, copies[0])
        np.testing.assert_array_equal(landmarks, copies[1])

    def test_a_batch_gives_what_single_crops_give(self) -> None:
        """Batching is for speed only."""
        crops, landmarks = self.crops(self.built())
        singles = [self.built().mask(crops[i : i + 1], landmarks[i : i + 1])[0] for i in range(len(crops))]
        np.testing.assert_allclose(self.built().mask(crops, landmarks), singles, rtol=0, atol=2e-3)

    def test_landmarks_outside_the_crop(self) -> None:
        """A face at the frame's edge reaches beyond its crop; the mask stays in range."""
        crops, landmarks = self.crops(self.built())
        masks = self.built().mask(crops, landmarks + np.float32(self.built().size * 0.7))
        assert_within_0_and_1(masks, "the mask")

    def test_crops_of_another_size_are_refused(self) -> None:
        """`ShapeError`, not a mask of another size."""
        crops, landmarks = self.crops(self.built())
        with pytest.raises(ShapeError):
            self.built().mask(crops[:, : self.built().size - 1], landmarks)

    def test_covers_the_drawn_face(self) -> None:
        """Middle in, edge out."""
        if not self.finds_drawn_face:
            pytest.skip("finds_drawn_face is False: nothing is promised about drawn faces")
        crops, landmarks = self.crops(self.built())
        mask = self.built().mask(crops[:1], landmarks[:1])[0]
        x, y = landmarks[0, 30].round().astype(int)
        assert mask[y, x] > 0.5, "the tip of the nose is outside the mask"
        edge = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
        assert edge.mean() < mask.mean(), "the mask covers the crop's edge more than its inside"
