"""The network with the weights peers' own networks were run with, built once a session."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from fspp_align_fan.network import fan
from fspp_align_fan.weights import convert


class Peer:
    """What a peer's network was given and gave; its weights."""

    def __init__(self, facts, arrays, weights):
        self.facts, self.arrays, self.weights = facts, arrays, weights
        self.outputs = facts["outputs"]

    def made(self, name, rule=None):
        rule = self.facts["inputs"][name] if rule is None else rule
        values = np.random.default_rng(rule["seed"]).random(rule["shape"]) * (rule["hi"] - rule["lo"]) + rule["lo"]
        return values.astype(rule.get("dtype", "float32"))

    def assert_maps(self, name, maps):
        stored = self.arrays[name]
        found = maps.ravel()[:: self.outputs[name]["stride"]]
        assert np.linalg.norm(found - stored) < 1e-4 * np.linalg.norm(stored)


@pytest.fixture(scope="session")
def peer(golden, golden_weights):
    def load(name):
        facts, arrays = golden(name)
        return Peer(facts, arrays, golden_weights(facts["manifest"]))

    return load


@pytest.fixture(scope="session")
def face_alignment(peer):
    return peer("fa_fan")


@pytest.fixture(scope="session")
def deepfacelab(peer):
    return peer("dfl_fan")


@pytest.fixture(scope="session")
def network(face_alignment):
    """All four stacks and the maps of each, with the weights of `face_alignment`."""
    return fan(convert(face_alignment.weights), every_stack=True)


@pytest.fixture(scope="session")
def weights_file(deepfacelab, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "2DFAN4.safetensors"
    save_file(convert(deepfacelab.weights), path)
    return path
