"""Core's own components pass the kit that everyone's must."""

from __future__ import annotations

import numpy as np

from fspp_core.testing import (
    AlignerConformance,
    ColorTransferConformance,
    LossConformance,
    MaskerConformance,
    OptimizerConformance,
    RecognizerConformance,
    ScheduleConformance,
)
from fspp_core.testing.pictures import flat


def _half_apart():
    true = flat(32, 32, 0)[None].astype(np.float32)
    predicted = true.copy()
    predicted[:, :16] = 0.5  # half of the pixels differ by one half
    return true, predicted


class TestKeypoints(AlignerConformance):
    component = "keypoints"
    needs_keypoints = True
    translation_tolerance_px = 0.01


class TestComponents(MaskerConformance):
    component = "components"
    finds_drawn_face = True


class TestExtended(MaskerConformance):
    component = "extended"
    finds_drawn_face = True


class TestDFLHull(MaskerConformance):
    component = "dfl-hull"
    finds_drawn_face = True


class TestEyes(MaskerConformance):
    component = "eyes"


class TestMouth(MaskerConformance):
    component = "mouth"


class TestCustom(MaskerConformance):
    component = "custom"


class TestHogColor(RecognizerConformance):
    component = "hog-color"
    dimensions = 220


class TestDSSIM(LossConformance):
    component = "dssim"

    @classmethod
    def known(cls):
        black, white = (flat(32, 32, value)[None].astype(np.float32) / 255 for value in (0, 255))
        luminance = 0.01**2 / (1 + 0.01**2)  # flat pictures have no structure to differ in
        return [(black, white, (1 - luminance) / 2), (white, white, 0.0)]


class TestMAE(LossConformance):
    component = "mae"

    @classmethod
    def known(cls):
        return [(*_half_apart(), 0.25)]


class TestMSE(LossConformance):
    component = "mse"

    @classmethod
    def known(cls):
        return [(*_half_apart(), 0.125)]


class TestConstant(ScheduleConformance):
    component = "constant"
    known = {(0, 100): 1.0, (99, 100): 1.0, (500, 100): 1.0}


class TestCosine(ScheduleConformance):
    component = "cosine"
    options = {"warmup": 10, "floor": 0.2}
    known = {(0, 110): 0.1, (9, 110): 1.0, (10, 110): 1.0, (60, 110): 0.6, (110, 110): 0.2, (10**6, 110): 0.2}


class TestAdam(OptimizerConformance):
    component = "adam"


class TestAdamW(OptimizerConformance):
    component = "adamw"


class TestRMSprop(OptimizerConformance):
    component = "rmsprop"


class TestNoTransfer(ColorTransferConformance):
    component = "none"
    keeps_equal_colors = 0.0


class TestMean(ColorTransferConformance):
    component = "mean"
    nears_the_reference = True


class TestRCT(ColorTransferConformance):
    component = "rct"
    nears_the_reference = True
