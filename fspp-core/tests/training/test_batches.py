"""Batches are a pure function of seed and step: whatever the workers, wherever it starts."""

from __future__ import annotations

import itertools
import threading

import cv2
import numpy as np
import pytest

from fspp_core.training.augment import Strengths
from fspp_core.training.batches import BatchMaker, single_threaded_opencv
from fspp_core.training.faces import CropPlan
from fspp_core.training.facesets import Budget, Faceset, covers
from fspp_core.training.findfaces import FaceRef

STRENGTHS = Strengths(warp=1.0, transform=1.0, flip=0.5, color=1.0, clahe=0.5)
PLAN = CropPlan("full", 32, 48)


class Reads:
    """Counts how often pictures are read."""

    def __init__(self):
        self.count = 0
        self.lock = threading.Lock()

    def of(self, picture):
        def read():
            with self.lock:
                self.count += 1
            return picture, {}

        return read


def faceset(portrait, count, *, budget=2**30, reads=None):
    picture, face = portrait
    reads = reads or Reads()
    refs = []
    for number in range(count):
        tinted = np.clip(picture.astype(int) + 3 * number, 0, 255).astype(np.uint8)
        size = (picture.shape[1], picture.shape[0])
        refs.append(FaceRef(f"{number}", face.landmarks, np.eye(2, 3), size, reads.of(tinted)))
    return Faceset(refs, PLAN, masks=None, budget=Budget(budget))


def maker(portraits, *, seed=7, budget=2**30, batch_size=4):
    return BatchMaker(
        faceset(portraits["hopper"], 5, budget=budget),
        faceset(portraits["astronaut"], 3, budget=budget),
        batch_size=batch_size,
        seed=seed,
        strengths=STRENGTHS,
    )


def same(a, b):
    return all(np.array_equal(x[key], y[key]) for x, y in ((a.inputs, b.inputs), (a.truth, b.truth)) for key in x)


def test_shapes_and_types(portraits):
    batch = maker(portraits).make(0)
    assert {side: faces.shape for side, faces in batch.inputs.items()} == dict.fromkeys(
        ("source", "target"), (4, 32, 32, 3)
    )
    assert {side: faces.shape for side, faces in batch.truth.items()} == dict.fromkeys(
        ("source", "target"), (4, 48, 48, 3)
    )
    assert all(faces.dtype == np.uint8 for faces in (*batch.inputs.values(), *batch.truth.values()))


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_stream_does_not_depend_on_workers_or_start(portraits, workers):
    straight = [maker(portraits).make(step) for step in range(8)]
    with single_threaded_opencv():
        streamed = list(maker(portraits).stream(3, 8, workers))
    assert [batch.step for batch in streamed] == [3, 4, 5, 6, 7]
    assert all(same(a, b) for a, b in zip(straight[3:], streamed, strict=True))


def test_seeds_and_steps_differ(portraits):
    one = maker(portraits).make(0)
    assert not same(one, maker(portraits).make(1))
    assert not same(one, maker(portraits, seed=8).make(0))
    assert same(one, maker(portraits).make(0))


def test_memory_budget_changes_nothing_but_the_reads(portraits):
    assert same(maker(portraits).make(2), maker(portraits, budget=0).make(2))
    few, all_kept = Reads(), Reads()
    starved = faceset(portraits["hopper"], 4, budget=0, reads=few)
    kept = faceset(portraits["hopper"], 4, reads=all_kept)
    for index in [0, 1, 2, 3] * 3:
        starved.face(index)
        kept.face(index)
    assert (few.count, all_kept.count) == (12, 4)


def test_budget_is_not_exceeded(portraits):
    reads = Reads()
    first = faceset(portraits["hopper"], 1).face(0)
    some = faceset(portraits["hopper"], 4, budget=int(first.nbytes * 2.5), reads=reads)
    for index in [0, 1, 2, 3] * 2:
        some.face(index)
    assert reads.count == 4 + 2


def test_every_face_is_drawn_once_an_epoch(portraits, monkeypatch):
    made = maker(portraits, batch_size=1)
    drawn = []
    original = Faceset.face
    monkeypatch.setattr(Faceset, "face", lambda self, index: drawn.append((len(self), index)) or original(self, index))
    for step in range(15):
        made.make(step)
    for size in (5, 3):
        indices = [index for count, index in drawn if count == size]
        epochs = (
            list(itertools.batched(indices, size))
            if hasattr(itertools, "batched")
            else [tuple(indices[start : start + size]) for start in range(0, len(indices), size)]
        )
        assert all(sorted(epoch) == list(range(size)) for epoch in epochs)
        assert len(set(epochs)) > 1


def test_closing_the_stream_early_ends_its_threads(portraits):
    before = threading.active_count()
    stream = maker(portraits).stream(0, 1000, 3)
    next(stream)
    stream.close()
    assert threading.active_count() <= before


def test_an_error_in_a_worker_arrives_once(portraits):
    made = maker(portraits)

    def broken():
        raise OSError("disk gone")

    made.sets["source"].refs[2] = FaceRef("2", portraits["hopper"][1].landmarks, np.eye(2, 3), (512, 600), broken)
    with pytest.raises(OSError, match="disk gone"):
        list(made.stream(0, 5, 2))


def fail_inside():
    with single_threaded_opencv():
        assert cv2.getNumThreads() == 1
        raise ValueError("inside")


def test_opencv_threads_come_back():
    cv2.setNumThreads(2)
    with pytest.raises(ValueError, match="inside"):
        fail_inside()
    assert cv2.getNumThreads() == 2


def test_coverage(portraits):
    picture, face = portraits["hopper"]
    whole = FaceRef("a", face.landmarks, np.eye(2, 3), (picture.shape[1], picture.shape[0]), lambda: (picture, {}))
    assert covers(whole, CropPlan("half", 64, 64))
    assert covers(whole, CropPlan("full", 64, 64))
    assert not covers(whole, CropPlan("head", 64, 64))


def test_spread_is_even_and_bounded(portraits):
    faces = faceset(portraits["hopper"], 5)
    assert faces.spread(3) == [0, 2, 4]
    assert faces.spread(9) == [0, 1, 2, 3, 4]
