"""OpenVINO: the same numbers as Keras, an export that is kept and checked, nothing sent to anybody."""

from __future__ import annotations

import importlib.util
import logging
import sys

import keras
import numpy as np
import pytest
from keras import layers

from fspp_core.errors import PluginError, ShapeError
from fspp_core.inference import Network
from fspp_core.inference.export_cache import cache_folder

needs_openvino = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="openvino is not installed: pip install 'fspp-core[openvino]'"
)
OUTPUTS = 12  # with more than ten, names in the order of the alphabet are not in the order of numbers


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "çache"
    monkeypatch.setenv("FSPP_CACHE_DIR", str(folder))
    return folder / "openvino"


class Built:
    """Layers with weights from a seed; counts how often they are made."""

    def __init__(self, seed=0):
        self.seed, self.times = seed, 0

    def __call__(self):
        self.times += 1
        made = [layers.Conv2D(4, 3, padding="same", kernel_initializer=self._kernel(n)) for n in range(OUTPUTS)]

        def wire(x):
            return [keras.ops.tanh(layer(x)) for layer in made]

        return wire

    def _kernel(self, number):
        return keras.initializers.RandomNormal(stddev=0.2, seed=OUTPUTS * self.seed + number)


def batch(*shape):
    return np.random.default_rng(0).random(shape, np.float32)


def openvino(built, **more):
    return Network(built, (None, None, None, 3), engine="openvino", **{"name": "seer", "made_of": ["a"], **more})


@needs_openvino
def test_the_same_as_keras_at_all_shapes_from_one_export(cache, caplog):
    built = Built()
    exact = Network(built, (None, None, None, 3))
    with caplog.at_level(logging.INFO):
        network = openvino(built)
    assert caplog.records[0].message.startswith("seer: runs on openvino 20")
    assert caplog.records[0].message.endswith(", f32")
    for shape in ((1, 8, 10, 3), (4, 8, 10, 3), (2, 5, 7, 3)):
        pictures = batch(*shape)
        for ours, theirs in zip(network(pictures), exact(pictures), strict=True):
            assert ours.dtype == np.float32
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert len(list(cache.iterdir())) == 1
    with pytest.raises(ShapeError, match="not finite"):
        network(np.full((1, 8, 10, 3), np.inf, np.float32))


@needs_openvino
def test_bfloat16_is_near_and_gives_float32():
    built, pictures = Built(), batch(2, 16, 16, 3)
    exact, rounded = openvino(built)(pictures), openvino(built, precision="bf16")(pictures)
    differences = [np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(rounded, exact, strict=True)]
    assert max(differences) < 0.02
    assert all(output.dtype == np.float32 for output in rounded)


@needs_openvino
def test_an_export_is_made_once_and_for_what_it_was_made_of(cache, tmp_path):
    weights = tmp_path / "weights.bin"
    weights.write_bytes(b"1")
    pictures, built = batch(1, 8, 8, 3), Built()
    first = openvino(built, made_of=[weights])(pictures)
    again = Built(seed=1)  # is not asked: what it would be made of is the same
    second = openvino(again, made_of=[weights], precision="bf16")(pictures)
    assert (built.times, again.times) == (1, 0)
    np.testing.assert_allclose(second[0], first[0], atol=0.05)
    weights.write_bytes(b"2")
    other = openvino(again, made_of=[weights])(pictures)
    assert again.times == 1
    assert np.abs(other[0] - first[0]).max() > 0.1
    assert len(list(cache.iterdir())) == 2
    openvino(built, made_of=[])(pictures)
    assert len(list(cache.iterdir())) == 2


@needs_openvino
@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "other"])
def test_a_damaged_export_is_made_again(cache, caplog, damage):
    built, pictures = Built(), batch(1, 8, 8, 3)
    expected = openvino(built)(pictures)
    [path] = cache.iterdir()
    content = path.read_bytes()
    where = len(content) * 3 // 4  # among the constants, which come after the graph
    path.write_bytes(
        {
            "cut": content[: len(content) // 2],
            "changed": content[:where] + bytes([content[where] ^ 1]) + content[where + 1 :],
            "empty": b"",
            "other": b"[]",
        }[damage]
    )
    np.testing.assert_array_equal(openvino(built)(pictures)[0], expected[0])
    assert built.times == 2
    assert "is damaged and will be made again" in caplog.text
    openvino(built)(pictures)
    assert built.times == 2


@needs_openvino
def test_a_cache_that_cannot_be_written_is_no_hindrance(cache, caplog):
    cache.parent.mkdir()
    cache.write_text("a file where the folder should be")
    assert len(openvino(Built())(batch(1, 8, 8, 3))) == OUTPUTS
    assert "cannot be written, so the network will be exported again" in caplog.text


@needs_openvino
def test_what_cannot_be_exported_is_named(cache, monkeypatch):
    def fail(self, *_, **__):
        raise LookupError("no conversion rule for Fancy")

    monkeypatch.setattr(keras.Model, "export", fail)
    with pytest.raises(
        PluginError, match=r"seer: cannot be exported for openvino from Keras on .*: no conversion rule"
    ):
        openvino(Built())(batch(1, 8, 8, 3))
    assert not cache.exists()


@needs_openvino
def test_an_export_that_computes_something_else_is_refused(cache):
    def build():
        times = []

        def wire(x):
            times.append(1)
            return x + float(len(times))

        return wire

    with pytest.raises(PluginError, match=r"seer: its export for openvino computes something else \(output 0 differs"):
        openvino(build)(batch(1, 8, 8, 3))
    assert not cache.exists()


@needs_openvino
def test_its_makers_are_told_nothing():
    openvino(Built())(batch(1, 8, 8, 3))
    assert not [name for name in sys.modules if name.startswith("openvino_telemetry")]


def test_without_the_package_the_cure_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(PluginError, match=r"pip install 'fspp-core\[openvino\]', or use the engine keras"):
        openvino(Built())


def test_the_cache_lies_where_the_system_has_them(monkeypatch, tmp_path):
    assert cache_folder() == tmp_path / "çache"
    monkeypatch.delenv("FSPP_CACHE_DIR")
    assert "fspp" in cache_folder().parts
    assert cache_folder().is_absolute()
