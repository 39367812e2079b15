"""Label maps as pictures."""

from __future__ import annotations

import numpy as np
import pytest

from fspp_core.errors import ShapeError
from fspp_mask_bisenet.drawing import draw_labels, palette


@pytest.mark.parametrize("classes", [5, 19])
def test_colours_are_far_apart(classes):
    colors = palette(classes).astype(int)
    assert colors.shape == (classes, 3)
    assert (colors[0] == 0).all()
    apart = np.abs(colors[:, None] - colors[None]).sum(axis=-1) + 999 * np.eye(classes, dtype=int)
    assert apart.min() > 40
    np.testing.assert_array_equal(palette(19)[:classes], palette(classes))


def test_each_class_has_its_colour_where_it_is():
    labels = np.zeros((2, 4, 6), np.uint8)
    labels[0, 1, 5], labels[1, 3, 0] = 2, 4
    drawn = draw_labels(labels, 5)
    assert drawn.shape == (2, 4, 6, 3)
    np.testing.assert_array_equal(drawn[0, 1, 5], palette(5)[2])
    np.testing.assert_array_equal(drawn[1, 3, 0], palette(5)[4])
    assert (drawn.any(axis=-1) == (labels > 0)).all()


def test_over_a_picture_the_background_stays(astronaut):
    crops = astronaut[None]
    labels = np.zeros((1, 512, 512), np.uint8)
    labels[0, :256] = 1
    drawn = draw_labels(labels, 5, crops, opacity=0.25)
    np.testing.assert_array_equal(drawn[0, 256:], crops[0, 256:])
    expected = crops[0, :256] * 0.75 + palette(5)[1] * 0.25
    assert np.abs(drawn[0, :256] - expected).max() <= 0.51


def test_wrong_input_is_named(astronaut):
    with pytest.raises(ShapeError, match="classes up to 7"):
        draw_labels(np.full((1, 4, 4), 7, np.uint8), 5)
    with pytest.raises(ShapeError, match=r"crops must be \(1, 4, 4, 3\)"):
        draw_labels(np.zeros((1, 4, 4), np.uint8), 5, astronaut[None])
