"""An extraction finds, keeps, files and reports what it was asked for."""

from __future__ import annotations

import json
import logging
import threading
import time
import weakref
from collections import Counter
from dataclasses import replace

import cv2
import jsonschema
import numpy as np
import pytest

from fspp_core import geometry
from fspp_core.alignments import Alignments, alignments_schema, read_face_crop
from fspp_core.errors import Cancelled, ConfigError, MediaError, PluginError, ShapeError
from fspp_core.extraction import ExtractOptions, extract
from fspp_core.extraction.shots import Shot
from fspp_core.media import open_media, write_image


def test_everything_is_there(run, toy, video, tmp_path, tools, faces_of):
    events = []
    report = run(video, tmp_path / "out", progress=events.append)
    alignments = Alignments.load(tmp_path / "out" / "alignments.json")
    assert faces_of(tmp_path / "out") == {i: tools.expected_faces(i) for i in range(20)}
    jsonschema.validate(json.loads((tmp_path / "out" / "alignments.json").read_text("utf-8")), alignments_schema())
    with open_media(video) as reader:
        assert alignments.media.fingerprint == reader.fingerprint()
        assert alignments.media.name == str(video)
        assert {i: f.pts for i, f in alignments.frames.items()} == {f.index: f.pts for f in reader.frames()}
    assert alignments.settings["options"]["detector"] == "blobs"
    assert alignments.settings["components"]["blobs"]["least"] == 100
    assert set(alignments.settings["versions"]) >= {"fspp-core"}

    total = sum(map(tools.expected_faces, range(20)))
    assert (report.frames, report.frames_with_faces, report.faces, report.frames_resumed) == (20, 18, total, 0)
    stages = {"decode", "detect", "align", "identify", "mask", "crop", "journal"}
    assert {"prepare", *stages, "finish", "all"} == set(report.seconds)
    assert report.frames_per_second > 0
    assert json.loads(report.report.read_text("utf-8")) == json.loads(json.dumps(report.to_dict()))
    assert [(e.done, e.total) for e in events] == [(n, 20) for n in range(21)]
    assert events[-1].values["faces"] == total
    assert [(i, tools.expected_faces(i)) for i in range(20)] == toy.EVENTS
    assert [blobs.closed for blobs in toy.BUILT] == [1]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["alignments.json", "faces", "report.json"]


def test_face_crops_carry_their_record(run, video, tmp_path, tools):
    run(video, tmp_path, face_type="full", size=64, maskers=("components", "extended"))
    alignments = Alignments.load(tmp_path / "alignments.json")
    names = []
    with open_media(video) as reader:
        for index, frame in alignments.frames.items():
            image = reader.frame(index).image
            for number, face in enumerate(alignments.faces(index)):
                names.append(f"{frame.name}_{number}.png")
                crop = read_face_crop(tmp_path / "faces" / names[-1])
                assert (crop.frame_index, crop.frame_name, crop.face_index) == (index, frame.name, number)
                assert crop.media.name == video.name
                np.testing.assert_array_equal(crop.face.landmarks, face.landmarks)
                np.testing.assert_allclose(crop.crop.matrix, geometry.crop_matrix(face.landmarks, "full", 64))
                np.testing.assert_array_equal(crop.crop.image, geometry.warp(image, crop.crop.matrix, 64))
                assert set(face.masks) == {"components", "extended"}
                for mask in face.masks.values():
                    center = geometry.transform(face.landmarks[30:31], mask.matrix)[0].round().astype(int)
                    assert mask.image[center[1], center[0]] == 255
                    assert mask.image[0].max() == 0
    assert sorted(names) == sorted(p.name for p in (tmp_path / "faces").iterdir())


def test_faces_are_complete_and_largest_first(run, video, tmp_path):
    run(video, tmp_path)
    for index, frame in Alignments.load(tmp_path / "alignments.json").frames.items():
        areas = [float(geometry.area(face.box)) for face in frame.faces]
        assert areas == sorted(areas, reverse=True), index
        for face in frame.faces:
            assert face.detector == "blobs"
            assert face.aligner == "keypoints"
            assert face.landmarks_origin == "fitted"
            assert face.keypoints is not None
            left, top, right, bottom = face.box
            x, y = face.landmarks.mean(axis=0)
            assert left < x < right
            assert top < y < bottom


@pytest.mark.parametrize(
    ("options", "frames"),
    [
        ({"every": 3}, range(0, 20, 3)),
        ({"start": 5}, range(5, 20)),
        ({"stop": 4}, range(4)),
        ({"start": 3, "stop": 18, "every": 4}, range(3, 18, 4)),
        ({"stop": 500, "every": 19}, range(0, 20, 19)),
    ],
)
def test_frame_ranges(run, video, tmp_path, tools, faces_of, options, frames):
    report = run(video, tmp_path, **options)
    assert faces_of(tmp_path) == {i: tools.expected_faces(i) for i in frames}
    assert report.frames == len(frames)


@pytest.mark.parametrize("options", [{"start": 20}, {"start": 7, "stop": 7}, {"start": 9, "stop": 2}])
def test_a_range_without_frames_is_refused(run, video, tmp_path, options):
    with pytest.raises(ConfigError, match=r"no frame from \d+ .*squares\.mp4 has frames 0 to 19"):
        run(video, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_the_largest_faces_are_kept(run, video, tmp_path, tools, faces_of):
    run(video, tmp_path, max_faces=1)
    assert faces_of(tmp_path) == {i: min(1, tools.expected_faces(i)) for i in range(20)}
    boxes = [f.faces[0].box for f in Alignments.load(tmp_path / "alignments.json").frames.values() if f.faces]
    assert min(box[2] - box[0] for box in boxes) > 40


def test_small_faces_are_left_out(run, video, tmp_path, tools, faces_of):
    run(video, tmp_path, min_size=40)
    assert faces_of(tmp_path) == {i: min(1, tools.expected_faces(i)) for i in range(20)}


def test_unsure_faces_are_left_out(run, video, tmp_path, faces_of):
    run(video, tmp_path, min_score=0.9)  # the small one is at the left edge
    assert faces_of(tmp_path) == {i: int(i % 7 != 6 and i % 3 > 0) for i in range(20)}


def test_no_faces(run, tmp_path, tools, faces_of, caplog):
    black = tools.folder(tmp_path / "black", [np.zeros((60, 80, 3), np.uint8)] * 5)
    with caplog.at_level(logging.WARNING):
        report = run(black, tmp_path / "out")
    assert faces_of(tmp_path / "out") == dict.fromkeys(range(5), 0)
    assert (report.faces, report.frames_with_faces) == (0, 0)
    assert list((tmp_path / "out" / "faces").iterdir()) == []
    assert "no face in any of the 5 frames" in caplog.text


def test_crops_can_be_left_out(run, video, tmp_path, tools, faces_of):
    report = run(video, tmp_path, save_faces=False, maskers=())
    assert faces_of(tmp_path) == {i: tools.expected_faces(i) for i in range(20)}
    assert not (tmp_path / "faces").exists()
    assert report.faces_folder is None
    assert not any(
        f.masks for frame in Alignments.load(tmp_path / "alignments.json").frames.values() for f in frame.faces
    )


def test_a_folder_of_mixed_sizes_goes_through_in_batches_of_one_size(run, toy, tmp_path, tools, faces_of):
    wide, tall = list(tools.squares(12)), list(tools.squares(12, width=200, height=220))
    images = [image for pair in zip(wide, tall, strict=True) for image in pair]
    pictures = tools.folder(tmp_path / "Bilder für später", images)
    run(pictures, tmp_path / "out", batch_size=3)
    assert faces_of(tmp_path / "out") == {i: tools.expected_faces(i // 2) for i in range(24)}
    assert sorted(toy.SEEN) == [(3, 120, 160)] * 4 + [(3, 220, 200)] * 4
    assert list(faces_of(tmp_path / "out")) == list(range(24))
    assert sorted(index for index, _ in toy.EVENTS) == list(range(24))


def test_a_detector_is_warmed_up_for_a_video_before_its_first_frame(run, toy, video, tmp_path, tools, monkeypatch):
    told = []
    monkeypatch.setattr(toy.Blobs, "warm_up", lambda self, *size: told.append((size, len(toy.SEEN))), raising=False)
    before = len(toy.SEEN)
    run(tools.folder(tmp_path / "shots", tools.squares(2)), tmp_path / "pictures")
    assert told == []
    seen = len(toy.SEEN)
    assert seen > before
    run(video, tmp_path / "out")
    assert told == [((120, 160), seen)]


def test_many_sizes_do_not_pile_up(run, toy, tmp_path, tools):
    images = [next(tools.squares(1, width=160 + 2 * n)) for n in range(20)]
    run(tools.folder(tmp_path / "in", images), tmp_path / "out")
    assert sorted(toy.SEEN) == sorted((1, 120, 160 + 2 * n) for n in range(20))


def test_deep_pictures(run, tmp_path, tools, faces_of):
    images = list(tools.squares(6))
    deep = tools.folder(tmp_path / "deep", [image.astype(np.uint16) * 257 for image in images])
    run(deep, tmp_path / "out")
    run(tools.folder(tmp_path / "flat", images), tmp_path / "flat-out")
    assert faces_of(tmp_path / "out") == {i: tools.expected_faces(i) for i in range(6)}
    boxes = [
        [
            face.box.tolist()
            for frame in Alignments.load(place / "alignments.json").frames.values()
            for face in frame.faces
        ]
        for place in (tmp_path / "out", tmp_path / "flat-out")
    ]
    assert boxes[0] == boxes[1]


def test_one_picture(run, tmp_path, tools, faces_of):
    write_image(tmp_path / "bild.jpg", list(tools.squares(2))[1])
    run(tmp_path / "bild.jpg", tmp_path / "out")
    assert faces_of(tmp_path / "out") == {0: 2}
    assert sorted(p.name for p in (tmp_path / "out" / "faces").iterdir()) == ["bild_0.png", "bild_1.png"]


@pytest.mark.parametrize("name", ["missing.mp4", "text.mp4", "empty", "cut.mp4"])
def test_unreadable_footage(run, video, tmp_path, name):
    media = tmp_path / name
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "empty").mkdir()
    (tmp_path / "cut.mp4").write_bytes(video.read_bytes()[:600])
    with pytest.raises(MediaError, match=name):
        run(media, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_cut_off_footage_is_refused_unless_accepted(run, tmp_path, tools):
    whole = tools.clip(tmp_path / "whole.mkv", 40)
    media = tmp_path / "cut.mkv"
    media.write_bytes(whole.read_bytes()[: whole.stat().st_size * 3 // 5])
    with pytest.raises(MediaError, match=r"cut\.mkv.*accept_damage"):
        run(media, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    report = run(media, tmp_path / "out", accept_damage=True)
    assert 3 < report.frames < 40
    frames = Alignments.load(tmp_path / "out" / "alignments.json").frames.values()
    assert [len(f.faces) for f in frames] == [tools.expected_faces(f.pts // 40) for f in frames]  # 25 a second, in ms


def test_a_damaged_picture_stops_after_what_is_good(run, tmp_path, tools):
    pictures = tools.folder(tmp_path / "in", tools.squares(10))
    broken = pictures / "shot007.png"
    good = broken.read_bytes()
    broken.write_bytes(good[: len(good) // 2])
    with pytest.raises(MediaError, match=r"shot007\.png"):
        run(pictures, tmp_path / "out", batch_size=1)
    assert (tmp_path / "out" / "alignments.json.journal").exists()
    assert threading.active_count() < 20


def test_cancelling_keeps_what_is_done(run, video, tmp_path, tools):
    run(video, tmp_path / "plain")
    cancel, events = threading.Event(), []

    def progress(event):
        events.append(event.done)
        if event.done == 6:
            cancel.set()

    with pytest.raises(Cancelled, match="same command"):
        run(video, tmp_path / "out", progress=progress, cancel=cancel)
    assert events[-1] == 6
    report = run(video, tmp_path / "out", progress=progress)
    assert report.frames_resumed == 6
    assert events[7:] == list(range(6, 21))
    assert tools.content(tmp_path / "out") == tools.content(tmp_path / "plain")


def test_threads_end_with_the_run(run, video, tmp_path):
    before = threading.active_count()
    with pytest.raises(ShapeError, match="does not like it") as caught:
        run(video, tmp_path, blobs={"fault": "shape"})
    assert any("in detect, frames squares_000000 to squares_000003" in note for note in caught.value.__notes__)
    assert threading.active_count() == before


def test_a_detector_that_answers_too_little(run, video, tmp_path):
    with pytest.raises(PluginError, match=r"detector 'blobs' gave 0 answers for 4"):
        run(video, tmp_path, blobs={"fault": "count"})


def test_a_detector_that_cannot_be_built_leaves_nothing(run, video, tmp_path):
    with pytest.raises(PluginError, match="no weights here"):
        run(video, tmp_path / "out", blobs={"fault": "build"})
    assert list((tmp_path / "out").iterdir()) == []


def test_a_detector_without_keypoints_does_not_fit_the_keypoints_aligner(run, video, tmp_path):
    with pytest.raises(ShapeError, match=r"no keypoints.*choose a detector"):
        run(video, tmp_path, blobs={"keypoints": False})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"detector": "blob"}, PluginError, "did you mean 'blobs'"),
        ({"aligner": "extended"}, PluginError, "is a masker"),
        ({"maskers": ("extended", "extended")}, ConfigError, "maskers: each can be given once"),
        ({"every": 0}, ConfigError, "extract.every"),
        ({"face_type": "nose"}, ConfigError, "extract.face_type"),
        ({"blobs": {"most": 3}}, ConfigError, "components.blobs.most"),
    ],
)
def test_wrong_options_are_refused_before_any_work(run, video, tmp_path, options, error, message):
    with pytest.raises(error, match=message):
        run(video, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_memory_is_bounded(run, tmp_path, tools, monkeypatch):
    """However slow the end of the chain is, the stages before it wait."""
    alive, most, of = Counter(), 0, Shot.of

    def counted(frame):
        shot = of(frame)
        image = shot.image.copy()  # a picture of its own, whose end is known
        alive["shots"] += 1
        weakref.finalize(image, alive.subtract, ["shots"])
        return replace(shot, image=image)

    monkeypatch.setattr(Shot, "of", counted)

    def progress(event):
        nonlocal most
        if event.done == 20:
            time.sleep(1.0)  # for the stages before to run as far ahead as they may
        most = max(most, alive["shots"])

    run(tools.clip(tmp_path / "long.mp4", 120), tmp_path / "out", progress=progress, batch_size=4, workers=1)
    assert 8 < most <= 10 * 4


def test_large_frames_go_in_smaller_groups(run, toy, video, tmp_path, monkeypatch):
    monkeypatch.setattr("fspp_core.extraction.shots._GROUP_BYTES", 2 * 160 * 120 * 3 + 1)
    run(video, tmp_path)
    assert toy.SEEN == [(2, 120, 160)] * 10


def test_the_output_must_not_be_the_footage(run, tmp_path, tools):
    pictures = tools.folder(tmp_path / "in", tools.squares(3))
    with pytest.raises(MediaError, match="the footage itself"):
        run(pictures, pictures)
    crops = tools.folder(tmp_path / "x" / "faces", tools.squares(3))
    with pytest.raises(MediaError, match="the footage itself"):
        run(crops, tmp_path / "x")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(MediaError, match="cannot be the output folder"):
        run(pictures, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_real_face_in_motion(astronaut_clip, tmp_path):
    """MTCNN finds the face in every frame, and the crops hold it still."""
    report = extract(astronaut_clip, tmp_path, ExtractOptions(size=64), components={"mtcnn": {"min_face": 40}})
    assert (report.frames, report.faces, report.frames_with_faces) == (24, 24, 24)
    assert report.devices
    crops = [read_face_crop(path) for path in sorted((tmp_path / "faces").iterdir())]
    still = np.stack([cv2.cvtColor(c.crop.image, cv2.COLOR_BGR2GRAY).astype(float) for c in crops])[:, 12:52, 12:52]
    alike = [np.corrcoef(still[0].ravel(), one.ravel())[0, 1] for one in still[1:]]
    assert min(alike) > 0.7
    centers = np.stack([c.face.landmarks.mean(axis=0) for c in crops])
    assert np.ptp(centers, axis=0).max() > 8  # it did move
