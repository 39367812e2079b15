"""The network equals DeepFaceLab's, with its skips and without."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from fspp_mask_xseg.network import assign, variables, xseg
from fspp_mask_xseg.weights import tensor_shapes


@pytest.fixture(scope="module")
def network(deepfacelab):
    return xseg(deepfacelab.tensors)


@pytest.mark.parametrize("name", ["in0", "in1"])
def test_logits_and_masks_equal_deepfacelab(network, deepfacelab, name):
    logits = np.asarray(network.predict_on_batch(deepfacelab.given(name)))
    assert deepfacelab.error(f"{name}_logits", logits) < 1e-4
    assert deepfacelab.error(f"{name}_mask", 1 / (1 + np.exp(-logits))) < 1e-5


def test_without_skips_it_is_what_deepfacelab_pretrains(deepfacelab):
    pretrained = xseg(deepfacelab.tensors, skips=False)
    for name in ("in0", "in1"):
        logits = np.asarray(pretrained.predict_on_batch(deepfacelab.given(name)))
        assert deepfacelab.error(f"{name}_pretrain_logits", logits) < 1e-4


def test_variables_are_those_of_the_file(network, deepfacelab):
    found = variables(network)
    assert {name: tuple(variable.shape) for name, variable in found.items()} == tensor_shapes()
    for name, variable in found.items():
        np.testing.assert_array_equal(np.asarray(variable), deepfacelab.tensors[name])


def test_fresh_weights_can_be_trained_and_given_others(deepfacelab):
    fresh = xseg()
    assert len(fresh.trainable_variables) == len(tensor_shapes())
    assign(fresh, deepfacelab.tensors)
    logits = np.asarray(fresh.predict_on_batch(deepfacelab.given("in1")))
    assert deepfacelab.error("in1_logits", logits) < 1e-4


def test_it_is_the_same_after_saving(network, deepfacelab, tmp_path):
    network.save(tmp_path / "xseg.keras")
    again = keras.saving.load_model(tmp_path / "xseg.keras")
    logits = np.asarray(again.predict_on_batch(deepfacelab.given("in1")))
    assert deepfacelab.error("in1_logits", logits) < 1e-4
