"""Weights for the tests: those the peers were run with, and ones made by hand that see skin."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from fspp_detect_s3fd.convert import convert


@pytest.fixture(scope="session")
def peer_weights(golden, golden_weights, tmp_path_factory):
    """`peer_weights("fa_s3fd")` gives our tensors and the file that holds them."""
    made = {}

    def weights(name):
        if name not in made:
            tensors = convert(golden_weights(golden(name)[0]["manifest"]))
            path = tmp_path_factory.mktemp(name) / "s3fd.safetensors"
            save_file(tensors, path)
            made[name] = tensors, path
        return made[name]

    return weights


@pytest.fixture(scope="session")
def drawn():
    """`drawn(facts["inputs"]["in0"])` gives an input a peer was given."""

    def array(rule):
        values = np.random.default_rng(rule["seed"]).random(tuple(rule["shape"])) * (rule["hi"] - rule["lo"])
        return (values + rule["lo"]).astype(rule.get("dtype", "float32"))

    return array
