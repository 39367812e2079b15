"""DeepFaceLab's file through the store, and what is said of wrong ones."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from fspp_core.cli import make_cli
from fspp_core.errors import PluginError, WeightsError
from fspp_core.weights import WeightStore
from fspp_mask_xseg.masker import XSegMasker
from fspp_mask_xseg.options import XSegOptions
from fspp_mask_xseg.weights import convert, load, tensor_shapes


def weights(*words):
    make_cli().main(["weights", *map(str, words)], standalone_mode=False)


def test_the_tables_are_deepfacelabs(deepfacelab):
    manifest = deepfacelab.facts["manifest"]
    assert {entry["key"].removesuffix(":0"): tuple(entry["shape"]) for entry in manifest} == tensor_shapes()


def test_the_file_is_imported(deepfacelab, published, tmp_path, monkeypatch, capsys):
    """Known by its name, read without running it, kept to the last bit."""
    monkeypatch.setenv("FSPP_WEIGHTS_DIR", str(tmp_path / "störe"))
    weights("import", published)
    assert "222 tensors from pickled arrays" in capsys.readouterr().out
    kept = load_file(WeightStore().path("XSeg_256"))
    assert kept.keys() == tensor_shapes().keys()
    for name, array in kept.items():
        np.testing.assert_array_equal(array, deepfacelab.published[f"{name}:0"])


def test_another_file_is_imported_by_the_maskers_name(published, tmp_path, monkeypatch):
    monkeypatch.setenv("FSPP_WEIGHTS_DIR", str(tmp_path / "store"))
    mine = tmp_path / "my masks.npy"
    mine.write_bytes(published.read_bytes())
    weights("import", mine, "--as", "xseg")
    weights("verify", "xseg")


def test_other_networks_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("FSPP_WEIGHTS_DIR", str(tmp_path / "store"))
    other = tmp_path / "encoder.npy"
    other.write_bytes(pickle.dumps({"down1/downs_0/conv1/weight:0": np.zeros((5, 5, 3, 8), np.float32)}, 4))
    with pytest.raises(
        WeightsError, match=r"not the weights of XSeg: down1/downs_0/conv1/weight is unknown.*and \d+ m"
    ):
        weights("import", other, "--as", "xseg")
    assert not WeightStore().path("XSeg_256").exists()


def test_all_faults_are_named(deepfacelab):
    raw = dict(deepfacelab.published)
    del raw["dense1/bias:0"]
    raw["out_conv/bias:0"] = np.zeros(2, np.float32)
    raw["tail/weight:0"] = np.zeros(3, np.float32)
    with pytest.raises(WeightsError) as caught:
        convert(raw)
    for words in ("dense1/bias is missing", "out_conv/bias has shape (2,) instead of (1,)", "tail/weight is unknown"):
        assert words in str(caught.value)
    with pytest.raises(WeightsError, match="dense1/bias comes twice"):
        convert({**deepfacelab.published, "dense1/bias": raw["dense2/bias:0"][:512]})


def test_files_of_something_else_are_named(deepfacelab, tmp_path):
    path = tmp_path / "other ä.safetensors"
    save_file({name: array for name, array in deepfacelab.tensors.items() if name != "dense2/bias"}, path)
    with pytest.raises(PluginError, match=r"masker xseg: .*other ä.* does not hold its weights: dense2/bias is missi"):
        load(path)


def test_a_masker_without_weights_is_refused():
    with pytest.raises(PluginError, match="needs one file of weights; received 0"):
        XSegMasker(XSegOptions(), {})
