"""What every recognizer must do."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from fspp_core.errors import ShapeError
from fspp_core.specs import Kind
from fspp_core.testing.crops import CropConformance
from fspp_core.types import FloatArray


class RecognizerConformance(CropConformance):
    """Checks for recognizers.

    Attributes:
        dimensions: length of an embedding, None to accept any.
    """

    kind: ClassVar[Kind] = "recognizer"
    dimensions: ClassVar[int | None] = None

    @classmethod
    def exercise(cls, component: Any) -> FloatArray:
        """Embed three crops."""
        embeddings: FloatArray = component.embed(cls.crops(component)[0])
        return embeddings

    def test_embeddings_have_the_promised_shape(self) -> None:
        """(n, d) float32."""
        embeddings = self.exercise(self.built())
        assert embeddings.dtype == np.float32
        assert embeddings.ndim == 2
        assert embeddings.shape[0] == 3
        assert self.dimensions in (None, embeddings.shape[1]), f"embeddings have {embeddings.shape[1]} dimensions"

    def test_embeddings_have_unit_length(self) -> None:
        """So that a dot product is a likeness."""
        np.testing.assert_allclose(np.linalg.norm(self.exercise(self.built()), axis=1), 1, rtol=0, atol=1e-3)

    def test_the_suggested_threshold_is_a_cosine(self) -> None:
        """`same_person`, where it is stated, lies where cosines do."""
        suggested = getattr(self.built(), "same_person", 0.5)
        assert isinstance(suggested, float), f"same_person is {suggested!r}"
        assert -1.0 < suggested < 1.0, f"same_person is {suggested}"

    def test_nothing_in_nothing_out(self) -> None:
        """An empty batch gives (0, d)."""
        embeddings = self.exercise(self.built())
        assert self.built().embed(self.crops(self.built())[0][:0]).shape == (0, embeddings.shape[1])

    def test_different_pictures_differ(self) -> None:
        """A face and noise are not the same person."""
        first, _, last = self.exercise(self.built())
        assert float(first @ last) < 0.999, "a face and noise have the same embedding"

    @pytest.mark.parametrize("value", [0, 255])
    def test_flat_crops_are_finite(self, value: int) -> None:
        """No division by a zero length."""
        embeddings = self.built().embed(np.full_like(self.crops(self.built())[0], value))
        assert np.isfinite(embeddings).all()

    def test_inputs_are_left_as_they_were(self) -> None:
        """Callers go on using them."""
        crops, _ = self.crops(self.built())
        copy = crops.copy()
        self.built().embed(crops)
        np.testing.assert_array_equal(crops, copy)

    def test_a_batch_gives_what_single_crops_give(self) -> None:
        """Batching is for speed only."""
        crops, _ = self.crops(self.built())
        singles = [self.built().embed(crops[i : i + 1])[0] for i in range(len(crops))]
        np.testing.assert_allclose(self.built().embed(crops), singles, rtol=0, atol=1e-3)

    def test_crops_of_another_size_are_refused(self) -> None:
        """`ShapeError`, not an embedding of something else."""
        crops, _ = self.crops(self.built())
        with pytest.raises(ShapeError):
            self.built().embed(crops[:, : self.built().size - 1])
