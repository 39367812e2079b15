"""The maskers pass the kit that every masker must, with weights made by hand that take skin for a face."""

from __future__ import annotations

from pkgutil import resolve_name

import pytest

from fspp_core.testing import MaskerConformance
from fspp_mask_bisenet.schemes import FACESWAP, ORIGINAL

FILES = {}


class WithWeights:
    """The registry, but that maskers are built with the weights made here."""

    def __init__(self, registry):
        self.registry = registry

    def __getattr__(self, name):
        return getattr(self.registry, name)

    def build(self, kind, name, raw=None, *, preset=None):
        spec = self.registry.spec(kind, name)
        [file] = spec.weights
        return resolve_name(spec.factory)(
            self.registry.options(kind, name, raw, preset=preset), {file.name: FILES[name]}
        )


@pytest.fixture(autouse=True, scope="module")
def _weights(skin_file):
    FILES["bisenet"] = skin_file(ORIGINAL)
    FILES["bisenet-face"] = FILES["bisenet-head"] = skin_file(FACESWAP)


class Checks(MaskerConformance):
    options = {"size": 128, "input_side": 128, "batch_size": 2}
    finds_drawn_face = True

    @classmethod
    def registry(cls):
        return WithWeights(super().registry())


class TestBiSeNet(Checks):
    component = "bisenet"


class TestBiSeNetFace(Checks):
    component = "bisenet-face"


class TestBiSeNetHead(Checks):
    component = "bisenet-head"
    options = {**Checks.options, "soft": True}
