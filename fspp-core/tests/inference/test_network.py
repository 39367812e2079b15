"""A network and its engine: which shapes it takes and keeps, number formats, what is refused."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from fspp_core import backend
from fspp_core.errors import ConfigError, ShapeError
from fspp_core.inference import Network, keras_engine
from fspp_core.inference.keras_engine import KerasEngine


def build():
    """Two convolutions; their outputs, and None between them."""
    first = layers.Conv2D(8, 3, padding="same", activation="relu", kernel_initializer=_kernel(0))
    second = layers.Conv2D(4, 3, kernel_initializer=_kernel(1))

    def wire(x):
        x = first(x)
        return x, None, second(x)

    return wire


def _kernel(seed):
    return keras.initializers.RandomNormal(stddev=0.2, seed=seed)


def batch(*shape):
    return np.random.default_rng(0).random(shape, np.float32)


def test_every_shape_is_compiled_once_and_few_are_kept():
    network = Network(build, (None, None, 8, 3), kept=2)
    for count, height in ((1, 6), (2, 6), (1, 6), (1, 9), (1, 6)):
        features, scores = network(batch(count, height, 8, 3))
        assert features.shape == (count, height, 8, 8)
        assert scores.shape == (count, height - 2, 6, 4)
        assert features.dtype == scores.dtype == np.float32
    assert network.compiled_shapes == [(1, 9, 8, 3), (1, 6, 8, 3)]


def test_shapes_share_their_weights():
    network = Network(build, (None, 8, 8, 3))
    pictures = batch(2, 8, 8, 3)
    both, [alone] = network(pictures)[1], network(pictures[1:])[1]
    np.testing.assert_allclose(both[1], alone, rtol=1e-5, atol=1e-6)


def test_warm_up_compiles():
    network = Network(build, (None, 8, 8, 3))
    network.warm_up((2, 8, 8, 3))
    assert network.compiled_shapes == [(2, 8, 8, 3)]


@pytest.mark.parametrize("shape", [(3, 8, 8, 3), (2, 8, 7, 3), (2, 8, 8), (2, 8, 8, 3, 1)])
def test_other_shapes_are_refused(shape):
    network = Network(build, (2, None, 8, 3), name="seer")
    with pytest.raises(ShapeError, match=r"seer takes batches of \(2, any, 8, 3\); received \("):
        network(batch(*shape))


def test_values_that_are_not_finite_are_refused():
    network = Network(lambda: lambda x: [x, x / 0.0], (1, 8, 8, 3), name="seer")
    with pytest.raises(ShapeError, match="seer gave values that are not finite"):
        network(batch(1, 8, 8, 3))


def test_bfloat16_computes_in_it_and_gives_float32(monkeypatch, caplog):
    monkeypatch.setattr(backend, "cpu_has_bfloat16", lambda: backend.Capability(True, "it says so"))
    computed = []

    def watched():
        wire = build()
        computed.append(keras.config.dtype_policy().name)
        return wire

    before = keras.config.dtype_policy()
    pictures = batch(2, 8, 8, 3)
    exact = Network(watched, (2, 8, 8, 3))(pictures)
    with caplog.at_level(logging.INFO):
        rounded = Network(watched, (2, 8, 8, 3), name="seer", precision="bf16")(pictures)
    assert computed == ["float32", "mixed_bfloat16"]
    assert keras.config.dtype_policy() == before
    for ours, theirs in zip(rounded, exact, strict=True):
        assert ours.dtype == np.float32
        assert 0 < np.linalg.norm(ours - theirs) < 0.02 * np.linalg.norm(theirs)
    [record] = caplog.records
    assert record.message == f"seer: runs on keras ({keras.backend.backend()}), bf16"


def test_bfloat16_without_the_means_is_warned_about(monkeypatch, caplog):
    monkeypatch.setattr(backend, "cpu_has_bfloat16", lambda: backend.Capability(False, "it is a toaster"))
    monkeypatch.setattr(backend, "devices", lambda: [backend.DeviceInfo(name="CPU:0", kind="cpu")])
    Network(build, (2, 8, 8, 3), name="seer", precision="bf16")
    [warning] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert warning.message == "seer: bf16 will be slower than f32, and less exact: it is a toaster"
    caplog.clear()
    Network(build, (2, 8, 8, 3), name="seer")
    monkeypatch.setattr(backend, "devices", lambda: [backend.DeviceInfo(name="GPU:0", kind="gpu")])
    Network(build, (2, 8, 8, 3), name="seer", precision="bf16")
    assert not [record for record in caplog.records if record.levelno == logging.WARNING]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow has a graph of its own beside XLA")
@pytest.mark.parametrize(("kind", "chosen"), [("cpu", {"jit_compile": False}), ("gpu", {})])
def test_xla_is_left_out_on_processors_and_left_to_keras_elsewhere(monkeypatch, kind, chosen):
    monkeypatch.setattr(backend, "devices", lambda: [backend.DeviceInfo(name="X:0", kind=kind)])
    model = SimpleNamespace()
    monkeypatch.setattr(keras_engine, "functional", lambda wire, shape: model)
    KerasEngine(build, "f32").compiled((1, 8, 8, 3))
    assert vars(model) == chosen


def test_what_there_is_not():
    with pytest.raises(ConfigError, match="engine: expected keras or openvino; received 'steam'"):
        Network(build, (1, 8, 8, 3), engine="steam")
    with pytest.raises(ConfigError, match="precision: expected f32 or bf16; received 'f16'"):
        Network(build, (1, 8, 8, 3), precision="f16")
