"""S3FD passes the kit that every detector must, with weights made by hand that take skin for a face."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from fspp_core.testing import DetectorConformance
from fspp_core.testing.pictures import drawn_face
from fspp_detect_s3fd.detector import WEIGHTS
from fspp_detect_s3fd.shapes import HEADS, tensor_shapes

FACE = (60.0, 20.0, 150.0, 140.0)
FILES = {}


def skin_weights():
    """One channel is red less blue, blurred over half a face; only the fourth scale answers, where it is strong."""
    tensors = {name: np.zeros(shape, np.float32) for name, shape in tensor_shapes().items()}
    for name, kernel in tensors.items():
        if name.endswith("/kernel") and "_mbox_" not in name:
            kernel[kernel.shape[0] // 2, kernel.shape[1] // 2, 0, 0] = 1
    tensors["conv1_1/kernel"][1, 1, :, 0] = -1 / 64, 0, 1 / 64
    for name in ("conv5_1", "conv5_2", "conv5_3"):
        tensors[f"{name}/kernel"][:, :, 0, 0] = 1 / 9
    for level in HEADS:
        tensors[f"{level}_mbox_conf/bias"][:] = 10
        tensors[f"{level}_mbox_conf/bias"][-1] = -10
    tensors["fc7_mbox_conf/kernel"][1, 1, 0, 1] = 20
    tensors["fc7_mbox_conf/bias"][:] = 0, -10
    tensors["fc7_mbox_loc/bias"][:2] = -5  # its cells begin two before the picture: fc6 sees three rows of padding
    return tensors


@pytest.fixture(autouse=True, scope="module")
def _weights(tmp_path_factory):
    FILES[WEIGHTS] = tmp_path_factory.mktemp("weights") / "s3fd.safetensors"
    save_file(skin_weights(), FILES[WEIGHTS])


class TestS3FD(DetectorConformance):
    component = "s3fd"
    options = {"input_side": 256, "batch_size": 2}
    has_keypoints = False
    box_tolerance_px = 1e-3
    score_tolerance = 1e-4

    @classmethod
    def weights(cls):
        return FILES

    @classmethod
    def face_picture(cls):
        return drawn_face(160, 200, FACE), FACE
