"""Options: light to import, checked, and the losses line read."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fspp_core.errors import ConfigError
from fspp_core.options import parse_options
from fspp_core.training.options import TrainOptions, loss_weights


def test_options_import_nothing_heavy():
    code = (
        "import sys, fspp_core.training, fspp_core.training.options, fspp_core.training.loss_options, "
        "fspp_core.training.schedule_options, fspp_core.training.optimizer_options\n"
        "print([name for name in ('numpy', 'keras', 'tensorflow', 'cv2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_face_types_are_geometrys():
    from fspp_core.geometry import FACE_TYPES
    from fspp_core.options import schema_of

    assert tuple(schema_of(TrainOptions)["properties"]["face_type"]["enum"]) == FACE_TYPES


def test_defaults_are_valid():
    assert parse_options(TrainOptions, {}) == TrainOptions()


def test_faults_are_listed_together():
    with pytest.raises(ConfigError) as caught:
        parse_options(TrainOptions, {"steps": 0, "face_typ": "full", "warp": float("nan")}, where="train.")
    message = str(caught.value)
    assert "train.steps" in message
    assert "did you mean 'face_type'" in message
    assert "train.warp" in message


def test_loss_weights():
    assert loss_weights(("dssim=2", " mae = 0.5", "mse")) == {"dssim": 2.0, "mae": 0.5, "mse": 1.0}


@pytest.mark.parametrize("word", ["=1", "mae=x", "mae=0", "mae=-1", "mae=inf", ""])
def test_wrong_loss_words_are_named(word):
    with pytest.raises(ConfigError, match="name=weight"):
        loss_weights((word,))


def test_doubled_or_missing_losses_are_refused():
    with pytest.raises(ConfigError, match="twice"):
        loss_weights(("mae", "mae=2"))
    with pytest.raises(ConfigError, match="at least one"):
        loss_weights(())
