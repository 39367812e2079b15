"""Which frames a resumed extraction decodes again, so that it gives what an undisturbed one gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fspp_core.extraction.resuming import context_of

WANTED = st.builds(range, st.integers(0, 9), st.integers(10, 60), st.integers(1, 4))


@given(WANTED, st.sets(st.integers(0, 60)), st.integers(1, 12))
def test_context_is_what_frames_to_do_depend_on(wanted, done, detect_every):
    needed = set()
    for place, index in enumerate(wanted):
        if index not in done:
            keyframe = place // detect_every * detect_every
            needed |= {wanted[p] for p in range(keyframe, place)} | ({wanted[place - 1]} if place else set())
    assert context_of(wanted, done, detect_every) == needed & done


@pytest.mark.parametrize(("detect_every", "expected"), [(1, {13}), (3, {13}), (4, {13}), (5, {10, 11, 12, 13})])
def test_context_of_a_stopped_run(detect_every, expected):
    assert context_of(range(10, 20), {10, 11, 12, 13}, detect_every) == expected


def test_context_of_a_beginning_is_empty():
    assert context_of(range(10, 20), (), 5) == set()
