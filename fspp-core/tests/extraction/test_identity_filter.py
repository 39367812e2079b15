"""Identity filters keep whom they are shown, drop whom they are shown, and refuse pictures that show nobody."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fspp_core.alignments import Alignments, read_face_record
from fspp_core.errors import AlignmentsError, ConfigError, PluginError
from fspp_core.extraction.identity.identity_filter import IdentityFilter
from fspp_core.extraction.identity.recognizing import Recognizing
from fspp_core.extraction.shots import Shot
from fspp_core.geometry import MEAN_FACE_68
from fspp_core.media import write_image
from fspp_core.types import Face

WHO = "hog-color"


def square(stripes):
    """A face to the toy detector: bright, with stripes along (0) or across (1), which tell people apart."""
    levels = np.where(np.arange(48) // 4 % 2, 250, 130).astype(np.uint8)
    picture = np.broadcast_to(levels[:, None] if stripes == 0 else levels[None], (48, 48))
    return np.repeat(picture[..., None], 3, axis=2)


def frame(*people, height=100, width=260):
    """People in a row, each 70 pixels further right."""
    image = np.full((height, width, 3), 20, np.uint8)
    for place, who in enumerate(people):
        if who is not None:
            image[20:68, 15 + 70 * place : 63 + 70 * place] = square(who)
    return image


@pytest.fixture
def footage(tmp_path, tools):
    """Three frames: both people, the first alone, the second twice."""
    return tools.folder(tmp_path / "footage", [frame(0, 1), frame(0), frame(1, None, 1)])


@pytest.fixture
def pictures(tmp_path):
    """Reference pictures by what they show."""
    folder = tmp_path / "wer ist wer"
    folder.mkdir()
    made = {"first": frame(0), "second": frame(1), "nobody": frame(), "both": frame(0, None, 1)}
    made["both"][20:68, 150:210] = 255  # the second is larger here
    made["both"][20:68, 155:203] = square(1)
    for name, image in made.items():
        write_image(folder / f"{name}.png", image)
    return {name: str(folder / f"{name}.png") for name in made}


def lefts(output):
    """Left edges of the faces kept, by frame."""
    frames = Alignments.load(output / "alignments.json").frames.values()
    return [sorted(round(float(face.box[0])) for face in frame.faces) for frame in frames]


def test_a_face_is_described(run, footage, tmp_path):
    run(footage, tmp_path / "out")
    alignments = Alignments.load(tmp_path / "out" / "alignments.json")
    vectors = np.stack([face.identity[WHO] for index in range(3) for face in alignments.faces(index)])
    assert vectors.shape == (5, 220)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    crop = read_face_record(min((tmp_path / "out" / "faces").iterdir()))
    np.testing.assert_array_equal(crop.face.identity[WHO], alignments.faces(0)[crop.face_index].identity[WHO])
    run(footage, tmp_path / "none", recognizers=())
    assert not any(
        face.identity
        for frame in Alignments.load(tmp_path / "none" / "alignments.json").frames.values()
        for face in frame.faces
    )


def test_filter_keeps_and_nfilter_drops(run, footage, pictures, tmp_path):
    report = run(footage, tmp_path / "kept", filter=(pictures["first"],))
    assert lefts(tmp_path / "kept") == [[15], [15], []]
    assert report.left_out == {"filter": 3}
    report = run(footage, tmp_path / "dropped", nfilter=(pictures["first"],))
    assert lefts(tmp_path / "dropped") == [[85], [], [15, 155]]
    assert report.left_out == {"nfilter": 2}
    report = run(
        footage, tmp_path / "both", filter=(pictures["first"], pictures["second"]), nfilter=(pictures["first"],)
    )
    assert lefts(tmp_path / "both") == [[15, 85], [15], [15, 155]]  # as like the wanted as the unwanted
    assert report.left_out == {}
    report = run(footage, tmp_path / "contrary", filter=(pictures["second"],), nfilter=(pictures["first"],))
    assert report.left_out == {"nfilter": 2}


def test_the_threshold_counts(run, footage, pictures, tmp_path):
    run(footage, tmp_path / "low", filter=(pictures["first"],), filter_threshold=-1.0)
    assert lefts(tmp_path / "low") == [[15, 85], [15], [15, 155]]
    report = run(footage, tmp_path / "high", filter=(pictures["second"],), filter_threshold=1.0)
    assert report.left_out["filter"] >= 2


def face_with(vector):
    return Face(
        box=np.zeros(4, np.float32),
        score=1.0,
        landmarks=np.zeros((68, 2), np.float32),
        landmarks_origin="detected",
        detector="a",
        aligner="b",
        identity={WHO: np.float32(vector)},
    )


def test_who_is_nearer_wins():
    """At right angles: wanted to the right, unwanted upwards, faces in between."""
    faces = tuple(face_with((np.cos(a), np.sin(a))) for a in np.radians([0, 40, 50, 90, 180]))
    shot = Shot(index=0, name="0", pts=None, image=np.zeros((9, 9, 3), np.uint8), faces=faces)
    right, up = np.array([[1, 0]], np.float32), np.array([[0, 1], [0, -1]], np.float32)
    left_out = Counter()
    stage = IdentityFilter(recognizer=WHO, threshold=0.5, wanted=right, unwanted=up, left_out=left_out)
    kept = {id(face) for face in stage([shot])[0].faces}
    assert [id(face) in kept for face in faces] == [True, True, False, False, False]
    assert left_out == {"nfilter": 2, "filter": 1}


def test_folders_and_crops_made_by_extract(run, footage, pictures, tmp_path):
    run(footage, tmp_path / "made", filter=(pictures["first"],), face_type="whole", size=96)
    crops = tmp_path / "made" / "faces"
    run(footage, tmp_path / "by folder", filter=(str(crops),), detector="blobs", blobs={"least": 100})
    assert lefts(tmp_path / "by folder") == [[15], [15], []]
    one = min(crops.iterdir())
    run(footage, tmp_path / "by crop", nfilter=(str(one),))
    assert lefts(tmp_path / "by crop") == [[85], [], [15, 155]]


def test_where_faces_are_imported_only_face_crops_will_do(run, footage, pictures, tmp_path):
    run(footage, tmp_path / "made", filter=(pictures["first"],))
    run(footage, tmp_path / "all")
    again = {"import_from": str(tmp_path / "all" / "alignments.json")}
    run(footage, tmp_path / "by crops", filter=(str(tmp_path / "made" / "faces"),), **again)
    assert lefts(tmp_path / "by crops") == [[15], [15], []]
    with pytest.raises(ConfigError, match=r"first\.png: faces are imported, so that nothing runs .*; give face crops"):
        run(footage, tmp_path / "out", filter=(pictures["first"],), **again)


class Wrong:
    """A recognizer that breaks its contract as it is told to."""

    face_type = "full"
    size = 32

    def __init__(self, answer):
        self.answer = answer

    def embed(self, crops):
        return self.answer(len(crops))


@pytest.mark.parametrize(
    "answer",
    [lambda n: np.ones((n + 1, 4)), lambda n: np.ones(n), lambda n: np.full((n, 4), np.nan)],
    ids=["too many", "flat", "not finite"],
)
def test_a_recognizer_that_breaks_its_contract_is_named(answer):
    points = np.random.default_rng(0).uniform(0, 90, (68, 2)).astype(np.float32)
    face = replace(face_with((1, 0)), landmarks=points)
    shot = Shot(index=0, name="0", pts=None, image=np.zeros((90, 90, 3), np.uint8), faces=(face,))
    with pytest.raises(PluginError, match=r"recognizer 'wrong' gave .* for 1 faces.*fspp plugins check"):
        Recognizing(recognizers={"wrong": Wrong(answer)})([shot])


def test_many_faces_and_several_recognizers_keep_their_order():
    """More faces than a recognizer gets at once, over frames with few and with none."""
    points = (MEAN_FACE_68 * 50 + 25).astype(np.float32)
    counts = [0, 70, 1, 0, 64, 5]
    levels = iter(range(1, 200))
    shots = [
        Shot(
            index=index,
            name=str(index),
            pts=None,
            image=np.full((100, 100, 3), next(levels), np.uint8),
            faces=tuple(replace(face_with((1, 0)), landmarks=points + n % 3) for n in range(count)),
        )
        for index, count in enumerate(counts)
    ]
    seen = []

    class Brightness:
        face_type = "full"
        size = 32

        def embed(self, crops):
            seen.append(len(crops))
            return crops[:, 16, 16, :1].astype(np.float32)

    done = Recognizing(recognizers={"a": Brightness(), "b": Brightness()})(shots)
    assert max(seen) == 64
    assert sum(seen) == 2 * sum(counts)
    for shot, before in zip(done, shots, strict=True):
        assert len(shot.faces) == len(before.faces)
        for face, old in zip(shot.faces, before.faces, strict=True):
            assert list(face.identity) == ["a", "b"]
            assert face.identity["a"] == face.identity["b"] == shot.image[0, 0, 0]
            np.testing.assert_array_equal(face.landmarks, old.landmarks)


def test_of_several_faces_the_largest_is_taken(run, footage, pictures, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        run(footage, tmp_path / "out", filter=(pictures["both"],))
    assert lefts(tmp_path / "out") == [[85], [], [15, 155]]
    assert "both.png: there are 2 faces in this reference picture; the largest is taken" in caplog.text


def test_pictures_that_will_not_do(run, footage, pictures, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("nobody")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    missing, empty, text = str(tmp_path / "missing.png"), str(tmp_path / "empty"), str(tmp_path / "notes.txt")
    with pytest.raises(ConfigError) as caught:
        run(footage, tmp_path / "out", filter=(missing, text), nfilter=(empty,))
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "filter: " in lines[0]
    assert "missing.png: there is no such picture or folder" in lines[0]
    assert "notes.txt: is no picture by its name; known are" in lines[1]
    assert lines[2].startswith("nfilter: ")
    assert "there is no picture in this folder" in lines[2]
    with pytest.raises(ConfigError, match=r"nobody\.png: there is no face in this picture") as caught:
        run(footage, tmp_path / "out", filter=(pictures["first"], pictures["nobody"]))
    assert any("of filter" in note for note in caught.value.__notes__)
    with pytest.raises(Exception, match=r"broken\.png") as caught:
        run(footage, tmp_path / "out", nfilter=(str(broken),))
    assert not list((tmp_path / "out").iterdir())


def test_without_recognizers_there_is_nothing_to_compare(run, footage, pictures, tmp_path):
    with pytest.raises(ConfigError, match="recognizers: filter and nfilter need one to compare faces by"):
        run(footage, tmp_path, recognizers=(), filter=(pictures["first"],), nfilter=(pictures["second"],))
    with pytest.raises(ConfigError, match="recognizers: each can be given once; received hog-color, hog-color"):
        run(footage, tmp_path, recognizers=(WHO, WHO))


def test_a_resumed_run_must_have_the_same_pictures(run, footage, pictures, tmp_path):
    """Wherever they lie: their content counts."""
    run(footage, tmp_path / "out", filter=(pictures["first"],))
    moved = tmp_path / "moved.png"
    moved.write_bytes(Path(pictures["first"]).read_bytes())
    assert run(footage, tmp_path / "out", filter=(str(moved),)).frames_resumed == 3
    write_image(moved, frame(1))
    with pytest.raises(AlignmentsError, match=r"other settings: options\.filter was \['[0-9a-f]{16}'\], is \['"):
        run(footage, tmp_path / "out", filter=(str(moved),))
    with pytest.raises(AlignmentsError, match=r"options\.nfilter was \[\], is \['"):
        run(footage, tmp_path / "out", filter=(pictures["first"],), nfilter=(pictures["second"],))


def test_tracks_are_stored(run, footage, tmp_path):
    run(footage, tmp_path / "out")
    frames = list(Alignments.load(tmp_path / "out" / "alignments.json").frames.values())
    assert all(isinstance(face.track, int) for frame in frames for face in frame.faces)
    run(footage, tmp_path / "none", tracks=False)
    frames = Alignments.load(tmp_path / "none" / "alignments.json").frames.values()
    assert all(face.track is None for frame in frames for face in frame.faces)
