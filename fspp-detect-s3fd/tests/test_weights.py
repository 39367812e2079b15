"""Weights from both publishers become ours; anything else is refused by name."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from fspp_core.errors import PluginError, WeightsError
from fspp_detect_s3fd.convert import convert, load
from fspp_detect_s3fd.detector import S3FDDetector
from fspp_detect_s3fd.options import S3FDOptions
from fspp_detect_s3fd.plugin import fspp_detectors
from fspp_detect_s3fd.shapes import tensor_shapes


@pytest.fixture(scope="module")
def ours():
    rng = np.random.default_rng(0)
    return {name: rng.random(shape, np.float32) for name, shape in tensor_shapes().items()}


def as_published(ours, publisher):
    """The same numbers under the names, and in the layouts, of a publisher."""
    found = {}
    for name, array in ours.items():
        layer, _, part = name.rpartition("/")
        part = {"kernel": "weight", "scale": "weight", "bias": "bias"}[part]
        if publisher == "torch":
            found[f"{layer}.{part}"] = array.transpose(3, 2, 0, 1) if array.ndim == 4 else array
        else:
            found[f"{layer}/{part}:0"] = array.reshape(1, 1, 1, -1) if name.endswith("scale") else array
    return found


def test_as_many_numbers_as_the_peers_have():
    """Faceswap counts 22,459,110 too."""
    assert sum(int(np.prod(shape)) for shape in tensor_shapes().values()) == 22_459_110


@pytest.mark.parametrize("publisher", ["torch", "leras"])
def test_published_weights_become_ours(ours, publisher):
    found = convert(as_published(ours, publisher))
    assert set(found) == set(ours)
    for name, array in found.items():
        np.testing.assert_array_equal(array, ours[name])
        assert array.dtype == np.float32
        assert array.flags.c_contiguous


@pytest.mark.parametrize("name", ["fa_s3fd", "dfl_s3fd"])
def test_the_peers_own_names_are_understood(golden, name):
    manifest = golden(name)[0]["manifest"]
    found = convert({entry["key"]: np.zeros(entry["shape"], np.float32) for entry in manifest})
    assert {key: array.shape for key, array in found.items()} == tensor_shapes()


def test_all_faults_are_named(ours):
    raw = as_published(ours, "torch")
    del raw["conv2_1.bias"]
    raw["fc7.weight"] = raw["fc7.weight"][:5]
    raw["tail.running_mean"] = np.zeros(3)
    raw["tail.weight"] = np.zeros(3)
    with pytest.raises(WeightsError, match="not the weights of S3FD") as caught:
        convert(raw)
    for words in (
        "conv2_1/bias is missing",
        "tail.running_mean is unknown",
        "tail/kernel is unknown",
        r"fc7/kernel has shape (1, 1, 1024, 5) instead of (1, 1, 1024, 1024)",
    ):
        assert words in str(caught.value)
    with pytest.raises(WeightsError, match=r"conv1_1/kernel is missing; .* and \d+ more"):
        convert({})


def test_weights_come_back_from_disk_whole_or_not_at_all(ours, tmp_path):
    whole, other = tmp_path / "Gewichte ä.safetensors", tmp_path / "other.safetensors"
    save_file(ours, whole)
    assert set(load(whole)) == set(ours)
    save_file({name: array for name, array in ours.items() if name != "fc6/bias"}, other)
    with pytest.raises(PluginError, match=r"detector s3fd: .*other.* does not hold its weights: fc6/bias is missing;"):
        load(other)


def test_a_detector_without_weights_is_refused():
    with pytest.raises(PluginError, match=r"needs its weights s3fd; received: none"):
        S3FDDetector(S3FDOptions(), {})


def test_the_file_is_known_by_what_is_published():
    [spec] = fspp_detectors()
    [file] = spec.weights
    assert file.convert == "fspp_detect_s3fd.convert:convert"
    assert file.sha256 in file.urls[0]
