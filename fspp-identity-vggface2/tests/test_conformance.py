"""The recognizers pass the kit that every recognizer must, with weights made by a rule."""

from __future__ import annotations

import pytest
from safetensors.numpy import save_file

from fspp_core.testing import RecognizerConformance
from fspp_identity_vggface2 import ir_tensors, vggface2_tensors
from fspp_identity_vggface2.recognizers import IR50Recognizer, IR101Recognizer, VGGFace2Recognizer

UNITS = (1, 2, 1, 1)
FILES = {}


class Small50(IR50Recognizer):
    units = UNITS


class Small101(IR101Recognizer):
    units = UNITS


CLASSES = {"vggface2": VGGFace2Recognizer, "ir-50": Small50, "ir-101": Small101}


class WithWeights:
    """The registry, but that recognizers are built with the weights made here; IR networks with few of their blocks."""

    def __init__(self, registry):
        self.registry = registry

    def __getattr__(self, name):
        return getattr(self.registry, name)

    def build(self, kind, name, raw=None, *, preset=None):
        options = self.registry.options(kind, name, raw, preset=preset)
        return CLASSES[name](options, {"made here": FILES["vggface2" if name == "vggface2" else "ir"]})


@pytest.fixture(autouse=True, scope="module")
def _weights(made, tmp_path_factory):
    shapes = {"vggface2": vggface2_tensors.tensor_shapes(), "ir": ir_tensors.tensor_shapes(UNITS)}
    for name, wanted in shapes.items():
        FILES[name] = tmp_path_factory.mktemp("weights") / f"{name}.safetensors"
        save_file(made(wanted), FILES[name])


class Recognizers(RecognizerConformance):
    dimensions = 512

    @classmethod
    def registry(cls):
        return WithWeights(super().registry())


class TestVGGFace2(Recognizers):
    component = "vggface2"
    options = {"batch_size": 2}


class TestIR50(Recognizers):
    component = "ir-50"
    options = {"batch_size": 2}


class TestIR101(Recognizers):
    component = "ir-101"
    options = {"flip": True}
