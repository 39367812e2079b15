"""XSeg passes the kit that every masker must, with weights made by hand that take skin for a face."""

from __future__ import annotations

import pytest

from fspp_core.testing import MaskerConformance
from fspp_mask_xseg.masker import XSegMasker

FILES = {}


class WithWeights:
    """The registry, but that XSeg is built with the weights made here."""

    def __init__(self, registry):
        self.registry = registry

    def __getattr__(self, name):
        return getattr(self.registry, name)

    def build(self, kind, name, raw=None, *, preset=None):
        return XSegMasker(self.registry.options(kind, name, raw, preset=preset), FILES)


@pytest.fixture(autouse=True, scope="module")
def _weights(skin_file):
    FILES.update(skin_file)


class TestXSeg(MaskerConformance):
    component = "xseg"
    options = {"batch_size": 2}
    finds_drawn_face = True

    @classmethod
    def registry(cls):
        return WithWeights(super().registry())
