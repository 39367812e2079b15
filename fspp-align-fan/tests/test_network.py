"""The network equals its peers' own, stack by stack."""

from __future__ import annotations

import numpy as np
import pytest

from fspp_align_fan.heatmaps import decode
from fspp_align_fan.network import fan
from fspp_align_fan.weights import convert
from fspp_core.inference import Network


def seen(rgb):
    """The pictures a peer was given as our network takes them."""
    return np.ascontiguousarray(rgb[..., ::-1]) * 255


@pytest.fixture(scope="module")
def maps(network, face_alignment):
    return network.predict_on_batch(seen(face_alignment.made("in0").transpose(0, 2, 3, 1)))


def test_every_stack_equals_face_alignment(engine, network, face_alignment):
    run = Network(lambda: network, (None, 256, 256, 3), name="fan", engine=engine)
    found = run(seen(face_alignment.made("in0").transpose(0, 2, 3, 1)))
    for stack in range(4):
        assert found[stack].shape == (1, 68, 64, 64)
        face_alignment.assert_maps(f"in0_heatmaps{stack}", found[stack])


def test_fewer_stacks_give_what_the_first_of_all_give(maps, face_alignment):
    two = fan(convert(face_alignment.weights), 2)
    found = two.predict_on_batch(seen(face_alignment.made("in0").transpose(0, 2, 3, 1)))
    np.testing.assert_allclose(found, maps[1], atol=1e-5)
    assert two.count_params() < 12.5e6


def test_bfloat16_moves_landmarks_little(engine, maps, face_alignment):
    """Of maps of random weights, which may have two cells all but equally high: most points, not all."""
    tensors = convert(face_alignment.weights)
    run = Network(lambda: fan(tensors, 1), (None, 256, 256, 3), name="fan", engine=engine, precision="bf16")
    [found] = run(seen(face_alignment.made("in0").transpose(0, 2, 3, 1)))
    assert found.dtype == np.float32
    assert 0 < np.linalg.norm(found - maps[0]) < 0.02 * np.linalg.norm(maps[0])
    far = np.linalg.norm(decode(found)[0] - decode(maps[0])[0], axis=-1)
    assert np.mean(far <= 0.5) > 0.8


def test_nothing_can_be_trained(network):
    assert network.trainable_variables == []
    assert network.count_params() < 23_820_176, "folding leaves fewer"
