"""Changing a part of a decoded frame: every sample outside of it stays."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from pathlib import Path

import av
import numpy as np
import pytest

from fspp_core.media import repaint as module
from fspp_core.media.info import ColorTags, MediaInfo
from fspp_core.media.orientation import Orientation
from fspp_core.media.pixels import depth, plane_view, to_image
from fspp_core.media.repaint import repaint
from fspp_core.types import Frame

BOX = (31, 18, 53, 41)
FORMATS = [
    *("yuv420p", "yuv422p", "yuv444p", "yuv410p", "yuv420p10le", "yuv444p12le"),
    *("gray", "gbrp", "gbrp16le", "yuva420p"),
]


def native_frame(pixel_format, width=96, height=64):
    """A decoded frame of noise in all its planes."""
    native = av.VideoFrame(width, height, pixel_format)
    rng, bits = np.random.default_rng(0), depth(pixel_format)
    dtype = np.uint8 if bits == 8 else np.uint16
    for plane in native.planes:
        shape = plane.height, plane.line_size // np.dtype(dtype).itemsize
        plane.update(rng.integers(60 << (bits - 8), 180 << (bits - 8), shape).astype(dtype))
    native.pts, native.time_base = 7, Fraction(1, 25)
    return native


def as_read(native, orientation=Orientation()):  # noqa: B008 - frozen
    tags = ColorTags()
    image = orientation.apply(to_image(native, tags))
    info = MediaInfo(
        path=Path("a"), kind="video", width=image.shape[1], height=image.shape[0], frame_count=1, color=tags
    )
    return Frame(index=3, name="a", image=image, pts=7, native=native), info


def planes(native):
    dtype = np.uint8 if depth(native.format.name) == 8 else np.uint16
    return [plane_view(plane, dtype).copy() for plane in native.planes]


@pytest.mark.parametrize("pixel_format", FORMATS)
@pytest.mark.parametrize("size", [(96, 64), (95, 63)])
def test_samples_outside_stay_and_those_inside_show_the_new_picture(pixel_format, size):
    native = native_frame(pixel_format, *size)
    kept = planes(native)
    frame, info = as_read(native)
    image = frame.image.copy()
    left, top, right, bottom = BOX
    image[top:bottom, left:right] = np.iinfo(image.dtype).max // 3
    result = repaint(frame, image, BOX, info)
    for before, after in zip(kept, planes(native), strict=True):
        np.testing.assert_array_equal(before, after)
    assert result.index == 3
    assert result.image is image
    assert result.native.format.name == pixel_format
    assert result.native.pts == 7
    for number, (before, after) in enumerate(zip(kept, planes(result.native), strict=True)):
        across, down = -(-size[0] // before.shape[1]), -(-size[1] // before.shape[0])
        outside = np.ones(before.shape, bool)
        outside[top // down : -(-bottom // down), left // across : -(-right // across)] = False
        np.testing.assert_array_equal(before[outside], after[outside])
        assert (number == 3) == (before == after).all()
    decoded = to_image(result.native, info.color)
    inner = decoded[top + 8 : bottom - 8, left + 8 : right - 8].astype(int)
    tolerance = 2 if image.dtype == np.uint8 else 300
    np.testing.assert_allclose(inner, np.iinfo(image.dtype).max // 3, atol=tolerance)


@pytest.mark.parametrize("turn", list(product([False, True], repeat=3)))
def test_turned_footage_is_painted_where_it_is_seen(monkeypatch, turn):
    orientation = Orientation(*turn)
    monkeypatch.setattr(module, "read_orientation", lambda native: (orientation, True))
    frame, info = as_read(native_frame("yuv444p"), orientation)
    image = frame.image.copy()
    image[18:41, 31:53] = (20, 60, 220)
    result = repaint(frame, image, BOX, info)
    decoded = orientation.apply(to_image(result.native, info.color)).astype(int)
    np.testing.assert_allclose(decoded, image, atol=2)


def test_a_frame_painted_with_itself_is_itself():
    native = native_frame("yuv420p")
    frame, info = as_read(native)
    result = repaint(frame, frame.image.copy(), (0, 0, 96, 64), info)
    for before, after in zip(planes(native), planes(result.native), strict=True):
        np.testing.assert_array_equal(before, after)


def test_the_matrix_is_that_of_the_whole_frame():
    """An untagged frame in high definition is BT.709, also where only a small part of it is painted."""
    native = native_frame("yuv444p", 1280, 720)
    frame, info = as_read(native)
    image = frame.image.copy()
    image[18:41, 31:53] = (20, 60, 220)
    decoded = to_image(repaint(frame, image, BOX, info).native, info.color)
    np.testing.assert_allclose(decoded[18:41, 31:53].astype(int), np.broadcast_to((20, 60, 220), (23, 22, 3)), atol=2)


def test_formats_without_planes_of_their_own_lose_their_native_samples():
    frame, info = as_read(native_frame("nv12"))
    image = frame.image + 1
    result = repaint(frame, image, (0, 0, 96, 64), info)
    assert result.native is None
    assert result.image is image


def test_pictures_lose_their_file():
    image = np.zeros((4, 4, 3), np.uint8)
    frame = Frame(index=0, name="a", image=image, native=Path("somewhere.png"))
    info = MediaInfo(path=Path("a"), kind="folder", width=4, height=4, frame_count=1)
    assert repaint(frame, image + 1, (0, 0, 4, 4), info).native is None
