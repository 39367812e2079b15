"""The network with the weights its peers' own were run with, and ones made by hand that see skin."""

from __future__ import annotations

import importlib.util
import zlib

import numpy as np
import pytest
from safetensors.numpy import save_file

from fspp_mask_bisenet.schemes import FACESWAP, ORIGINAL
from fspp_mask_bisenet.weights import convert, tensor_shapes

SCHEMES = {"zll_bisenet": ORIGINAL, "fs_bisenet_original": ORIGINAL, "fs_bisenet_faceswap": FACESWAP}


class Peer:
    """What a peer's network was given and gave; its weights as published and as ours."""

    def __init__(self, name, golden, golden_weights):
        self.facts, self.arrays = golden(name)
        self.outputs, self.scheme = self.facts["outputs"], SCHEMES[name]
        self.published = golden_weights(self.facts["manifest"])
        self.tensors = convert(self.published, len(self.scheme.classes))

    def seen(self, name):
        """BGR 0..255, (n, side, side, 3), of which our network makes what the peer was given."""
        rule = self.facts["inputs"][name]
        small, noise = drawn(rule["small"]), drawn(rule["noise"])
        given = small.repeat(8, 2).repeat(8, 3) + noise
        assert zlib.crc32(given.tobytes()) == rule["crc32"]
        rgb = given.transpose(0, 2, 3, 1) * np.array(self.scheme.deviation) + np.array(self.scheme.mean)
        return np.ascontiguousarray(rgb[..., ::-1] * 255, np.float32)


def drawn(rule):
    values = np.random.default_rng(rule["seed"]).random(rule["shape"]) * (rule["hi"] - rule["lo"]) + rule["lo"]
    return values.astype("float32")


@pytest.fixture(scope="session")
def peer(golden, golden_weights):
    """`peer("zll_bisenet")`."""
    made = {}

    def load(name):
        if name not in made:
            made[name] = Peer(name, golden, golden_weights)
        return made[name]

    return load


@pytest.fixture(scope="session")
def formats(repository):
    """Core's tests know how published files are written: `formats.write_pth(path, arrays)`, `formats.write_h5`."""
    place = repository / "fspp-core" / "tests" / "weights" / "conftest.py"
    spec = importlib.util.spec_from_file_location("fspp_bisenet_published", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def write_pth(formats):
    """`write_pth(path, arrays)`: a state dict as torch zips it."""
    return formats.write_pth


def skin_tensors(scheme, also=()):
    """Class 1 where there is more red than blue by a third of the range, `also` where there is as much more blue."""
    tensors = {name: np.zeros(shape, np.float32) for name, shape in tensor_shapes(len(scheme.classes)).items()}
    for name, tensor in tensors.items():
        if name.endswith("running_var") or (name.endswith(".weight") and tensor.ndim == 1):
            tensor[:] = 1
    red, _, blue = scheme.deviation
    balance = scheme.mean[0] - scheme.mean[2]
    for channel, sign in ((0, 1), (1, -1)):
        tensors["cp.resnet.conv1.weight"][3, 3, :, channel] = sign * red, 0, -sign * blue
        tensors["cp.resnet.bn1.bias"][channel] = sign * balance
        for name in ("cp.resnet.layer2.0.downsample.0.weight", "ffm.convblk.conv.weight"):
            tensors[name][0, 0, channel, channel] = 1
        tensors["conv_out.conv.conv.weight"][1, 1, channel, channel] = 2 / 3  # the attention has added a half
    tensors["conv_out.conv.bn.bias"][2] = 1
    tensors["conv_out.conv_out.weight"][0, 0, 2, 0] = 10  # background
    tensors["conv_out.conv_out.weight"][0, 0, 0, 1] = 60
    tensors["conv_out.conv_out.weight"][0, 0, 1, list(also)] = 60
    return tensors


@pytest.fixture(scope="session")
def skin_file(tmp_path_factory):
    """`skin_file(FACESWAP, also=(3,))`: a file of weights that tell red from blue."""

    def write(scheme, also=()):
        path = tmp_path_factory.mktemp("weights") / "bisenet.safetensors"
        save_file(skin_tensors(scheme, also), path)
        return path

    return write
