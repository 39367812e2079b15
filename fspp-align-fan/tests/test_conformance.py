"""FAN passes the kit that every aligner must, with weights made by hand that take skin for a face."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from fspp_align_fan.weights import tensor_shapes
from fspp_core.testing import AlignerConformance
from fspp_core.testing.pictures import drawn_face, face_keypoints
from fspp_core.types import Detection

FILES = {}


def skin_weights():
    """A channel of red less blue, pooled, and four of it moved a coarse cell each; a fifth of the maps show each."""
    tensors = {name: np.zeros(shape, np.float32) for name, shape in tensor_shapes().items()}
    for name, tensor in tensors.items():
        if name.endswith("running_var") or (".weight" in name and tensor.ndim == 1):
            tensor[:] = 1
    tensors["conv1.weight"][3, 3, :, 0] = 1, 0, -1
    for name in ("conv2.downsample.2", "conv4.downsample.2"):
        tensors[f"{name}.weight"][0, 0, 0, 0] = 1
    for channel, (row, column) in enumerate(((1, 0), (1, 2), (0, 1), (2, 1)), start=1):
        tensors["m0.b1_1.conv1.weight"][row, column, 0, channel] = 1
    tensors["conv_last0.weight"][0, 0] = np.eye(256)
    for landmark in range(68):
        tensors["l0.weight"][0, 0, landmark % 5, landmark] = 1
    return tensors


@pytest.fixture(autouse=True, scope="module")
def _weights(tmp_path_factory):
    FILES["made here"] = tmp_path_factory.mktemp("weights") / "skin.safetensors"
    save_file(skin_weights(), FILES["made here"])


class Both(AlignerConformance):
    options = {"stacks": 1, "batch_size": 2}
    needs_keypoints = False
    translation_tolerance_px = 0.01

    @classmethod
    def weights(cls):
        return FILES

    @classmethod
    def faces(cls):
        """Far enough from the edges that the whole square around it moves with it."""
        box = (200.0, 180.0, 300.0, 310.0)
        face = Detection(box=np.array(box, np.float32), score=0.9, keypoints=face_keypoints(box))
        return drawn_face(500, 520, box), [face]


class TestFAN(Both):
    component = "fan"


class TestFAN3D(Both):
    component = "fan-3d"
    options = {"stacks": 1, "seed": "box", "decoder": "dark", "flip": True}
