"""The data types: depth conversion, presentation time, and what a new picture drops."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from fspp_core.types import Frame


def test_deep_pictures_round_to_eight_bits_over_the_full_range() -> None:
    deep = np.array([[[0, 65535, 257 * 100]]], np.uint16)
    frame = Frame(index=0, name="x", image=deep)
    assert frame.bgr8.dtype == np.uint8
    assert frame.bgr8.tolist() == [[[0, 255, 100]]]


def test_all_eight_bit_values_survive_a_round_trip() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)
    frame = Frame(index=0, name="x", image=(values.astype(np.uint16) * 257))
    assert np.array_equal(frame.bgr8, values)


def test_eight_bit_pictures_are_not_copied() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    assert Frame(index=0, name="x", image=image).bgr8 is image


def test_presentation_time_is_exact() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    frame = Frame(index=3, name="x", image=image, pts=1001, time_base=Fraction(1, 30000))
    assert frame.seconds == pytest.approx(1001 / 30000)
    assert Frame(index=3, name="x", image=image).seconds is None


def test_another_picture_forgets_the_native_one_but_keeps_the_time() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    frame = Frame(index=3, name="x", image=image, pts=7, time_base=Fraction(1, 25), native=object())
    other = frame.with_image(image + 1)
    assert other.native is None
    assert (other.index, other.pts, other.time_base) == (3, 7, Fraction(1, 25))
    assert other.image[0, 0, 0] == 1
