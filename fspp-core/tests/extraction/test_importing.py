"""Faces found elsewhere are taken as they are: no detector, no aligner, nothing mixed up, every fault named."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fspp_core import geometry
from fspp_core.alignments import Alignments
from fspp_core.errors import AlignmentsError, ConfigError
from fspp_core.extraction import import_schema
from fspp_core.extraction.detection.import_file import FIELDS, read_import
from fspp_core.extraction.detection.importing import faces_by_index
from fspp_core.geometry import MEAN_FACE_68, MEAN_HEAD_68
from fspp_core.media import open_media

POINTS = (MEAN_FACE_68 * 40 + (70, 35)).round(3)
BOX = [60.0, 30.0, 104.0, 80.0]
FIVE = geometry.keypoints_of(POINTS).round(3).tolist()
WFLW = np.random.default_rng(0).uniform(20, 90, (98, 2)).round(3)


@pytest.fixture
def write(tmp_path):
    def write(table):
        path = tmp_path / "gesichter — λ.json"
        path.write_text(table if isinstance(table, str) else json.dumps(table), encoding="utf-8")
        return str(path)

    return write


def faces(output):
    return {index: frame.faces for index, frame in Alignments.load(output / "alignments.json").frames.items()}


def test_own_alignments_come_out_as_they_went_in(run, toy, video, tmp_path):
    """Landmarks moved by hand, too; neither detector nor aligner is built."""
    run(video, tmp_path / "first")
    path = tmp_path / "first" / "alignments.json"
    first = Alignments.load(path)
    [*_, last] = first.frames[3].faces
    last.landmarks = (last.landmarks + 2).astype(np.float32)
    last.landmarks_origin = "edited"
    first.save(path)
    toy.BUILT.clear()

    report = run(video, tmp_path / "second", import_from=str(path), aligner="keypoints")
    assert not toy.BUILT
    assert report.faces == first.face_count
    assert "blobs" not in report.components
    assert "keypoints" not in report.components
    second = faces(tmp_path / "second")
    for index, frame in first.frames.items():
        for before, after in zip(frame.faces, second[index], strict=True):
            for field in ("box", "landmarks", "keypoints"):
                np.testing.assert_array_equal(getattr(after, field), getattr(before, field))
            assert (after.score, after.landmarks_origin) == (before.score, before.landmarks_origin)
            assert (after.detector, after.aligner) == ("import", "import")
    assert second[3][-1].landmarks_origin == "edited"
    assert len(list((tmp_path / "second" / "faces").iterdir())) == first.face_count


def test_every_way_to_give_a_face(run, toy, tools, tmp_path, write):
    folder = tools.folder(tmp_path / "pictures", tools.squares(8))
    left, top, right, bottom = BOX
    table = {
        "$schema": "import.schema.json",
        "shot000": [{"box": BOX, "keypoints": FIVE, "score": 0.5}],
        "shot001.png": [{"landmarks": POINTS.tolist()}, {"detected": [5, 5, 30, 30], "keypoints": FIVE}],
        "2": [{"x": left, "y": top, "w": right - left, "h": bottom - top, "keypoints": FIVE}],
        "shot003.jpg": [{"detected": BOX, "landmarks_2d": POINTS.tolist()}],
        "shot004": [],
        "5": [{"box": [-20, -20, 500.5, 90], "landmarks": WFLW.tolist()}],
    }
    jsonschema.validate(table, import_schema())
    report = run(folder, tmp_path / "out", import_from=write(table))
    assert not toy.BUILT
    assert "keypoints" in report.components
    found = faces(tmp_path / "out")
    assert {index: len(of_frame) for index, of_frame in found.items()} == {
        0: 1,
        1: 2,
        2: 1,
        3: 1,
        4: 0,
        5: 1,
        6: 0,
        7: 0,
    }
    for index in (0, 2, 3):
        np.testing.assert_array_equal(found[index][0].box, np.float32(BOX))
    assert [found[0][0].score, found[2][0].score] == [0.5, 1.0]
    assert [found[0][0].landmarks_origin, found[0][0].aligner] == ["fitted", "keypoints"]
    np.testing.assert_array_equal(found[0][0].keypoints, np.float32(FIVE))
    np.testing.assert_array_equal(found[0][0].landmarks, geometry.fit_keypoints(np.float32(FIVE)))
    for face in (found[1][0], found[3][0]):
        np.testing.assert_array_equal(face.landmarks, np.float32(POINTS))
        assert [face.landmarks_origin, face.detector, face.aligner] == ["detected", "import", "import"]
    np.testing.assert_array_equal(found[1][0].box, geometry.box_of(POINTS))
    assert [found[1][1].aligner, found[1][1].detector] == ["keypoints", "import"]  # the smaller one comes second
    np.testing.assert_array_equal(found[5][0].box, [0, 0, 160, 90])
    np.testing.assert_allclose(found[5][0].landmarks, geometry.landmarks_68_from_98(WFLW), rtol=1e-6)


def test_faces_that_are_not_asked_for(run, video, tmp_path, write):
    sizes = [[10, 10, 20, 20], [30, 10, 70, 50], [80, 10, 150, 80]]
    given = [{"box": box, "keypoints": FIVE, "score": score} for box, score in zip(sizes, (1, 0.9, 0.3), strict=True)]
    table = write({str(index): given for index in range(20)})
    wanted = {"min_size": 15, "max_size": 60, "min_score": 0.5}
    for number, options in enumerate(({}, {"max_faces": 1}, *({name: value} for name, value in wanted.items()))):
        run(video, tmp_path / str(number), import_from=table, stop=1, **options)
    kept = [[face.box.tolist() for face in faces(tmp_path / str(number))[0]] for number in range(5)]
    small, middle, large = sizes
    assert kept == [[large, middle, small], [large], [large, middle], [middle, small], [middle, small]]


def test_frames_of_a_video(tools, tmp_path, write):
    """By index, by our name from 0, or by Faceswap's with an extension from 1."""
    face = [{"box": BOX}]
    with open_media(tools.clip(tmp_path / "the.clip.mp4", 6)) as reader:
        name = reader.name(4)
        table = {"1": face, name: face, "the.clip_000001.mp4": face, "the.clip_000003.png": []}
        assert sorted(faces_by_index(read_import(Path(write(table))), reader)) == [0, 1, 2, 4]
        for table in ({"1": face, "the.clip_000002.mp4": face}, {name: face, "4": face}):
            with pytest.raises(AlignmentsError, match=r"'.*' and '.*' are both frame \d; give its faces once"):
                faces_by_index(read_import(Path(write(table))), reader)


def test_names_that_are_numbers_are_names(tools, tmp_path, write):
    pictures = tools.folder(tmp_path / "pictures", tools.squares(3))
    for number, path in enumerate(sorted(pictures.iterdir())):
        path.rename(pictures / f"{number + 2}.png")
    with open_media(pictures) as reader:
        assert sorted(faces_by_index(read_import(Path(write({"2": [], "3.png": [], "1": []}))), reader)) == [0, 1]


def test_names_that_are_not_there(tools, tmp_path, write, caplog):
    with open_media(tools.clip(tmp_path / "clip.mp4", 5)) as reader:
        with caplog.at_level(logging.WARNING):
            found = faces_by_index(
                read_import(Path(write({"0": [], "5": [], "x": [], "clip_9.mp4": [], "y": []}))), reader
            )
        assert list(found) == [0]
        assert "has no frame '5', 'x', 'clip_9.mp4'…: 4 of the 5 frames named there are passed over" in caplog.text
        with pytest.raises(
            AlignmentsError, match=r"has no frame 'x', nor any other .* called 'clip_\d+' to 'clip_\d+'"
        ):
            faces_by_index(read_import(Path(write({"x": []}))), reader)


def test_alignments_of_another_size(run, tools, tmp_path):
    run(tools.clip(tmp_path / "large.mp4", 3), tmp_path / "large")
    small = tools.clip(tmp_path / "small.mp4", 3, width=128, height=96)
    with pytest.raises(AlignmentsError, match=r"footage of 160x120 pixels, .* small\.mp4 has 128x96"):
        run(small, tmp_path / "small", import_from=str(tmp_path / "large" / "alignments.json"))
    assert not (tmp_path / "small" / "alignments.json.journal").exists()


FACE_FAULTS = {
    "no object": ([1, 2], "must be an object with a box or landmarks; received"),
    "nothing": ({}, "has neither a box nor landmarks"),
    "only score": ({"score": 0.5}, "has neither a box nor landmarks"),
    "typo": ({"boxx": BOX}, "'boxx' is no field of a face; did you mean 'box'"),
    "unknown": ({"box": BOX, "zzz": 1}, "'zzz' is no field of a face; known: box, detected"),
    "box twice": ({"box": BOX, "detected": BOX}, "has both 'box' and 'detected'"),
    "box and corner": ({"box": BOX, "x": 1, "y": 2, "w": 3, "h": 4}, "has both 'box' and 'x'"),
    "corner lacks": ({"x": 1, "w": 5}, "a box by x, y, w and h lacks h, y"),
    "three sides": ({"box": [1, 2, 3]}, "box: must be left, top, right, bottom, in pixels; received [1,2,3]"),
    "text": ({"box": ["1", 2, 3, 4]}, "box: must be left, top, right, bottom"),
    "null": ({"box": None}, "box: must be left, top, right, bottom, in pixels; received null"),
    "huge": ({"box": [0, 0, 1e30, 5]}, "box: must be left, top"),
    "inside out": ({"box": [50, 10, 40, 20]}, "box: a box must have its left before its right"),
    "width": ({"x": 5, "y": 5, "w": 0, "h": 4}, "a box must have its left before its right"),
    "score": ({"box": BOX, "score": 1.5}, "score: must be a number from 0 to 1; received 1.5"),
    "true": ({"box": BOX, "score": True}, "score: must be a number from 0 to 1; received true"),
    "keypoints": ({"box": BOX, "keypoints": FIVE[:4]}, "keypoints: must be 5 points, x before y, in pixels; received"),
    "4 points": ({"landmarks_2d": BOX[:2] * 2}, "landmarks_2d: must be 68 or 98 points"),
    "67 points": ({"landmarks": POINTS[:67].tolist()}, "landmarks: must be 68 or 98 points, x before y, in pixels; received a list of 67 lists of 2"),  # noqa: E501
    "3D": ({"landmarks": MEAN_HEAD_68.tolist()}, "landmarks: must be 68 or 98 points, x before y, in pixels; received a list of 68 lists of 3"),  # noqa: E501
    "one place": ({"landmarks": [[5, 5]] * 68}, "landmarks: the points lie on one line, or all at one place"),
}  # fmt: skip
UNSAID = [FACE_FAULTS[name][0] for name in ("huge", "inside out", "one place")]  # a schema has no words for them


@pytest.mark.parametrize(("face", "message"), FACE_FAULTS.values(), ids=FACE_FAULTS)
def test_faults_of_a_face_are_named(write, face, message):
    path = write({"first": [], "second": [{"box": BOX}, face]})
    with pytest.raises(AlignmentsError, match=re.escape(f"{path}, frame 'second', face 1") + ".*" + re.escape(message)):
        read_import(Path(path))


@pytest.mark.parametrize(("face", "message"), FACE_FAULTS.values(), ids=FACE_FAULTS)
def test_the_schema_refuses_what_is_refused(face, message):
    if face in UNSAID:
        jsonschema.validate({"frame": [face]}, import_schema())
        return
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"frame": [face]}, import_schema())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": [', "are no JSON"),
        ("", "are no JSON"),
        ("[]", r"must be an object from frame to list of faces; received \[\]"),
        ('{"a": {"box": [1, 2, 3, 4]}}', "frame 'a': must be a list of faces"),
        ('{"format": "fspp-alignments", "schema_version": 1}', "damaged alignments"),
        ('{"format": "fspp-alignments", "schema_version": 99, "frames": []}', "made by a newer fspp"),
    ],
)
def test_files_that_are_something_else(write, text, message):
    with pytest.raises(AlignmentsError, match=message):
        read_import(Path(write(text)))


def test_a_file_that_is_not_there(run, video, tmp_path):
    with pytest.raises(AlignmentsError, match=r"nowhere\.json: cannot read the faces to import: No such file"):
        run(video, tmp_path / "out", import_from=str(tmp_path / "nowhere.json"))
    assert not (tmp_path / "out").exists()


def test_a_box_outside_its_frame(run, video, tmp_path, write):
    with pytest.raises(AlignmentsError, match=r"face 1: its box 170, 10, 200, 50 lies outside the frame of 160x120"):
        run(
            video,
            tmp_path / "out",
            import_from=write({"3": [{"box": BOX, "keypoints": FIVE}, {"box": [170, 10, 200, 50]}]}),
        )


@pytest.mark.parametrize("idle", [{"rotate": (90.0,)}, {"rotate_step": 90}, {"detect_every": 5}])
def test_options_of_a_detector_that_does_not_run(run, video, tmp_path, write, idle):
    [name] = idle
    with pytest.raises(ConfigError, match=f"no detector runs; leave out {name}$"):
        run(video, tmp_path / "out", import_from=write({"0": []}), **idle)


def test_a_changed_file_is_another_run(run, video, tmp_path, write):
    """The content counts, not the place."""
    table = {str(index): [{"box": BOX, "keypoints": FIVE}] for index in range(20)}
    run(video, tmp_path / "out", import_from=write(table), stop=4)
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text(json.dumps(table))
    assert run(video, tmp_path / "out", import_from=str(elsewhere), stop=4).frames_resumed == 4
    with pytest.raises(AlignmentsError, match=r"options\.import_from was 'sha256:\w+', is 'sha256:\w+'"):
        run(video, tmp_path / "out", import_from=write({**table, "3": []}), stop=4)


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(import_schema())


def test_a_detector_for_the_second_pass_only(run, toy, video, tmp_path, write):
    """Boxes that are imported still need it where the second pass looks for boxes in crops."""
    table = write({"0": [{"box": BOX, "keypoints": FIVE}]})
    run(video, tmp_path / "out", import_from=table, stop=1, second_pass="detector")
    assert len(toy.BUILT) == 1
    assert faces(tmp_path / "out")[0][0].detector == "import"


numbers = st.one_of(st.integers(-(10**30), 10**30), st.floats(allow_nan=False, allow_infinity=False), st.booleans())
anything = st.recursive(
    st.one_of(st.none(), numbers, st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3)),
    max_leaves=12,
)


@given(st.one_of(anything, st.dictionaries(st.sampled_from(FIELDS), st.lists(numbers, min_size=4, max_size=4))))
def test_whatever_stands_there_is_read_or_refused(tmp_path_factory, face):
    """What is read is a face, and fits the schema; what is not is refused by name."""
    table = {"frame": [face]}
    path = tmp_path_factory.getbasetemp() / "anything.json"
    path.write_text(json.dumps(table), encoding="utf-8")
    try:
        [found] = read_import(path).frames["frame"]
    except AlignmentsError as error:
        found, fault = None, str(error)
    if found is None:
        assert f"{path}, frame 'frame', face 0" in fault
    else:
        jsonschema.validate(table, import_schema())
        assert (found.detection.box[:2] < found.detection.box[2:]).all()
        assert found.landmarks is None or found.landmarks.shape == (68, 2)
