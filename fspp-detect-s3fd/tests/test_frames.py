"""What the network sees of frames: sizes, proportions, colours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fspp_detect_s3fd.frames import fill, fit
from fspp_detect_s3fd.options import S3FDOptions


@pytest.mark.parametrize(
    ("frame", "options", "seen", "whole"),
    [
        ((720, 1280), {}, (360, 640), (360, 640)),
        ((1080, 1920), {}, (360, 640), (360, 640)),
        ((720, 1280), {"pad_multiple": 32}, (360, 640), (384, 640)),
        ((1920, 1080), {"input_side": 320}, (320, 180), (320, 184)),
        ((300, 300), {}, (640, 640), (640, 640)),
        ((1, 300), {}, (2, 640), (32, 640)),
        ((1, 1), {}, (640, 640), (640, 640)),
        ((720, 1280), {"input_rule": "deepfacelab"}, (360, 640), (360, 640)),
        ((300, 420), {"input_rule": "deepfacelab"}, (150, 210), (150, 210)),
        ((100, 100), {"input_rule": "deepfacelab"}, (64, 64), (64, 64)),
        ((2160, 3840), {"input_rule": "deepfacelab"}, (360, 640), (360, 640)),
        ((270, 1279), {"input_rule": "deepfacelab"}, (135, 639), (135, 639)),
        ((1, 2000), {"input_rule": "deepfacelab"}, (1, 640), (32, 640)),
    ],
)
def test_sizes(frame, options, seen, whole):
    fitted = fit(*frame, S3FDOptions(**options))
    assert (fitted.height, fitted.width) == seen
    assert (fitted.rows, fitted.columns) == whole


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(64, 1500), st.sampled_from([1, 8, 32, 128]))
def test_proportions_are_kept_and_nothing_is_padded_to_a_square(height, width, side, multiple):
    fitted = fit(height, width, S3FDOptions(input_side=side, pad_multiple=multiple))
    assert max(fitted.height, fitted.width) == side
    ratio = side / max(height, width)
    assert abs(fitted.height - max(1, height * ratio)) <= 0.5
    assert abs(fitted.width - max(1, width * ratio)) <= 0.5
    assert fitted.rows % multiple == fitted.columns % multiple == 0
    assert fitted.rows - max(32, fitted.height) < multiple
    assert fitted.columns - max(32, fitted.width) < multiple
    np.testing.assert_allclose(np.multiply(fitted.scale, (fitted.width, fitted.height)), (width, height))


@pytest.mark.parametrize(("order", "first"), [("bgr", (10, 20, 30)), ("rgb", (30, 20, 10))])
def test_the_mean_is_taken_from_channels_in_their_order(order, first):
    picture = np.full((30, 64, 3), (10, 20, 30), np.uint8)
    fitted = fit(30, 64, S3FDOptions(input_side=64))
    batch = np.full((2, fitted.rows, fitted.columns, 3), 7, np.float32)
    fill(batch, [picture], fitted, order)
    np.testing.assert_array_equal(batch[0, :30, :64], np.tile(np.float32(first) - (104, 117, 123), (30, 64, 1)))
    assert not batch[0, 30:].any()
    assert not batch[1].any()


def test_frames_are_averaged_when_they_shrink():
    stripes = np.zeros((128, 256, 3), np.uint8)
    stripes[:, ::2] = 200
    fitted = fit(128, 256, S3FDOptions(input_side=128))
    batch = np.zeros((1, fitted.rows, fitted.columns, 3), np.float32)
    fill(batch, [stripes], fitted, "bgr")
    np.testing.assert_array_equal(batch[0, :64, :, 0], 100 - 104)
