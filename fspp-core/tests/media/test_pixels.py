"""Known colours come out of every matrix, range and depth, and go back in."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
import pytest

from fspp_core.media.color import bgr_to_rgb, rgb_to_bgr, to_bgr, to_order
from fspp_core.media.info import ColorTags
from fspp_core.media.pixels import assumed_space, depth, is_full, plane_view, set_plane, to_frame, to_image

# Y, U, V of pure and mixed colours at 8 bits, limited range, from the equations of ITU-R BT.601, BT.709 and BT.2020.
PATCHES_LIMITED = {
    6: {(0, 0, 255): (81, 90, 240), (0, 255, 0): (145, 54, 34), (255, 0, 0): (41, 240, 110)},
    1: {(0, 0, 255): (63, 102, 240), (0, 255, 0): (173, 42, 26), (255, 0, 0): (32, 240, 118)},
    9: {(0, 0, 255): (74, 97, 240), (0, 255, 0): (164, 47, 25), (255, 0, 0): (29, 240, 119)},
}
PATCHES_FULL = {
    6: {(0, 0, 255): (76, 85, 255), (0, 255, 0): (150, 44, 21), (255, 255, 255): (255, 128, 128)},
    1: {(0, 0, 255): (54, 99, 255), (255, 0, 0): (18, 255, 116), (0, 0, 0): (0, 128, 128)},
}
YUV = ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p12le", "yuv444p16le", "yuva420p"]
SPACES = [(1, 1), (1, 2), (6, 1), (6, 2), (9, 1), (9, 2), (7, 1), (4, 1)]


def flat_yuv(pixel_format: str, values: tuple[int, ...], size: tuple[int, int] = (32, 16)) -> av.VideoFrame:
    frame = av.VideoFrame(*size, pixel_format)
    dtype = np.uint8 if depth(pixel_format) == 8 else np.uint16
    for plane, value in zip(frame.planes, values, strict=False):
        set_plane(plane, np.full((plane.height, plane.width), value << (depth(pixel_format) - 8), dtype))
    return frame


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p", "yuv420p10le", "yuv422p12le"])
@pytest.mark.parametrize(("full", "table"), [(1, PATCHES_LIMITED), (2, PATCHES_FULL)])
def test_known_patches(pixel_format: str, full: int, table: dict[int, Any]) -> None:
    top = 255 if depth(pixel_format) == 8 else 65535
    for space, patches in table.items():
        for colour, values in patches.items():
            tags = ColorTags(space=space, range=full)
            image = to_image(flat_yuv(pixel_format, values), tags)
            assert image.shape == (16, 32, 3)
            assert np.abs(image / top * 255 - colour).max() < 2.5, (space, colour)  # the table has whole numbers
            planes = to_frame(np.full((16, 32, 3), colour, np.uint8), pixel_format, tags).planes
            dtype = np.uint8 if top == 255 else np.uint16
            for plane, value in zip(planes, values, strict=True):
                assert np.abs(plane_view(plane, dtype) / 2.0 ** (depth(pixel_format) - 8) - value).max() <= 1


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le"])
def test_white_is_white_and_nothing_is_darker_on_average(pixel_format: str) -> None:
    tags = ColorTags(space=1, range=1)
    top = 255 if depth(pixel_format) == 8 else 65535
    assert (to_image(flat_yuv(pixel_format, (235, 128, 128)), tags) == top).all()
    assert (to_image(flat_yuv(pixel_format, (16, 128, 128)), tags) == 0).all()
    for y in range(20, 230, 7):
        grey = to_image(flat_yuv(pixel_format, (y, 128, 128)), tags)[3, 3].astype(float)
        assert np.abs(grey / top - (y - 16) / 219).max() < 0.6 / 255


@pytest.mark.parametrize("pixel_format", YUV)
@pytest.mark.parametrize(("space", "full"), SPACES)
def test_there_and_back_is_within_rounding(pixel_format: str, space: int, full: int) -> None:
    rng = np.random.default_rng(space)
    tags = ColorTags(space=space, range=full)
    deep = depth(pixel_format) > 8
    top = 65535 if deep else 255
    image = np.repeat(np.repeat(rng.integers(0, top, (6, 8, 3)), 8, 0), 8, 1).astype(np.uint16 if deep else np.uint8)
    back = to_image(to_frame(image, pixel_format, tags), tags)
    assert back.dtype == image.dtype
    inner = np.s_[3::8, 3::8]  # away from edges, where shared chroma mixes
    error = np.abs(back[inner].astype(int) - image[inner]).max() / top * 255
    assert error <= (2.2 if not deep else 0.6 if depth(pixel_format) == 10 else 0.15)


@pytest.mark.parametrize("size", [(75, 61), (1, 1), (2, 3), (31, 8)])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv410p", "yuv420p10le"])
def test_odd_sizes(size: tuple[int, int], pixel_format: str) -> None:
    image = np.full((size[1], size[0], 3), (40, 90, 200), np.uint8)
    back = to_image(to_frame(image, pixel_format, ColorTags()), ColorTags())
    assert back.shape == image.shape
    scale = 257 if back.dtype == np.uint16 else 1
    assert np.abs(back.astype(int) / scale - image).max() <= 2


@pytest.mark.parametrize("pixel_format", ["gray", "gray10le", "gray16le"])
def test_grey(pixel_format: str) -> None:
    ramp = np.repeat(np.linspace(0, 255, 32).astype(np.uint8)[None, :, None], 3, 2).repeat(16, 0)
    back = to_image(to_frame(ramp, pixel_format, ColorTags()), ColorTags())
    assert (back[..., 0] == back[..., 1]).all()
    assert np.abs(back.astype(int) / (257 if back.dtype == np.uint16 else 1) - ramp).max() < 0.6


@pytest.mark.parametrize("pixel_format", ["gbrp", "bgr0", "rgb24", "bgr24", "gbrp10le", "gbrp16le", "rgb48le", "nv12"])
def test_formats_without_separate_planes_and_rgb(pixel_format: str) -> None:
    rng = np.random.default_rng(0)
    image = np.repeat(np.repeat(rng.integers(0, 255, (4, 4, 3)), 16, 0), 16, 1).astype(np.uint8)
    back = to_image(to_frame(image, pixel_format, ColorTags(space=1)), ColorTags(space=1))
    assert (back.dtype == np.uint16) == (depth(pixel_format) > 8)
    inner = np.s_[8::16, 8::16]
    error = np.abs(back[inner].astype(int) / (257 if back.dtype == np.uint16 else 1) - image[inner])
    assert error.max() <= (3 if pixel_format == "nv12" else 0.13)


def test_what_is_assumed_where_nothing_is_said() -> None:
    unsaid = ColorTags()
    assert [assumed_space(unsaid, *size) for size in ((1280, 720), (1920, 1080), (720, 576), (426, 240))] == [
        1,
        1,
        6,
        6,
    ]
    assert assumed_space(ColorTags(primaries=9), 426, 240) == 9
    assert assumed_space(ColorTags(space=6), 1920, 1080) == 6
    assert is_full(unsaid, "yuvj420p")
    assert is_full(unsaid, "gray")
    assert not is_full(unsaid, "yuv420p")
    assert is_full(ColorTags(range=2), "yuv420p")


def test_the_input_is_not_changed() -> None:
    image = np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    before = image.copy()
    frame = to_frame(image, "yuv420p", ColorTags())
    planes = [bytes(p) for p in frame.planes]
    to_image(frame, ColorTags())
    assert (image == before).all()
    assert [bytes(p) for p in frame.planes] == planes


def test_order_of_channels() -> None:
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert (bgr_to_rgb(image)[..., 0] == image[..., 2]).all()
    assert (rgb_to_bgr(bgr_to_rgb(image)) == image).all()
    assert bgr_to_rgb(image).flags.c_contiguous
    assert to_order(image, "bgr") is image
    assert (to_order(image, "rgb") == bgr_to_rgb(image)).all()
    for shape in ((2, 4), (2, 4, 1), (2, 4, 2), (2, 4, 3), (2, 4, 4)):
        assert to_bgr(np.full(shape, 7, np.uint16)).shape == (2, 4, 3)
