"""Batches over frames: order, places, bounded waiting; and a network that computes every place alike."""

from __future__ import annotations

import numpy as np
import pytest

from fspp_core.conversion.faces import FaceJob, FrameJob, Recipe
from fspp_core.conversion.masking import MaskPlan
from fspp_core.conversion.swapping import FRAMES_A_BATCH, Swapper
from fspp_core.errors import ShapeError
from fspp_core.masks import MaskShape, parse_mask
from fspp_core.progress import Timings
from fspp_core.types import Frame

SIZE = 4


def recipe(mask="none"):
    return Recipe(
        face_type="full",
        input_size=SIZE,
        output_size=SIZE,
        channel_order="bgr",
        masks=MaskPlan(expression=parse_mask(mask)),
        smooth=0,
        color=None,
        shape=MaskShape(),
        opacity=1.0,
    )


def jobs(counts, face, mask="none"):
    """Frames with so many faces each; a face's input holds its number."""
    number = 0
    for index, count in enumerate(counts):
        frame = Frame(index=index, name=str(index), image=np.zeros((4, 4, 3), np.uint8))
        faces = []
        for _ in range(count):
            pixels = np.full((SIZE, SIZE, 3), number / 1000, np.float32)
            node = parse_mask(mask).at(0)
            faces.append(
                FaceJob(face=face, number=number, matrix=np.eye(2, 3), input=pixels, reference=None, mask=node)
            )
            number += 1
        yield FrameJob(frame, faces)


@pytest.fixture
def face(tools, astronaut):
    return tools.poses(astronaut, 1)[1][0]


@pytest.mark.parametrize(
    "counts", [[1] * 9, [0, 0, 3, 0, 7, 1, 0, 0, 0, 5], [9], [0] * 30 + [1] + [0] * 30, [0, 0], []]
)
@pytest.mark.parametrize("batch", [1, 2, 4])
def test_every_face_is_swapped_once_and_frames_keep_their_order(counts, batch, face):
    seen = []

    def network(inputs):
        assert inputs.shape == (batch, SIZE, SIZE, 3)
        seen.append(inputs[:, 0, 0, 0].copy())
        return [inputs + 0.5]

    result = list(Swapper(network, batch, recipe(), Timings()).run(jobs(counts, face)))
    assert [job.frame.index for job in result] == list(range(len(counts)))
    assert [len(job.faces) for job in result] == counts
    for job in result:
        for one in job.faces:
            np.testing.assert_allclose(one.swapped, one.number / 1000 + 0.5, atol=1e-6)
            assert one.input is None
    places = [(round(v * 1000), place) for inputs in seen for place, v in enumerate(inputs) if v > 0]
    assert sorted(number for number, _ in places) == list(range(1, sum(counts)))
    assert all(place == number % batch for number, place in places)


def test_frames_do_not_pile_up_behind_a_batch_that_does_not_fill(face):
    batch, taken = 3, []

    def source():
        for job in jobs([1] + [0] * 100 + [1] + [0] * 100, face):
            taken.append(job.frame.index)
            yield job

    for job in Swapper(lambda inputs: [inputs], batch, recipe(), Timings()).run(source()):
        assert len(taken) - job.frame.index <= FRAMES_A_BATCH * batch
    assert len(taken) == 202


def test_a_learned_mask_comes_with_its_face(face):
    def network(inputs):
        return [inputs, inputs[..., :1] * 2]

    (job,) = Swapper(network, 2, recipe("learned"), Timings()).run(jobs([2], face, "learned"))
    for one in job.faces:
        [layer] = one.layers.values()
        np.testing.assert_allclose(layer.image, one.number / 500, atol=1e-6)
        assert layer.image.shape == (SIZE, SIZE)


def test_a_network_of_another_size_is_refused(face):
    swapper = Swapper(lambda inputs: [inputs[:, 1:]], 2, recipe(), Timings())
    with pytest.raises(ShapeError, match=r"faces of \(2, 4, 4, 3\); received \(2, 3, 4, 3\)"):
        list(swapper.run(jobs([1], face)))


def test_closing_early_closes_what_comes_before(face):
    closed = []

    def source():
        try:
            yield from jobs([1] * 10, face)
        finally:
            closed.append(True)

    running = Swapper(lambda inputs: [inputs], 2, recipe(), Timings()).run(source())
    next(running)
    running.close()
    assert closed == [True]


def test_a_place_in_a_batch_computes_alike_whatever_is_beside_it():
    """What resuming to equal bits rests on, for the layers that swapping models are made of."""
    from keras import layers

    from fspp_core.inference import Network

    def wire(x):
        for filters in (16, 32):
            x = layers.LeakyReLU(0.1)(layers.Conv2D(filters, 5, 2, padding="same")(x))
        x = layers.Dense(200)(layers.Flatten()(x))
        x = layers.Reshape((8, 8, 32))(layers.Dense(8 * 8 * 32)(x))
        x = layers.UpSampling2D(4)(layers.Conv2D(24, 3, padding="same")(x))
        return layers.Conv2D(3, 5, padding="same", activation="sigmoid")(x), None

    network = Network(lambda: wire, (8, 32, 32, 3))
    batch = np.random.default_rng(0).random((8, 32, 32, 3), np.float32)
    (whole,) = network(batch)
    assert whole.shape == (8, 32, 32, 3)
    assert whole.dtype == np.float32
    for start, stop in ((0, 3), (3, 8), (5, 6)):
        part = np.zeros_like(batch)
        part[start:stop] = batch[start:stop]
        np.testing.assert_array_equal(network(part)[0][start:stop], whole[start:stop])
    with pytest.raises(ShapeError, match=r"batches of \(8, 32, 32, 3\); received \(7, 32, 32, 3\)"):
        network(batch[:7])
    with pytest.raises(ShapeError, match="not finite"):
        network(np.full_like(batch, np.nan))
