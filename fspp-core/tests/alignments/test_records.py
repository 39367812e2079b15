"""Faces survive being recorded exactly, and what is no face is refused by the name of its field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fspp_core.alignments import FrameRecord, MediaRecord, from_record, to_record
from fspp_core.alignments.journal import _FRAME
from fspp_core.alignments.records import encoded, finite
from fspp_core.errors import AlignmentsError
from fspp_core.types import Face, Mask

float32 = st.floats(width=32, allow_nan=False, allow_infinity=False)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def arrays(shape: tuple[int, ...]) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(np.float32, shape, elements=float32)


masks = st.builds(
    Mask,
    image=hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9))),
    matrix=hnp.arrays(np.float64, (2, 3), elements=st.floats(-1e9, 1e9)),
)
faces = st.builds(
    Face,
    box=arrays((4,)),
    score=st.floats(0, 1),
    landmarks=arrays((68, 2)),
    landmarks_origin=st.sampled_from(["detected", "fitted", "edited"]),
    detector=names,
    aligner=names,
    keypoints=st.none() | arrays((5, 2)),
    masks=st.dictionaries(names, masks, max_size=2),
    identity=st.dictionaries(names, hnp.arrays(np.float32, st.integers(0, 5), elements=float32), max_size=2),
    track=st.none() | st.integers(0, 10**9),
)


def same(a: Face, b: Face) -> None:
    for name in ("box", "landmarks"):
        assert getattr(a, name).dtype == np.float32
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    for name in ("score", "landmarks_origin", "detector", "aligner", "track"):
        assert getattr(a, name) == getattr(b, name)
    assert (a.keypoints is None) == (b.keypoints is None)
    if a.keypoints is not None and b.keypoints is not None:
        np.testing.assert_array_equal(a.keypoints, b.keypoints)
    assert a.masks.keys() == b.masks.keys()
    for name in a.masks:
        np.testing.assert_array_equal(a.masks[name].image, b.masks[name].image)
        np.testing.assert_array_equal(a.masks[name].matrix, b.masks[name].matrix)
    assert a.identity.keys() == b.identity.keys()
    for name in a.identity:
        np.testing.assert_array_equal(a.identity[name], b.identity[name])


@settings(deadline=None, max_examples=60)
@given(faces, names, st.none() | st.integers(-(2**40), 2**40))
def test_any_face_comes_back_exactly(face: Face, name: str, pts: int | None) -> None:
    frame = FrameRecord(index=7, name=name, pts=pts, faces=[to_record(face)])
    line = encoded(frame)
    assert b"\n" not in line
    back = _FRAME.decode(line)
    assert (back.index, back.name, back.pts) == (7, name, pts)
    same(from_record(back.faces[0]), face)
    assert encoded(back) == line


def test_numbers_are_short(make_face: Callable[[int], Face]) -> None:
    face = replace(make_face(0), box=np.array([0.1, 2.5, 100.2, 1000.7], np.float32))
    assert b'"box":[0.1,2.5,100.2,1000.7]' in encoded(to_record(face))


def test_records_share_no_memory_and_cannot_be_written_to(make_face: Callable[[int], Face]) -> None:
    face = make_face(0)
    record = to_record(face)
    face.landmarks[0] = 0
    back = from_record(record)
    assert back.landmarks[0, 0] != 0
    with pytest.raises(ValueError, match="read-only"):
        back.landmarks[0] = 1


BAD: list[tuple[str, Any, str]] = [
    ("box", np.array([1, 2, 3, np.nan], np.float32), "box must be finite.*nan"),
    ("box", np.zeros(5, np.float32), r"box must have shape \(4,\); received \(5,\)"),
    ("landmarks", np.full((68, 2), np.inf, np.float32), "landmarks must be finite.*inf"),
    ("landmarks", np.full((68, 2), 1e300), r"landmarks must be finite.*fit float32.*1e\+300"),
    ("landmarks", np.zeros((51, 2), np.float32), r"landmarks must have shape \(68, 2\)"),
    ("keypoints", np.full((5, 2), np.nan, np.float32), "keypoints must be finite"),
    ("score", float("nan"), "score must lie in 0..1; received nan"),
    ("score", 1.5, "score must lie in 0..1"),
    ("landmarks_origin", "guessed", "detected, fitted, edited; received 'guessed'"),
    ("identity", {"id": np.array([np.nan], np.float32)}, "identity 'id' must be finite"),
    ("identity", {"id": np.zeros((2, 2), np.float32)}, r"identity 'id' must be \(d,\)"),
    (
        "masks",
        {"hull": Mask(image=np.zeros((2, 2), np.uint8), matrix=np.full((2, 3), np.nan))},
        "matrix must be finite",
    ),
    ("masks", {"hull": Mask(image=np.zeros((2, 2, 3), np.uint8), matrix=np.zeros((2, 3)))}, "mask 'hull' must be"),
    ("masks", {"hull": Mask(image=np.zeros((2, 2), np.float32), matrix=np.zeros((2, 3)))}, "uint8; received.*float32"),
    ("detector", "caf\udce9", "not valid Unicode"),
]


@pytest.mark.parametrize(("field", "value", "message"), BAD)
def test_bad_fields_are_named(make_face: Callable[[int], Face], field: str, value: Any, message: str) -> None:
    with pytest.raises(AlignmentsError, match=message):
        to_record(replace(make_face(0), **{field: value}))


def test_bad_frames_and_media_are_named() -> None:
    with pytest.raises(AlignmentsError, match="index must not be negative"):
        FrameRecord(index=-1, name="x")
    with pytest.raises(AlignmentsError, match="not valid Unicode"):
        FrameRecord(index=0, name="caf\udce9")
    with pytest.raises(AlignmentsError, match="width must not be negative"):
        MediaRecord(name="x", kind="video", width=-1, height=1, frame_count=1, fingerprint="f")


def test_a_damaged_mask_is_named(make_face: Callable[[int], Face]) -> None:
    record = to_record(make_face(0))
    record.masks["components"].png = record.masks["components"].png[:20]
    with pytest.raises(AlignmentsError, match="mask 'components' is damaged"):
        from_record(record)


def test_settings_hold_plain_finite_values_only() -> None:
    assert finite({"a": (1, 2.5), "b": {"c": None, "d": [True, "x"]}}, "settings") == {
        "a": [1, 2.5],
        "b": {"c": None, "d": [True, "x"]},
    }
    with pytest.raises(AlignmentsError, match=r"settings\.a\[1\] must be a finite number; received nan"):
        finite({"a": [1.0, float("nan")]}, "settings")
    with pytest.raises(AlignmentsError, match=r"settings\.a must be text.*ndarray"):
        finite({"a": np.zeros(2)}, "settings")
    with pytest.raises(AlignmentsError, match="names as keys; received 1"):
        finite({1: 2}, "settings")
