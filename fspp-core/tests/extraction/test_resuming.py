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


class Crash(BaseException):
    """Stands for a kill."""


@pytest.fixture(params=["video", "folder"])
def footage(request, tmp_path, tools):
    """Twenty frames; in the folder of two sizes, which finish out of order, so that what is done has holes."""
    if request.param == "video":
        return tools.clip(tmp_path / "in.mp4", 20, draw=tools.patterned)
    small, large = tools.patterned(20), tools.patterned(20, width=176)
    return tools.folder(
        tmp_path / "in", (b if i % 7 in (2, 3, 4) else a for i, (a, b) in enumerate(zip(small, large, strict=True)))
    )


@pytest.mark.parametrize("stop", [1, 4, 6, 8, 13, 19])
def test_faces_are_followed_as_if_it_had_never_stopped(run, toy, footage, tmp_path, tools, stop):
    options = {"detect_every": 5, "batch_size": 3}
    run(footage, tmp_path / "plain", **options)
    assert sum(count for count, *_ in toy.SEEN) < 15  # the others are followed

    def crash(event):
        if event.done == stop:
            raise Crash

    with pytest.raises(Crash):
        run(footage, tmp_path / "out", progress=crash, **options)
    toy.EVENTS.clear()
    assert run(footage, tmp_path / "out", **options).frames_resumed == stop
    assert len(toy.EVENTS) == 20 - stop
    assert tools.content(tmp_path / "out") == tools.content(tmp_path / "plain")
