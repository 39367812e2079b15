"""Weights under every name they are published with, and what is said of wrong ones."""

from __future__ import annotations

import re
import zlib
from pkgutil import resolve_name

import numpy as np
import pytest
from safetensors.numpy import save_file

from fspp_align_fan.plugin import fspp_aligners
from fspp_align_fan.weights import convert, load, tensor_shapes
from fspp_core.errors import PluginError, WeightsError


def to_faceswap(name):
    name = re.sub(r"^(m\d\.b\d(?:_plus)?_\d)\.", r"\1_0.", name)
    return re.sub(r"^top_m_(\d)\.", r"top_m0_\1.", name)


@pytest.fixture(scope="module")
def ours(face_alignment):
    return convert(face_alignment.weights)


def test_the_table_counts_what_the_network_has():
    shapes = tensor_shapes()
    trained = {n: s for n, s in shapes.items() if not n.endswith(("running_mean", "running_var"))}
    assert sum(int(np.prod(shape)) for shape in trained.values()) == 23_820_176
    assert set(tensor_shapes(1)) < set(tensor_shapes(2)) < set(tensor_shapes(3)) < set(shapes)


def test_specs_say_what_converts_their_weights():
    weights = [file for spec in fspp_aligners() for file in spec.weights]
    assert [file.name for file in weights] == ["2dfan4", "3dfan4"]
    for file in weights:
        assert resolve_name(file.convert) is convert
        assert all(file.sha256[:10] in url for url in file.urls), "upstream puts the hash in the name"


def test_torch_names(face_alignment, ours):
    assert {name: array.shape for name, array in ours.items()} == tensor_shapes()
    assert all(array.dtype == np.float32 and array.flags.c_contiguous for array in ours.values())
    name = "m2.b1_3.conv2.weight"
    np.testing.assert_array_equal(ours[name][1, 2], face_alignment.weights[name][:, :, 1, 2].T)


def test_faceswap_names(face_alignment, ours):
    theirs = {to_faceswap(name): array for name, array in face_alignment.weights.items()}
    assert "m0.b2_plus_1_0.conv1.weight" in theirs
    assert "top_m0_3.bn1.bias" in theirs
    found = convert(theirs)
    assert {n: zlib.crc32(a) for n, a in found.items()} == {n: zlib.crc32(a) for n, a in ours.items()}


@pytest.mark.parametrize(
    ("theirs", "name"),
    [
        ("conv1/weight:0", "conv1.weight"),
        ("conv4/down_bn1/running_var:0", "conv4.downsample.0.running_var"),
        ("conv4/down_conv1/weight:0", "conv4.downsample.2.weight"),
        ("m_3/b1/bn1/bias:0", "m3.b1_4.bn1.bias"),
        ("m_1/b2_plus/b2_plus/b2_plus/b3/conv2/weight:0", "m1.b3_1.conv2.weight"),
        ("m_1/b2_plus/b2_plus/b2_plus/b2_plus/conv2/weight:0", "m1.b2_plus_1.conv2.weight"),
        ("m_0/b2_plus/b2/conv3/weight:0", "m0.b2_3.conv3.weight"),
        ("top_m_2/conv1/weight:0", "top_m_2.conv1.weight"),
        ("conv_last_2/bias:0", "conv_last2.bias"),
        ("bn_end_0/weight:0", "bn_end0.weight"),
        ("al_1/weight:0", "al1.weight"),
    ],
)
def test_deepfacelab_names(deepfacelab, theirs, name):
    np.testing.assert_array_equal(convert(deepfacelab.weights)[name], deepfacelab.weights[theirs])


def test_only_the_stacks_that_run_are_read(weights_file):
    assert set(load(weights_file, 2)) == set(tensor_shapes(2))


def test_missing_and_unknown_and_misshapen_tensors_are_named(face_alignment):
    raw = face_alignment.weights
    with pytest.raises(
        WeightsError, match=r"not the weights of FAN: l3\.bias is missing; expected a FAN with four stacks"
    ):
        convert({name: array for name, array in raw.items() if name != "l3.bias"})
    with pytest.raises(WeightsError, match=r"m9\.b1_4 is unknown"):
        convert({**raw, "m9.b1_4": np.zeros(3)})
    with pytest.raises(WeightsError, match=r"bn1\.bias has shape \(3,\) instead of \(64,\)"):
        convert({**raw, "bn1.bias": np.zeros(3)})
    with pytest.raises(WeightsError, match=r"top_m_0\.bn1\.bias comes twice"):
        convert({**raw, "top_m0_0.bn1.bias": raw["top_m_0.bn1.bias"]})
    with pytest.raises(WeightsError, match=r"conv1\.weight is missing; .* and 9\d\d more"):
        convert({})


def test_files_that_are_not_the_weights_are_named(tmp_path):
    with pytest.raises(PluginError, match=r"aligner fan: .*none\.safetensors: cannot be read"):
        load(tmp_path / "none.safetensors")
    damaged = tmp_path / "damäged.safetensors"
    damaged.write_bytes(b"\x20" * 40)
    with pytest.raises(PluginError, match=r"dam.*fetch or import the weights again"):
        load(damaged)
    other = tmp_path / "other.safetensors"
    save_file({"conv1.weight": np.zeros((7, 7, 3, 64), np.float32)}, other)
    with pytest.raises(PluginError, match=r"other\.safetensors does not hold its weights: conv1\.bias is missing"):
        load(other)
