"""The align stage as a whole: what is imported stays, all that is asked for is put together in one call."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from fspp_core.errors import Cancelled, ConfigError
from fspp_core.extraction import ExtractOptions
from fspp_core.extraction.alignment.aligning import Aligning, check_aligner
from fspp_core.extraction.alignment.keypoints import KeypointsAligner
from fspp_core.extraction.detection.sharing import SharedDetector
from fspp_core.extraction.shots import Shot, Turned
from fspp_core.geometry import MEAN_FACE_68, box_of
from fspp_core.options import NoOptions
from fspp_core.types import Detection

LANDMARKS = (MEAN_FACE_68 * 60 + 40).astype(np.float32)


class Counting:
    """Landmarks are numbered in the order of the call; pictures and boxes are kept."""

    landmarks_origin = "detected"

    def __init__(self):
        self.calls = []

    def align(self, images, detections):
        self.calls.append((list(images), [[face.box.tolist() for face in found] for found in detections]))
        numbers = iter(range(1000))
        return [
            np.array([np.full((68, 2), next(numbers)) for _ in found], np.float32).reshape(-1, 68, 2)
            for found in detections
        ]


def shot(index, boxes, **more):
    detections = tuple(Detection(box=np.array(box, np.float32), score=0.5) for box in boxes)
    picture = np.full((120, 160, 3), index, np.uint8)
    return Shot(index=index, name=f"{index}", pts=None, image=picture, detections=detections, **more)


BOX, OTHER, THIRD = (10, 20, 40, 60), (50, 20, 90, 60), (1, 2, 30, 40)
OFF = ExtractOptions(second_pass="off", aligner="counting", detector="finder")


def test_all_faces_of_a_group_in_one_call():
    aligner = Counting()
    group = [shot(0, [BOX, OTHER]), shot(1, []), shot(2, [THIRD])]
    aligned = Aligning(aligner=aligner, options=OFF)(group)
    [(pictures, boxes)] = aligner.calls
    assert [picture[0, 0, 0] for picture in pictures] == [0, 2], "frames without a face are not asked about"
    assert boxes == [[list(BOX), list(OTHER)], [list(THIRD)]]
    assert [[face.landmarks[0, 0] for face in one.faces] for one in aligned] == [[0, 1], [], [2]]
    face = aligned[0].faces[0]
    assert (face.landmarks_origin, face.aligner, face.detector, face.score) == ("detected", "counting", "finder", 0.5)
    assert aligned[1].faces == ()


def test_imported_landmarks_stay():
    aligner = Counting()
    options = ExtractOptions(second_pass="off", aligner="counting", import_from="faces.json")
    group = [
        shot(0, [BOX, OTHER, THIRD], known=(None, LANDMARKS, None), origins=("detected", "edited", "detected")),
        shot(1, [BOX], known=(LANDMARKS,)),
        shot(2, [BOX], known=(None,)),
    ]
    aligned = Aligning(aligner=aligner, options=options)(group)
    assert aligner.calls[0][1] == [[list(BOX), list(THIRD)], [list(BOX)]]
    first, second, third = aligned[0].faces
    assert [first.landmarks[0, 0], third.landmarks[0, 0], aligned[2].faces[0].landmarks[0, 0]] == [0, 1, 2]
    np.testing.assert_array_equal(second.landmarks, LANDMARKS)
    assert [face.landmarks_origin for face in (first, second, third)] == ["detected", "edited", "detected"]
    assert [face.aligner for face in (first, second, third)] == ["counting", "import", "counting"]
    assert aligned[1].faces[0].landmarks_origin == "detected"
    assert {face.detector for one in aligned for face in one.faces} == {"import"}


def test_the_aligner_is_not_asked_for_nothing():
    aligner = Counting()
    align = Aligning(aligner=aligner, options=OFF)
    assert [one.faces for one in align([shot(0, []), shot(1, [])])] == [(), ()]
    align([shot(0, [BOX], known=(LANDMARKS,))])
    assert aligner.calls == []


def test_turned_pictures_are_looked_at_and_faces_are_on_the_frame():
    """Upside down: of 160 x 120 pixels, half-open boxes."""
    aligner = Counting()
    upside_down = Turned(
        image=np.full((120, 160, 3), 99, np.uint8), matrix=np.array([[-1.0, 0.0, 159.0], [0.0, -1.0, 119.0]])
    )
    turned = shot(4, [BOX], turned=upside_down, known=(LANDMARKS,))
    [one] = Aligning(aligner=aligner, options=OFF)([turned])
    np.testing.assert_allclose(one.faces[0].box, [120, 60, 150, 100])
    np.testing.assert_allclose(one.faces[0].landmarks, (160, 120) - LANDMARKS, atol=1e-4)
    [asked] = Aligning(aligner=aligner, options=OFF)([shot(4, [BOX, OTHER], turned=upside_down)])
    assert aligner.calls[0][0][0][0, 0, 0] == 99
    np.testing.assert_allclose(asked.faces[1].landmarks, np.full((68, 2), (159.0, 119.0)))


def test_faces_in_the_black_beside_a_turned_frame_are_none():
    beside = Turned(image=np.zeros((300, 300, 3), np.uint8), matrix=np.array([[1.0, 0.0, 100.0], [0.0, 1.0, 100.0]]))
    [one] = Aligning(aligner=Counting(), options=OFF)([shot(0, [BOX, (90, 90, 150, 150)], turned=beside)])
    assert [face.box.tolist() for face in one.faces] == [[0, 0, 50, 50]]


def test_faces_are_fed_by_frame_and_number():
    """Whether the others of the frame are imported or not, and wherever the group begins."""
    options = ExtractOptions(second_pass="off", refeed=2)
    together, alone = Counting(), Counting()
    Aligning(aligner=together, options=options)([shot(1, [BOX]), shot(2, [BOX, OTHER])])
    Aligning(aligner=alone, options=options)([shot(2, [BOX, OTHER], known=(LANDMARKS, None))])
    assert [len(boxes) for boxes in together.calls[0][1]] == [3, 6]
    assert alone.calls[0][1][0] == together.calls[0][1][1][1::2]


def test_refeed_second_pass_and_normalisation_go_together():
    """Means of re-feeds are aligned again, and every picture is evened out, crops as well."""
    seen = []

    class Sees(Counting):
        def align(self, images, detections):
            seen.extend(int(image.max()) - int(image.min()) for image in images)
            super().align(images, detections)
            return [np.stack([LANDMARKS] * len(found)) for found in detections]

    rng = np.random.default_rng(0)
    one = shot(0, [box_of(LANDMARKS)])
    one.image[:] = rng.integers(100, 120, one.image.shape)
    aligner = Sees()
    options = ExtractOptions(second_pass="shifts", refeed=2, normalization="mean")
    align = Aligning(aligner=aligner, options=options)
    align([one])
    assert [[len(boxes) for boxes in call[1]] for call in aligner.calls] == [[1, 1, 1], [1, 1, 1, 1, 1]]
    assert seen == [255] * 8, "each look, of first pass and second, has its light stretched"
    assert align._again.faces == 1


def test_options_that_make_nothing_better_are_told(caplog):
    fitted = KeypointsAligner(NoOptions())
    check_aligner(ExtractOptions(), fitted)
    check_aligner(ExtractOptions(refeed=2, normalization="hist"), Counting())
    assert not caplog.messages
    check_aligner(ExtractOptions(refeed=2), fitted)
    check_aligner(ExtractOptions(normalization="hist"), fitted)
    assert len(caplog.messages) == 2
    assert "'keypoints' lays a mean face" in caplog.text


def test_a_second_pass_that_cannot_be_is_refused_before_anything_is_written(run, video, tmp_path):
    with pytest.raises(ConfigError, match="realign needs an aligner that takes whole crops"):
        run(video, tmp_path / "out", second_pass="realign")
    assert not (tmp_path / "out" / "alignments.json").exists()
    assert not list((tmp_path / "out").glob("*journal*"))


def test_the_second_pass_by_boxes_asks_the_detector(run, video, tmp_path, toy, faces_of, tools):
    """The toy is asked for crops as well as for frames, from two stages; its squares give keypoints to fit again."""
    run(video, tmp_path / "off", second_pass="off")
    frames = len(toy.SEEN)
    run(video, tmp_path / "on", second_pass="detector")
    assert (256, 256) in {size[1:] for size in toy.SEEN[frames:]}
    assert faces_of(tmp_path / "on") == faces_of(tmp_path / "off")


def test_a_resumed_refeed_equals_an_undisturbed_one(run, video, tmp_path, tools):
    """The jitter is that of frame and face, not of the run, and other groups of frames make no difference."""
    cancel = threading.Event()

    def progress(event):
        if event.done == 6:
            cancel.set()

    options = {"refeed": 3, "second_pass": "shifts", "normalization": "clahe"}
    run(video, tmp_path / "plain", **options)
    run(video, tmp_path / "fewer", **{**options, "refeed": 2})
    assert tools.content(tmp_path / "fewer") != tools.content(tmp_path / "plain")
    with pytest.raises(Cancelled):
        run(video, tmp_path / "out", progress=progress, cancel=cancel, **options)
    run(video, tmp_path / "out", **options, batch_size=3)
    assert tools.content(tmp_path / "out") == tools.content(tmp_path / "plain")


def test_a_shared_detector_does_one_thing_at_a_time():
    class Alone:
        busy, clashes = 0, 0

        def detect(self, images):
            self.busy += 1
            self.clashes += self.busy > 1
            time.sleep(0.002)
            self.busy -= 1
            return [[] for _ in images]

    alone = Alone()
    shared = SharedDetector(alone)
    threads = [threading.Thread(target=lambda: [shared.detect([0]) for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert alone.clashes == 0
    assert shared.detect([0, 0]) == [[], []]


def test_a_detector_that_knows_crops_gets_them_as_such():
    class Knows:
        def detect(self, images):
            return [["frame"] for _ in images]

        def detect_crops(self, crops):
            return [["crop"] for _ in crops]

    class DoesNot:
        def detect(self, images):
            return [["frame"] for _ in images]

    assert SharedDetector(Knows()).detect_crops([0, 0]) == [["crop"], ["crop"]]
    assert SharedDetector(Knows()).detect([0]) == [["frame"]]
    assert SharedDetector(DoesNot()).detect_crops([0]) == [["frame"]]
