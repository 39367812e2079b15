"""The recognizers pass the kit that every recognizer must, with weights made by a rule."""

from __future__ import annotations

import pytest
from safetensors.numpy import save_file

from fspp_core.testing import RecognizerConformance
from fspp_identity_vggface2 import ir_tensors, vggface2_tensors
from fspp_identity_vggface2.recognizers import IR50Recognizer, IR101Recognizer

UNITS = (1, 2, 1, 1)
FILES = {}


@pytest.fixture(autouse=True, scope="module")
def _weights(made, tmp_path_factory):
    shapes = {"vggface2": vggface2_tensors.tensor_shapes(), "ir": ir_tensors.tensor_shapes(UNITS)}
    for name, wanted in shapes.items():
        FILES[name] = tmp_path_factory.mktemp("weights") / f"{name}.safetensors"
        save_file(made(wanted), FILES[name])
    with pytest.MonkeyPatch.context() as patch:
        for recognizer in (IR50Recognizer, IR101Recognizer):
            patch.setattr(recognizer, "units", UNITS)  # IR networks with few of their blocks
        yield


class Recognizers(RecognizerConformance):
    dimensions = 512

    @classmethod
    def weights(cls):
        return {"made here": FILES["vggface2" if cls.component == "vggface2" else "ir"]}


class TestVGGFace2(Recognizers):
    component = "vggface2"
    options = {"batch_size": 2}


class TestIR50(Recognizers):
    component = "ir-50"
    options = {"batch_size": 2}


class TestIR101(Recognizers):
    component = "ir-101"
    options = {"flip": True}
