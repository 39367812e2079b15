"""The maskers pass the kit that every masker must, with weights made by hand that take skin for a face."""

from __future__ import annotations

import pytest

from fspp_core.testing import MaskerConformance
from fspp_mask_bisenet.schemes import FACESWAP, ORIGINAL

FILES = {}


@pytest.fixture(autouse=True, scope="module")
def _weights(skin_file):
    FILES["bisenet"] = skin_file(ORIGINAL)
    FILES["bisenet-face"] = FILES["bisenet-head"] = skin_file(FACESWAP)


class Checks(MaskerConformance):
    options = {"size": 128, "input_side": 128, "batch_size": 2}
    finds_drawn_face = True

    @classmethod
    def weights(cls):
        return {"made here": FILES[cls.component]}


class TestBiSeNet(Checks):
    component = "bisenet"


class TestBiSeNetFace(Checks):
    component = "bisenet-face"


class TestBiSeNetHead(Checks):
    component = "bisenet-head"
    options = {**Checks.options, "soft": True}
