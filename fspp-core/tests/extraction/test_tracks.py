"""Tracks follow people, whatever the order of the faces; cuts end them, short gaps do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fspp_core.alignments import Alignments, FrameRecord, MediaRecord, to_record
from fspp_core.extraction import ExtractOptions
from fspp_core.extraction.identity.tracks import Tracks, tracks_of
from fspp_core.geometry import MEAN_FACE_68
from fspp_core.types import Face

WHO = "hog-color"
SIDE = 100
PLAIN = Face(
    box=np.zeros(4, np.float32),
    score=1.0,
    landmarks=MEAN_FACE_68.astype(np.float32),
    landmarks_origin="fitted",
    detector="blobs",
    aligner="keypoints",
)


def person(number, wobble=0):
    """A description: those of two people are at right angles, two of one person nearly the same."""
    vector = np.zeros(16, np.float32)
    vector[number] = 1
    vector += np.random.default_rng(wobble).normal(0, 0.05, 16).astype(np.float32)
    return vector / np.linalg.norm(vector)


def face(x, y=0.0, who=None, wobble=0, side=SIDE):
    box = np.array([x, y, x + side, y + side], np.float32)
    identity = {} if who is None else {WHO: person(who, wobble)}
    return to_record(replace(PLAIN, box=box, identity=identity))


def frames_of(*contents, cuts=()):
    return [FrameRecord(index=i, name=str(i), cut=i in cuts, faces=list(faces)) for i, faces in enumerate(contents)]


def numbers(*contents, cuts=(), recognizer=WHO):
    return Tracks(recognizer=recognizer, same_person=0.6).numbers(frames_of(*contents, cuts=cuts))


def test_nothing_to_track():
    assert numbers() == []
    assert numbers([], []) == [[], []]


@pytest.mark.parametrize("who", [None, 0])
def test_one_person_moves(who):
    assert numbers(*([face(15 * n, who=who, wobble=n)] for n in range(20))) == [[0]] * 20


def test_people_are_numbered_by_their_first_appearance():
    first, second = [face(0, who=0)], [face(300, who=1), face(0, who=0)]
    assert numbers(first, second, first) == [[0], [1, 0], [0]]


def test_crossing_people_keep_their_numbers():
    """Their boxes lie over each other in the middle; who comes out where is told by the descriptions."""
    found = numbers(*([face(20 * n, who=0, wobble=n), face(400 - 20 * n, who=1, wobble=99 + n)] for n in range(21)))
    assert found == [[0, 1]] * 21


def test_without_descriptions_overlap_decides():
    assert numbers([face(0), face(200)], [face(205), face(10)]) == [[0, 1], [1, 0]]
    assert numbers([face(0)], [face(80)]) == [[0], [1]]
    assert numbers([face(0, who=0)], [face(80, who=0)], recognizer="another") == [[0], [1]]
    assert numbers([face(0, who=0)], [face(80, who=0)], recognizer=None) == [[0], [1]]


def test_someone_else_at_the_same_place():
    assert numbers([face(0, who=0)], [face(0, who=1)]) == [[0], [1]]


def test_a_fast_move_is_followed_by_likeness_alone_and_not_across_the_frame():
    assert numbers([face(0, who=0)], [face(95, who=0)]) == [[0], [0]]
    assert numbers([face(0, who=0)], [face(600, who=0)]) == [[0], [1]]


@pytest.mark.parametrize(("gap", "same"), [(0, True), (1, True), (5, True), (6, False), (30, False)])
def test_gaps(gap, same):
    found = numbers([face(0, who=0)], *[[]] * gap, [face(10, who=0, wobble=1)])
    assert (found[-1] == [0]) is same


def test_a_cut_ends_all_tracks():
    still = [face(0, who=0), face(300, who=1)]
    assert numbers(still, still, still, still, cuts=(2,)) == [[0, 1], [0, 1], [2, 3], [2, 3]]
    assert numbers(still, [], still, cuts=(1,)) == [[0, 1], [], [2, 3]]


def test_damaged_lengths_and_boxes_without_area():
    other = to_record(replace(PLAIN, box=np.array([0, 0, 100, 100]), identity={WHO: np.ones(3, np.float32)}))
    assert numbers([face(0, who=0)], [other], [face(0, who=0, side=0)]) == [[0], [0], [1]]


@st.composite
def scenes(draw):
    """People that stay, come and go, near each other or not, over some frames with cuts."""
    people = draw(st.integers(1, 4))
    where = [draw(st.integers(0, 300)) for _ in range(people)]
    described = draw(st.booleans())
    contents, cuts = [], set()
    for index in range(draw(st.integers(2, 8))):
        where = [x + draw(st.integers(-60, 60)) for x in where]
        present = [draw(st.booleans()) for _ in range(people)]
        contents.append([face(x, 7 * n, n if described else None, index) for n, x in enumerate(where) if present[n]])
        if draw(st.integers(0, 4)) == 0:
            cuts.add(index)
    orders = [draw(st.permutations(range(len(faces)))) for faces in contents]
    return contents, cuts, orders


@given(scenes())
def test_the_order_of_faces_does_not_matter(scene):
    contents, cuts, orders = scene
    plain = numbers(*contents, cuts=cuts)
    shuffled = numbers(*([f[i] for i in order] for f, order in zip(contents, orders, strict=True)), cuts=cuts)
    back = [dict(zip(order, found, strict=True)) for order, found in zip(orders, shuffled, strict=True)]
    pairs = {(n, back[k][i]) for k, found in enumerate(plain) for i, n in enumerate(found)}
    assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)


@given(scenes())
def test_what_always_holds(scene):
    contents, cuts, _ = scene
    found = numbers(*contents, cuts=cuts)
    assert [len(n) for n in found] == [len(f) for f in contents]
    assert all(len(set(n)) == len(n) for n in found)
    flat = [n for frame in found for n in frame]
    assert list(dict.fromkeys(flat)) == list(range(len(set(flat))))
    for cut in cuts:
        assert not {n for f in found[:cut] for n in f} & {n for f in found[cut:] for n in f}


def test_faces_of_alignments_are_numbered_anew():
    media = MediaRecord(name="a", kind="video", width=9, height=9, frame_count=9, fingerprint="f")
    frames = frames_of([face(0, who=0)], [face(5, who=0), face(300, who=1)])
    frames[0].faces[0].track = 77
    alignments = Alignments(media, {}, reversed(frames))
    tracks = Tracks(recognizer=WHO, same_person=0.6)
    tracks(alignments)
    once = [[f.track for f in frame.faces] for frame in frames]
    tracks(alignments)
    assert once == [[f.track for f in frame.faces] for frame in frames] == [[0], [0, 1]]


def test_options_decide():
    class Sure:
        same_person = 0.9

    assert tracks_of(ExtractOptions(tracks=False), {}) is None
    assert tracks_of(ExtractOptions(recognizers=()), {}) == Tracks(recognizer=None)
    options = ExtractOptions(recognizers=("sure", "other"))
    assert tracks_of(options, {"other": object(), "sure": Sure()}) == Tracks(recognizer="sure", same_person=0.9)
    assert tracks_of(options, {"sure": object(), "other": Sure()}) == Tracks(recognizer="sure")


def scene(count, levels, step):
    """Two squares with stripes of their own that cross, before a background of a scene's own."""
    rng = np.random.default_rng(levels)
    background = rng.integers(0, 90, (12, 16, 3)).astype(np.uint8).repeat(10, axis=0).repeat(10, axis=1)
    ramp = np.where(np.arange(40) // 5 % 2, 250, 130).astype(np.uint8)
    for number in range(count):
        image = background.copy()
        image[10:50, 5 + step * number : 45 + step * number] = ramp[:, None, None]
        image[65:105, 110 - step * number : 150 - step * number] = ramp[None, :, None]
        yield image


def test_a_stopped_extraction_has_the_same_cuts_and_tracks(run, tmp_path, tools):
    images = [*scene(9, 1, 5), *scene(8, 2, 6)]
    footage = tools.folder(tmp_path / "footage", images)
    run(footage, tmp_path / "plain")
    frames = Alignments.load(tmp_path / "plain" / "alignments.json").frames
    assert [index for index, frame in frames.items() if frame.cut] == [9]
    upper = [next(face.track for face in frame.faces if face.box[1] < 40) for frame in frames.values()]
    lower = [next(face.track for face in frame.faces if face.box[1] > 40) for frame in frames.values()]
    assert {tuple(upper[:9]), tuple(lower[:9])} == {(0,) * 9, (1,) * 9}
    assert {tuple(upper[9:]), tuple(lower[9:])} == {(2,) * 8, (3,) * 8}

    class Crash(BaseException):
        pass

    for stops in ((8,), (9,), (10,), (1, 9, 16)):
        output = tmp_path / "-".join(map(str, stops))
        for stop in stops:

            def crash(event, stop=stop):
                if event.done == stop:
                    raise Crash

            with pytest.raises(Crash):
                run(footage, output, progress=crash)
        assert run(footage, output).frames_resumed == stops[-1]
        assert tools.content(output) == tools.content(tmp_path / "plain")
