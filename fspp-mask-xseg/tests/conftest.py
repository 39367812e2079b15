"""DeepFaceLab's network: what it was given and gave, its weights; and weights made by hand that see skin."""

from __future__ import annotations

import pickle
import zlib

import numpy as np
import pytest
from safetensors.numpy import save_file

from fspp_mask_xseg.weights import convert, tensor_shapes


class Peer:
    """The golden numbers; weights as published and as ours."""

    def __init__(self, facts, arrays, published):
        self.facts, self.arrays, self.published = facts, arrays, published
        self.tensors = convert(published)

    def given(self, name):
        """(1, 256, 256, 3) float32 BGR 0..1."""
        rule = self.facts["inputs"][name]
        drawn = np.random.default_rng(rule["seed"]).random(rule["shape"]) * (rule["hi"] - rule["lo"]) + rule["lo"]
        made = drawn.astype("float32")
        assert zlib.crc32(made.tobytes()) == rule["crc32"]
        return made.repeat(8, axis=1).repeat(8, axis=2) if "then" in rule else made

    def error(self, name, found):
        """Relative L2 difference to what DeepFaceLab gave."""
        assert list(found.shape) == self.facts["outputs"][name]["shape"]
        stored = self.arrays[name]
        return np.linalg.norm(found.ravel()[:: self.facts["outputs"][name]["stride"]] - stored) / np.linalg.norm(stored)


@pytest.fixture(scope="session")
def deepfacelab(golden, golden_weights):
    facts, arrays = golden("dfl_xseg")
    return Peer(facts, arrays, golden_weights(facts["manifest"]))


@pytest.fixture(scope="session")
def published(deepfacelab, tmp_path_factory):
    """The file as DeepFaceLab writes it: a pickled dict of arrays."""
    path = tmp_path_factory.mktemp("model") / "XSeg_256.npy"
    path.write_bytes(pickle.dumps(deepfacelab.published, 4))
    return path


@pytest.fixture(scope="session")
def peer_file(deepfacelab, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "XSeg_256.safetensors"
    save_file(deepfacelab.tensors, path)
    return {"XSeg_256": path}


@pytest.fixture(scope="session")
def skin_file(tmp_path_factory):
    """Weights that look at red less blue of each pixel, through the finest skip; norms all but do nothing."""
    tensors = {name: np.zeros(shape, np.float32) for name, shape in tensor_shapes().items()}
    for name, tensor in tensors.items():
        if "/frn/" in name and not name.endswith("bias"):
            tensor[:] = 1e6 if name.endswith("eps") else 1e3
    tensors["conv01/conv/weight"][1, 1, :, 0] = -1, 0, 1
    tensors["uconv02/conv/weight"][1, 1, 32, 0] = 1  # the first channel of the skip
    for name in ("conv02", "uconv01"):
        tensors[f"{name}/conv/weight"][1, 1, 0, 0] = 1
    tensors["out_conv/weight"][1, 1, 0, 0], tensors["out_conv/bias"][0] = 60, -10
    path = tmp_path_factory.mktemp("weights") / "skin.safetensors"
    save_file(tensors, path)
    return {"XSeg_256": path}
