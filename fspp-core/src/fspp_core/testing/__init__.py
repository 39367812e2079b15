"""The conformance kit: a class per kind of component, to be subclassed by the tests of every plugin, ours and others'.

    from fspp_core.testing import DetectorConformance

    class TestMine(DetectorConformance):
        component = "mine"

Needs pytest and numpy only (`pip install fspp-core[testing]`); what is heavy is imported inside the checks.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fspp_core.testing.aligner import AlignerConformance
    from fspp_core.testing.base import Conformance
    from fspp_core.testing.color_transfer import ColorTransferConformance
    from fspp_core.testing.coverage import components_without_class
    from fspp_core.testing.detector import DetectorConformance
    from fspp_core.testing.loss import LossConformance
    from fspp_core.testing.masker import MaskerConformance
    from fspp_core.testing.model import ModelConformance
    from fspp_core.testing.optimizer import OptimizerConformance
    from fspp_core.testing.recognizer import RecognizerConformance
    from fspp_core.testing.run import CheckResult, run_checks
    from fspp_core.testing.schedule import ScheduleConformance

_HOMES = {
    "AlignerConformance": "aligner",
    "CheckResult": "run",
    "ColorTransferConformance": "color_transfer",
    "Conformance": "base",
    "DetectorConformance": "detector",
    "LossConformance": "loss",
    "MaskerConformance": "masker",
    "ModelConformance": "model",
    "OptimizerConformance": "optimizer",
    "RecognizerConformance": "recognizer",
    "ScheduleConformance": "schedule",
    "components_without_class": "coverage",
    "run_checks": "run",
}

__all__ = [
    "AlignerConformance",
    "CheckResult",
    "ColorTransferConformance",
    "Conformance",
    "DetectorConformance",
    "LossConformance",
    "MaskerConformance",
    "ModelConformance",
    "OptimizerConformance",
    "RecognizerConformance",
    "ScheduleConformance",
    "components_without_class",
    "run_checks",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if home not in ("run", "coverage"):
        import pytest

        modules = [f"{__name__}.{module}" for module in ("base", "crops", home)]
        pytest.register_assert_rewrite(*(module for module in modules if module not in sys.modules))
    return getattr(import_module(f"{__name__}.{home}"), name)
