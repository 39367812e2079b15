"""Contact sheets: every picture is on them, captions leave marks, no picture is an error."""

from __future__ import annotations

import numpy as np
import pytest

from fspp_core.errors import ShapeError
from fspp_core.sheet import Row, contact_sheet


def _plain(height: int, width: int, color: tuple[int, int, int]) -> np.ndarray:
    return np.full((height, width, 3), color, np.uint8)


def test_every_picture_is_shown_whole_in_its_colour() -> None:
    colors = [(250, 0, 0), (0, 250, 0), (0, 0, 250)]
    sheet = contact_sheet(
        [
            Row("wide and tall", [_plain(20, 40, colors[0]), _plain(40, 20, colors[1])]),
            Row("", [_plain(9, 9, colors[2])]),
        ],
        cell=64,
    )
    for color, area in zip(colors, (64 * 32, 64 * 32, 64 * 64), strict=True):
        assert (sheet == color).all(-1).sum() == area


def test_captions_are_drawn_and_long_ones_fit() -> None:
    rows = [Row("label", [_plain(8, 8, (1, 2, 3))])]
    bare = contact_sheet(rows, cell=200)
    noted = contact_sheet(rows, cell=200, title="Title", notes=["a note that is far too long for so narrow a sheet"])
    assert noted.shape[0] > bare.shape[0]
    assert noted.shape[1] == bare.shape[1]
    head = noted[: noted.shape[0] - bare.shape[0]]
    assert head.max() > 150
    assert head[:, -6:].max() < 40


def test_no_picture_is_an_error() -> None:
    with pytest.raises(ShapeError, match="at least one picture"):
        contact_sheet([Row("empty", [])], cell=10)
