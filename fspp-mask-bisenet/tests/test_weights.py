"""Weights under every name they are published with, through the store, and what is said of wrong ones."""

from __future__ import annotations

from pkgutil import resolve_name

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from fspp_core.cli import make_cli
from fspp_core.errors import PluginError, WeightsError
from fspp_core.weights import WeightStore
from fspp_mask_bisenet.masker import FaceswapMasker
from fspp_mask_bisenet.options import FaceOptions
from fspp_mask_bisenet.plugin import fspp_maskers
from fspp_mask_bisenet.weights import convert, convert_faceswap, convert_original, load, tensor_shapes


@pytest.mark.parametrize(("classes", "count"), [(19, 13_300_416), (5, 13_295_040)])
def test_the_table_counts_what_the_network_has(classes, count):
    trained = [s for n, s in tensor_shapes(classes).items() if not n.endswith(("running_mean", "running_var"))]
    assert sum(int(np.prod(shape)) for shape in trained) == count


def test_specs_say_what_converts_their_weights():
    files = {spec.name: spec.weights for spec in fspp_maskers()}
    assert list(files) == ["bisenet", "bisenet-face", "bisenet-head"]
    converters = [resolve_name(file.convert) for [file] in files.values()]
    assert converters == [convert_original, convert_faceswap, convert_faceswap]


def test_both_publishers_name_the_same_tensors(peer):
    theirs, faceswaps = peer("zll_bisenet"), peer("fs_bisenet_original")
    assert "conv_out16.conv.bn.bias" in theirs.published
    assert "conv_out16.conv1.bn.bias" in faceswaps.published
    for tensors in (theirs.tensors, faceswaps.tensors):
        assert {name: array.shape for name, array in tensors.items()} == tensor_shapes(19)
        assert all(array.dtype == np.float32 and array.flags.c_contiguous for array in tensors.values())
    name = "conv_out.conv.conv.weight"
    np.testing.assert_array_equal(theirs.tensors[name][1, 2], theirs.published[name][:, :, 1, 2].T)


@pytest.mark.parametrize(
    ("name", "file", "words", "stored"),
    [
        ("zll_bisenet", "79999_iter.pth", (), "bisenet-original"),
        ("zll_bisenet", "parsing_bisenet.pth", (), "bisenet-original"),
        ("fs_bisenet_original", "bisenet_face_parsing_v4.pth", ("--as", "bisenet"), "bisenet-original"),
        ("fs_bisenet_faceswap", "bisenet_face_parsing_v6.pth", (), "bisenet_face_parsing_v6"),
        ("fs_bisenet_faceswap", "bisenet_face_parsing_v5.pth", (), "bisenet_face_parsing_v5"),
    ],
)
def test_published_files_are_imported(peer, write_pth, tmp_path, monkeypatch, capsys, name, file, words, stored):
    """Known by their names, read without torch, kept as ours to the last bit."""
    monkeypatch.setenv("FSPP_WEIGHTS_DIR", str(tmp_path / "störe"))
    path = write_pth(tmp_path / file, peer(name).published)
    make_cli().main(["weights", "import", str(path), *words], standalone_mode=False)
    assert "tensors from torch" in capsys.readouterr().out
    kept = load_file(WeightStore().path(stored))
    assert kept.keys() == peer(name).tensors.keys()
    for key, array in peer(name).tensors.items():
        np.testing.assert_array_equal(kept[key], array)


def test_weights_of_other_classes_are_refused(peer, write_pth, tmp_path, monkeypatch):
    monkeypatch.setenv("FSPP_WEIGHTS_DIR", str(tmp_path / "store"))
    path = write_pth(tmp_path / "any.pth", peer("fs_bisenet_faceswap").published)
    with pytest.raises(
        Exception, match=r"with 19 classes: conv_out.conv_out.weight has shape \(1, 1, 256, 5\) instead"
    ):
        make_cli().main(["weights", "import", str(path), "--as", "bisenet-original"], standalone_mode=False)
    assert not WeightStore().path("bisenet-original").exists()


def test_keras_files_of_older_faceswap_are_refused_by_their_names(formats, tmp_path, monkeypatch):
    monkeypatch.setenv("FSPP_WEIGHTS_DIR", str(tmp_path / "store"))
    arrays = {f"layer_{number}/kernel:0": np.zeros((1, 1, 3, 4), np.float32) for number in range(7)}
    path = formats.write_h5(tmp_path / "bisenet_face_parsing_v3.h5", arrays)
    with pytest.raises(
        WeightsError, match=r"layer_0/kernel:0 is unknown.*more; expected a state dict as zllrunning or"
    ):
        make_cli().main(["weights", "import", str(path), "--as", "bisenet-face"], standalone_mode=False)
    assert not WeightStore().path("bisenet_face_parsing_v6").exists()


def test_all_faults_are_named(peer):
    raw = dict(peer("zll_bisenet").published)
    del raw["ffm.conv1.weight"]
    raw["cp.conv_avg.bn.bias"] = np.zeros(3, np.float32)
    raw["tail.weight"] = np.zeros(3, np.float32)
    with pytest.raises(WeightsError, match="BiSeNet with 19 classes") as caught:
        convert_original(raw)
    for words in ("ffm.conv1.weight is missing", "tail.weight is unknown", "has shape (3,) instead of (128,)"):
        assert words in str(caught.value)
    with pytest.raises(WeightsError, match=r"conv1.weight is missing; .* and \d+ more; expected a state dict"):
        convert({}, 19)
    with pytest.raises(WeightsError, match=r"conv_out.conv.bn.bias comes twice"):
        convert({**peer("zll_bisenet").published, "conv_out.conv1.bn.bias": np.zeros(256, np.float32)}, 19)


def test_files_of_other_classes_are_named(peer, tmp_path):
    path = tmp_path / "five ä.safetensors"
    save_file(peer("fs_bisenet_faceswap").tensors, path)
    assert set(load(path, 5)) == set(tensor_shapes(5))
    with pytest.raises(
        PluginError, match=r"masker bisenet: .*five ä.* does not hold.*: conv_out.conv_out.weight has s"
    ):
        load(path, 19)


def test_a_masker_without_weights_is_refused():
    with pytest.raises(PluginError, match=r"needs one file of weights; received 0"):
        FaceswapMasker(FaceOptions(), {})
