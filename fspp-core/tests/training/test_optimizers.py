"""Optimizer components pass their options on to Keras and take a rate that can be set."""

from __future__ import annotations

import numpy as np
import pytest

from fspp_core.training.optimizer_options import AdamOptions, AdamWOptions, RMSpropOptions
from fspp_core.training.optimizers import Adam, AdamW, RMSprop

CASES = [
    (Adam(AdamOptions(beta_1=0.5, beta_2=0.99, epsilon=1e-6)), {"beta_1": 0.5, "beta_2": 0.99, "epsilon": 1e-6}),
    (AdamW(AdamWOptions(weight_decay=0.1, clip_norm=2.0)), {"weight_decay": 0.1, "global_clipnorm": 2.0}),
    (RMSprop(RMSpropOptions(rho=0.8, momentum=0.3)), {"rho": 0.8, "momentum": 0.3, "epsilon": 1e-7}),
]


@pytest.mark.parametrize(("factory", "expected"), CASES)
def test_options_reach_keras(factory, expected):
    optimizer = factory.build(3e-4)
    config = optimizer.get_config()
    assert {key: config[key] for key in expected} == pytest.approx(expected)
    assert float(optimizer.learning_rate) == pytest.approx(3e-4)
    optimizer.learning_rate = 1e-5
    assert float(optimizer.learning_rate) == pytest.approx(1e-5)


@pytest.mark.parametrize("factory", [case[0] for case in CASES])
def test_each_build_is_fresh(factory):
    import keras

    variable = keras.Variable(np.ones(3, np.float32))
    first, second = factory.build(0.1), factory.build(0.1)
    assert first is not second
    first.apply([np.ones(3, np.float32)], [variable])
    assert int(first.iterations) == 1
    assert int(second.iterations) == 0
    assert (np.asarray(variable) < 1).all()
