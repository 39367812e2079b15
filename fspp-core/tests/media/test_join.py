"""The parts that can be checked without files: decoding times, HDR metadata, codecs, orientation, laziness."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fspp_core.media import codecs, options
from fspp_core.media.info import ColorTags
from fspp_core.media.join import Times, decode_times
from fspp_core.media.light import Light, merged
from fspp_core.media.orientation import Orientation
from fspp_core.media.plan import ENCODERS
from fspp_core.options import schema_of


@given(
    steps=st.lists(st.integers(1, 5000), min_size=1, max_size=60),
    start=st.integers(-100_000, 100_000),
    groups=st.lists(st.integers(1, 8), min_size=1, max_size=20),
)
def test_decoding_times_ascend_and_never_come_after_presentation(
    steps: list[int], start: int, groups: list[int]
) -> None:
    durations = np.array(steps, np.int64)
    pts = start + np.concatenate([[0], np.cumsum(durations)[:-1]])
    ranks: list[int] = []
    for size in groups * 60:  # groups coded last frame first, as with B-frames
        group = range(len(ranks), min(len(ranks) + size, len(pts)))
        ranks += [group[-1], *group[:-1]] if group else []
    times = Times(pts, durations)
    dts = decode_times(np.array(ranks, np.int64), times)
    assert len(dts) == len(pts)
    assert (np.diff(dts) > 0).all()
    assert (dts <= pts[np.array(ranks)]).all()


def test_no_reordering_needs_no_delay() -> None:
    pts = np.array([5, 7, 30], np.int64)
    assert (decode_times(np.arange(3), Times(pts, np.array([2, 23, 1]))) == pts).all()


def test_codecs_name_what_is_there() -> None:
    found = {codec.name: codec for codec in codecs()}
    assert set(ENCODERS) <= set(found)
    assert found["h264"].encoder == "libx264"
    assert "yuv420p" in found["h264"].pixel_formats
    assert found["mpeg2"].encoder is None
    assert found["mpeg2"].decoder == "mpeg2video"
    assert "written by nothing" in str(found["mpeg2"])


def test_light_in_the_words_of_each_encoder() -> None:
    display = tuple(Fraction(n, d) for n, d in [(17, 25), (8, 25), (53, 200), (69, 100), (3, 20), (3, 50),
                                                (3127, 10_000), (329, 1000), (1, 10_000), (1000, 1)])  # fmt: skip
    light = Light(display=display, levels=(1000, 400))
    assert light.settings("h265") == {
        "x265-params": "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):"
        "max-cll=1000,400"
    }
    assert light.settings("h264") == {
        "x264-params": "mastering-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):"
        "cll=1000,400"
    }
    assert "content-light=1000,400" in (light.settings("av1") or {})["svtav1-params"]
    assert light.settings("ffv1") is None
    assert not Light()
    assert merged({"x265-params": "a=1", "crf": "3"}, {"x265-params": "b=2"}) == {"x265-params": "a=1:b=2", "crf": "3"}


def test_orientations_turn_as_they_say() -> None:
    image = np.arange(6, dtype=np.uint8).reshape(2, 3)
    for flags in product((False, True), repeat=3):
        orientation = Orientation(*flags)
        mirrored = np.fliplr(image) if orientation.mirrored else image
        turned = orientation.apply(image)
        assert any((turned.shape == t.shape and (turned == t).all()) for t in (np.rot90(mirrored, k) for k in range(4)))
        if not orientation.mirrored:
            assert (turned == np.rot90(image, -orientation.rotation // 90)).all()


def test_colour_tags_read_well() -> None:
    assert str(ColorTags()) == "no colour tags"
    text = str(ColorTags(primaries=9, transfer=18, space=9, range=1))
    assert text == "primaries bt2020, transfer arib-std-b67, space bt2020nc, range limited"
    assert ColorTags(transfer=18).hdr == "HLG"
    assert ColorTags(transfer=1).hdr is None


def test_options_are_light_and_sound() -> None:
    schema = schema_of(options.EncodeOptions)
    assert schema["properties"]["codec"]["enum"] == list(ENCODERS)
    code = "import sys, fspp_core.media.options; sys.exit(bool({'av', 'cv2', 'numpy', 'imageio'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_unknown_names_are_refused() -> None:
    import fspp_core.media as media

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        media.nothing  # noqa: B018
    assert all(getattr(media, name) is not None for name in media.__all__)
