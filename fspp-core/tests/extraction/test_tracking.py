"""Faces followed between detections: where every-frame detection finds them, and detected anew where they are lost."""

from __future__ import annotations

import hashlib
import logging
import threading

import cv2
import numpy as np
import pytest

from fspp_core import geometry
from fspp_core.alignments import Alignments
from fspp_core.demo.animate import animate
from fspp_core.demo.portraits import ASTRONAUT, HOPPER
from fspp_core.errors import Cancelled
from fspp_core.extraction import ExtractOptions, extract
from fspp_core.extraction.detection.detecting import Detecting
from fspp_core.extraction.detection.flow import Follower, levels_of
from fspp_core.extraction.detection.tracking import Tracking
from fspp_core.extraction.detection.turning import turn
from fspp_core.extraction.shots import Shot
from fspp_core.types import Detection

FRAMES, SIDE = 36, 288


class Remembering:
    """A detector that counts the pictures it is asked about, and looks at each only once."""

    def __init__(self, detector):
        self.detector = detector
        self.known = {}
        self.asked = []

    def detect(self, images):
        self.asked.append(len(images))
        keys = [hashlib.sha256(image.tobytes()).digest() + str(image.shape).encode() for image in map(np.array, images)]
        for key, image in zip(keys, images, strict=True):
            if key not in self.known:
                [self.known[key]] = self.detector.detect([image])
        return [self.known[key] for key in keys]


@pytest.fixture(scope="module")
def memory(mtcnn):
    return Remembering(mtcnn)


@pytest.fixture
def detector(memory):
    memory.asked.clear()
    return memory


@pytest.fixture(scope="module")
def astronaut_frames(astronaut):
    return list(animate(ASTRONAUT, astronaut, frames=FRAMES, size=SIDE))


@pytest.fixture(scope="module")
def hopper_frames(hopper):
    return list(animate(HOPPER, hopper, frames=FRAMES, size=SIDE))


def shots(images, first=0, *, cuts=(), context=0, step=1):
    return [
        Shot(index=index, name=f"shot{index}", pts=None, image=image, cut=index in cuts, context=number < context)
        for number, image in enumerate(images)
        for index in [first + number * step]
    ]


def tracking(detector, nth, **options):
    options = ExtractOptions(detect_every=nth, **options)
    return Tracking(detecting=Detecting(detector=detector, options=options), options=options)


def tracked(detector, frames, nth, group=8, **options):
    """The shots after a stage that gets them in groups."""
    stage = tracking(detector, nth, **options)
    return [shot for first in range(0, len(frames), group) for shot in stage(frames[first : first + group])]


def plain(shots):
    """All that was found, to compare."""
    return [(shot.index, [(d.box.tolist(), d.score, d.keypoints.tolist()) for d in shot.detections]) for shot in shots]


def errors(found, wanted):
    """Overlaps of the boxes, and distances of the landmarks fitted to the keypoints in sides of the box."""
    overlaps, distances = [], []
    for one, other in zip(found, wanted, strict=True):
        [a], [b] = one.detections, other.detections
        overlaps.append(geometry.iou(a.box[None], b.box[None])[0, 0])
        points = [geometry.fit_keypoints(face.keypoints) for face in (a, b)]
        distances.append(np.linalg.norm(points[0] - points[1], axis=1).mean() / max(b.box[2:] - b.box[:2]))
    return np.array(overlaps), np.array(distances)


@pytest.mark.parametrize("every", [2, 5, 9])
@pytest.mark.parametrize("who", ["astronaut_frames", "hopper_frames"])
def test_followed_faces_are_where_detection_finds_them(detector, request, who, every):
    frames = shots(request.getfixturevalue(who))
    wanted = Detecting(detector=detector, options=ExtractOptions(max_faces=1))(frames)
    detector.asked.clear()
    found = tracked(detector, frames, every, max_faces=1)
    assert sum(detector.asked) == -(-FRAMES // every)
    overlaps, distances = errors(found, wanted)
    assert (overlaps[::every] == 1).all()  # detected
    followed = np.arange(FRAMES) % every != 0
    assert overlaps[followed].mean() > 0.9
    assert overlaps.min() > 0.75
    assert distances[followed].mean() < 0.025
    assert distances.max() < 0.06
    still = [shot.detections[0].box for shot in wanted]
    stale = np.array([geometry.iou(still[i][None], still[i - i % every][None])[0, 0] for i in range(FRAMES)])
    assert overlaps.mean() > stale.mean()  # better than to leave boxes where they were


def test_the_detector_gets_what_is_due_at_once(detector, astronaut_frames):
    tracked(detector, shots(astronaut_frames), 3, group=18)
    assert detector.asked == [6, 6]


@pytest.mark.parametrize("every", [4, 7])
def test_groups_change_nothing(detector, astronaut_frames, every):
    images = list(astronaut_frames)
    images[9] = np.full_like(images[9], 90)  # the face is gone for a frame
    frames = shots(images, cuts={17})
    whole = plain(tracked(detector, frames, every, group=FRAMES))
    for group in (1, 3, 10):
        assert plain(tracked(detector, frames, every, group=group)) == whole


def test_resumed_anywhere(detector, astronaut_frames):
    """From the last frame that had to be detected on, what follows is the same."""
    images = list(astronaut_frames)
    images[10] = np.full_like(images[10], 90)
    every = 6
    whole = plain(tracked(detector, shots(images), every))
    for start in (7, 10, 11, 12, 17, 29):
        first = start - start % every
        again = tracked(detector, shots(images[first:], first, context=start - first), every, group=5)
        assert plain(again[start - first :]) == whole[start:]


def test_start_and_step(detector, astronaut_frames):
    """What counts is the place among the frames that are looked at."""
    frames = shots(astronaut_frames[:9], 100, step=3)
    tracked(detector, frames, 4, start=100, every=3)
    assert detector.asked == [2, 1]


def test_a_planted_cut(detector, astronaut_frames, hopper_frames):
    images = astronaut_frames[:8] + hopper_frames[8:16]
    hoppers = Detecting(detector=detector, options=ExtractOptions(max_faces=1))(shots(images))
    for cuts in ({8}, set()):  # told of it, or by the look of the face alone
        detector.asked.clear()
        found = tracked(detector, shots(images, cuts=cuts), 6, max_faces=1)
        assert sum(detector.asked) == 3 + 1
        assert errors(found, hoppers)[0].min() > 0.75


def test_a_planted_occlusion(detector, astronaut_frames):
    """While a face that was followed is hidden, each frame is detected on, until it is back."""
    box = Detecting(detector=detector, options=ExtractOptions(max_faces=1))(shots(astronaut_frames[5:6]))[0]
    left, top, right, bottom = box.detections[0].box.astype(int)
    images = [image.copy() for image in astronaut_frames[:20]]
    for image in images[4:7]:
        image[top - 9 : bottom + 9, left - 9 : right + 9] = np.random.default_rng(0).integers(0, 255, 3)
    detector.asked.clear()
    found = tracked(detector, shots(images), 10, group=20, max_faces=1)
    assert detector.asked == [2, 1, 1, 1, 1]  # those due, the three it is hidden in, and the one it is back in
    assert [len(shot.detections) for shot in found] == [1] * 4 + [0] * 3 + [1] * 13


def test_a_hand_before_the_face(detector, astronaut_frames):
    """Less of it shows than is asked for: detected again, though the flow still finds its corners."""
    images = [image.copy() for image in astronaut_frames[:6]]
    [face] = Detecting(detector=detector, options=ExtractOptions(max_faces=1))(shots(images[3:4]))[0].detections
    left, top, right, bottom = face.box.astype(int)
    for image in images[3:]:
        image[bottom - (bottom - top) * 7 // 20 : bottom, left:right] = (60, 90, 140)
    asked = {}
    for score in (0.4, 0.7):
        detector.asked.clear()
        tracked(detector, shots(images), 6, track_score=score, max_faces=1)
        asked[score] = sum(detector.asked)
    assert asked[0.4] == 1
    assert asked[0.7] >= 2


def test_nothing_is_followed_into_the_void(detector, astronaut_frames):
    """A face that leaves is detected on; none is left where there was one."""
    still = astronaut_frames[0]
    images = [np.roll(still, -24 * number, axis=1) for number in range(8)]
    for number, image in enumerate(images):
        image[:, SIDE - 24 * number :] = 0
    found = tracked(detector, shots(images), 8, max_faces=1)
    assert sum(detector.asked) > 1
    assert len(found[0].detections) == 1
    assert not found[-1].detections
    for shot in found:
        for face in shot.detections:
            assert (face.box[:2] < face.box[2:]).all()
            np.testing.assert_array_equal(face.box, geometry.clip_boxes(face.box, SIDE, SIDE))


def test_nothing_to_follow(detector):
    """Where the detector found nothing, it is not asked again before it is due."""
    empty = [np.full((80, 80, 3), number, np.uint8) for number in range(10)]
    assert not any(shot.detections for shot in tracked(detector, shots(empty), 5))
    assert sum(detector.asked) == 2


def test_sizes_in_turn(detector, astronaut_frames):
    """A face is not followed over a frame of another size in between."""
    small = [cv2.resize(image, (SIDE // 2, SIDE // 2)) for image in astronaut_frames[:8]]
    frames = shots([pair[number % 2] for number, pair in enumerate(zip(astronaut_frames, small, strict=False))])
    stage = tracking(detector, 8)
    by_size = [[shot for shot in frames if shot.image.shape[0] == side] for side in (SIDE, SIDE // 2)]
    apart = [shot for group in by_size for shot in stage(group)]
    assert sum(detector.asked) == 8
    in_turn = tracked(detector, frames, 8, group=1)
    assert plain(in_turn) == plain(sorted(apart, key=lambda shot: shot.index))


def test_faces_that_lie(detector, astronaut_frames):
    """Found in a turned frame, a face is followed in frames turned alike."""
    lying = [np.ascontiguousarray(np.rot90(image)) for image in astronaut_frames[:8]]
    upright = tracked(detector, shots(astronaut_frames[:8]), 4, max_faces=1)
    detector.asked.clear()
    found = tracked(detector, shots(lying), 4, rotate=(180.0, 90.0), max_faces=1)
    assert detector.asked == [2, 2, 2]
    assert plain(found) == plain(upright)
    for shot, image in zip(found, astronaut_frames, strict=False):
        np.testing.assert_array_equal(shot.turned.image, image)
        np.testing.assert_array_equal(shot.turned.matrix, turn(lying[0], 90).matrix)


def test_followed_faces_are_filtered_too(detector, astronaut_frames):
    """A face that comes nearer is left out once it is too large, and is not detected on for that."""
    still = astronaut_frames[0]
    matrices = [cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), 0, 1.06**number) for number in range(6)]
    images = [cv2.warpAffine(still, matrix, (SIDE, SIDE)) for matrix in matrices]
    [first] = tracked(detector, shots(images[:1]), 6, max_faces=1)
    side = float(max(first.detections[0].box[2:] - first.detections[0].box[:2]))
    detector.asked.clear()
    found = tracked(detector, shots(images), 6, max_faces=1, max_size=round(side * 1.15))
    assert [len(shot.detections) for shot in found] == [1, 1, 1, 0, 0, 0]
    assert sum(detector.asked) == 1


@pytest.mark.parametrize("scale", [0.25, 1.0, 3.0])
def test_flow_is_exact(astronaut, scale):
    """A known similarity is found again to a fraction of a hundredth of the face, whatever its size in pixels."""
    image = cv2.resize(astronaut[:300, 80:380], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    side = image.shape[0]
    box = np.float32([100, 70, 190, 190]) * scale
    keypoints = np.float32([(120, 105), (165, 105), (143, 128), (125, 155), (160, 155)]) * scale
    face = Follower.of(levels_of(image), Detection(box=box, score=0.9, keypoints=keypoints))
    for number in range(1, 7):
        truth = cv2.getRotationMatrix2D((side / 2, side / 2), 3 * number, 1 + 0.02 * number)
        truth[:, 2] += np.array([4.0, -2.5]) * number * scale
        dimmed = cv2.warpAffine(image, truth, (side, side), flags=cv2.INTER_CUBIC).astype(np.float64)
        levels = levels_of((dimmed * (1 - 0.05 * number) + 5).clip(0, 255).astype(np.uint8))
        face = face.follow(levels)
        assert face.score > 0.95
        off = np.linalg.norm(face.found(levels).keypoints - geometry.transform(keypoints, truth), axis=1)
        assert off.max() < 0.006 * 120 * scale
        assert face.found(levels).score == 0.9
    assert geometry.scale_of(face.moved) == pytest.approx(1.12, abs=0.01)


def test_faces_without_texture_cannot_be_followed():
    levels = levels_of(np.full((60, 60, 3), 128, np.uint8))
    face = Follower.of(levels, Detection(box=np.float32([10, 10, 40, 40]), score=1.0))
    assert face.follow(levels).score == -1


def test_extract(astronaut_clip, tmp_path, caplog):
    """From the options to the file."""
    caplog.set_level(logging.INFO)
    options = ExtractOptions(size=64, detect_every=6, save_faces=False)
    extract(astronaut_clip, tmp_path, options, components={"mtcnn": {"min_face": 40}})
    alignments = Alignments.load(tmp_path / "alignments.json")
    assert [len(frame.faces) for frame in alignments.frames.values()] == [1] * 24
    assert alignments.settings["options"]["detect_every"] == 6
    scores = {alignments.frames[index].faces[0].score for index in range(6)}
    assert "detected on 4 frames that were due and 0 more on which a face was lost; followed faces on 20" in caplog.text
    assert len(scores) == 1  # the detector's own, of the frame it looked at


def test_extract_resumed(astronaut_clip, tmp_path, tools):
    """Stopped between two detections and run again, it gives what it gives undisturbed."""
    options = ExtractOptions(size=32, detect_every=6)
    cancel = threading.Event()

    def stop(event):
        if event.done == 9:
            cancel.set()

    with pytest.raises(Cancelled):
        extract(astronaut_clip, tmp_path / "stopped", options, progress=stop, cancel=cancel)
    report = extract(astronaut_clip, tmp_path / "stopped", options)
    assert report.frames_resumed == 9
    extract(astronaut_clip, tmp_path / "whole", options)
    assert tools.content(tmp_path / "stopped") == tools.content(tmp_path / "whole")
