"""XSeg passes the kit that every masker must, with weights made by hand that take skin for a face."""

from __future__ import annotations

import pytest

from fspp_core.testing import MaskerConformance

FILES = {}


@pytest.fixture(autouse=True, scope="module")
def _weights(skin_file):
    FILES.update(skin_file)


class TestXSeg(MaskerConformance):
    component = "xseg"
    options = {"batch_size": 2}
    finds_drawn_face = True

    @classmethod
    def weights(cls):
        return FILES
