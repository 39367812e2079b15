"""What the networks have is counted; published weights become ours; anything else is refused by name."""

from __future__ import annotations

import re
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from fspp_core.cli import main
from fspp_core.errors import PluginError, WeightsError
from fspp_core.registry import load_registry
from fspp_core.weights import WeightStore, fetch
from fspp_identity_vggface2 import ir_tensors, vggface2_tensors
from fspp_identity_vggface2.ir_tensors import IR_50, IR_101, load_ir
from fspp_identity_vggface2.plugin import fspp_recognizers
from fspp_identity_vggface2.vggface2_tensors import load_vggface2

SHAPES = {
    "vggface2": vggface2_tensors.tensor_shapes(),
    "ir-50": ir_tensors.tensor_shapes(IR_50),
    "ir-101": ir_tensors.tensor_shapes(IR_101),
}
CONVERT = {
    "vggface2": vggface2_tensors.convert,
    "ir-50": ir_tensors.convert_50,
    "ir-101": ir_tensors.convert_101,
}
SPECS = {spec.name: spec for spec in fspp_recognizers()}
each = pytest.mark.parametrize("name", SHAPES)


def counted(shapes):
    """Numbers that are trained: the running means and variances of the norms are not."""
    return sum(int(np.prod(shape)) for name, shape in shapes.items() if "running" not in name)


def published(tensors):
    """A state dict as torch has it: a counter beside every norm."""
    counters = {name.replace("running_mean", "num_batches_tracked") for name in tensors if "running_mean" in name}
    return tensors | dict.fromkeys(counters, np.array(7, np.int64))


def few(shapes):
    """Tensors that cost no memory."""
    return {name: np.broadcast_to(np.float32(0.5), shape) for name, shape in shapes.items()}


def as_keras(tensors):
    """The names and layouts of the Keras model that Faceswap's .pth was made of, its classifier included."""
    what = {"reduce": "1x1_reduce", "": "3x3", "increase": "1x1_increase", "proj": "1x1_proj"}
    parts = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    found = {"classifier_low_dim/kernel:0": np.zeros((512, 8631), np.float32)}
    for name, tensor in tensors.items():
        *home, layer, part = name.split(".")
        if home == ["resnet"]:
            theirs = "conv1/7x7_s2"
        elif home:
            stage, number = (home[1][-1], 1) if home[1].startswith("block") else (home[1][-1], int(home[2]) + 2)
            theirs = f"conv{int(stage) + 1}_{number}_{what[re.sub('_?(conv|bn)$', '', layer)]}"
        else:
            theirs = layer
        if layer.endswith("bn"):
            found[f"{theirs}/bn/{parts[part]}:0"] = tensor
        elif part == "weight":
            found[f"{theirs}/kernel:0"] = tensor.transpose(2, 3, 1, 0) if tensor.ndim == 4 else tensor.T
        else:
            found[f"{theirs}/bias:0"] = tensor
    return found


def test_vggface2_has_the_numbers_faceswap_counts():
    """A plain ResNet-50 without its classifier, and a dense layer from its 2048 channels to 512, with bias."""
    trunk = 23_508_032
    assert counted({n: s for n, s in SHAPES["vggface2"].items() if n.startswith("resnet.")}) == trunk
    assert counted(SHAPES["vggface2"]) == trunk + 2048 * 512 + 512 == 24_557_120


@pytest.mark.parametrize(
    ("name", "units", "total"), [("ir-50", (3, 4, 14, 3), 43_585_600), ("ir-101", (3, 13, 30, 3), 65_150_912)]
)
def test_ir_networks_have_the_numbers_faceswap_counts(name, units, total):
    """A block has two 3 x 3 convolutions, three norms and a slope a channel; the last norm has nothing trained."""
    numbers, inputs = 3 * 64 * 9 + 2 * 64 + 64, 64
    for width, count in zip((64, 128, 256, 512), units, strict=True):
        for _ in range(count):
            numbers += 2 * inputs + 9 * inputs * width + 2 * width + width + 9 * width * width + 2 * width
            numbers += inputs * width + 2 * width if inputs != width else 0
            inputs = width
    numbers += 2 * 512 + 512 * 7 * 7 * 512 + 512
    assert counted(SHAPES[name]) == numbers == total


@each
def test_a_published_file_is_recognised_imported_and_read(name, made, write_pth, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FSPP_WEIGHTS_DIR", str(tmp_path / "Gewichte ä"))
    [file] = SPECS[name].weights
    tensors = made(SHAPES[name])
    path = write_pth(tmp_path / f"{file.name}.pth", published(tensors))
    assert main(["weights", "import", str(path)]) == 0
    assert f"{file.name}: {len(tensors)} tensors from torch" in capsys.readouterr().out
    stored = WeightStore().path(file.name)
    found = load_vggface2(stored) if name == "vggface2" else load_ir(stored, IR_50 if "50" in name else IR_101, name)
    assert list(found) == list(SHAPES[name])
    for key, tensor in tensors.items():
        np.testing.assert_array_equal(found[key], tensor)


def test_the_keras_model_it_was_made_of_is_understood(made):
    tensors = made(SHAPES["vggface2"])
    theirs = as_keras(tensors)
    for name in ("conv1/7x7_s2/bn/gamma:0", "conv4_6_1x1_increase/bn/moving_variance:0", "conv3_1_1x1_proj/kernel:0"):
        assert name in theirs
    found = CONVERT["vggface2"](theirs)
    assert list(found) == list(tensors)
    for name, tensor in found.items():
        np.testing.assert_array_equal(tensor, tensors[name])
        assert tensor.dtype == np.float32
        assert tensor.flags.c_contiguous
    with pytest.raises(WeightsError, match=r"dim_proj.bias comes twice"):
        CONVERT["vggface2"]({**theirs, "dim_proj.bias": tensors["dim_proj.bias"]})


def test_safetensors_of_ours_are_taken_too(made, tmp_path):
    tensors = made(ir_tensors.tensor_shapes((1, 1, 1, 1)))
    save_file(tensors, tmp_path / "ours.safetensors")
    found = ir_tensors.convert(load_file(tmp_path / "ours.safetensors"), (1, 1, 1, 1), "small IR")
    assert {name: tensor.shape for name, tensor in found.items()} == ir_tensors.tensor_shapes((1, 1, 1, 1))


@each
def test_missing_and_unknown_and_misshapen_tensors_are_named(name):
    raw = few(SHAPES[name])
    first, *_, last = raw
    kernel = raw.pop(first)
    raw[f"{last}_2"] = raw.pop(last)
    with pytest.raises(WeightsError, match=f"{re.escape(last)}_2 is unknown; {first} is missing; {last} is missing"):
        CONVERT[name](raw)
    with pytest.raises(WeightsError, match=rf"{first} has shape \(64, 3, .*\) instead of"):
        CONVERT[name](few(SHAPES[name]) | {first: kernel[..., 0]})
    with pytest.raises(WeightsError, match=f"{first} is not finite"):
        CONVERT[name](few(SHAPES[name]) | {first: np.full(kernel.shape, np.nan)})
    with pytest.raises(WeightsError, match=r"\d\d+ more"):
        CONVERT[name]({})


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("vggface2", ["conv1.weight", "layer1.0.downsample.1.running_var", "fc.weight"]),  # torchvision's
        ("vggface2", ["conv2_1/1x1_reduce/kernel:0", "conv6_1_3x3/kernel:0", "predictions/kernel:0"]),
        ("ir-50", ["prelu.weight", "layer1.0.bn3.running_mean", "features.running_mean"]),  # InsightFace's
        ("ir-50", ["body.0.res_layer.5.fc1.weight"]),  # with squeeze and excitation
    ],
)
def test_other_editions_are_refused_since_they_compute_otherwise(name, theirs):
    with pytest.raises(WeightsError, match="not the weights of") as caught:
        CONVERT[name](dict.fromkeys(theirs, np.zeros(3, np.float32)))
    assert all(f"{each} is unknown" in str(caught.value) for each in theirs)


def test_the_weights_of_one_ir_network_are_not_those_of_the_other():
    with pytest.raises(
        WeightsError, match=r"not the weights of TFace's IR-50: body\.7\..* has shape \(128, .* instead of \(256,"
    ):
        ir_tensors.convert_50(few(SHAPES["ir-101"]))
    with pytest.raises(
        WeightsError, match=r"not the weights of TFace's IR-101: body\.7\..* has shape \(256, .* instead of \(128,"
    ):
        ir_tensors.convert_101(few(SHAPES["ir-50"]))


def test_files_of_something_else_are_named(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"dim_proj.bias": np.zeros(512, np.float32)}, path)
    with pytest.raises(PluginError, match=r"recognizer vggface2: .* does not hold.*: resnet\.conv\.weight is missing"):
        load_vggface2(path)
    with pytest.raises(PluginError, match=r"recognizer ir-50: .* does not hold.*: dim_proj\.bias is unknown"):
        load_ir(path, IR_50, "ir-50")


@each
def test_without_a_digest_nothing_is_fetched_but_the_way_is_told(name, tmp_path):
    spec = load_registry().spec("recognizer", name)
    [file] = spec.weights
    assert spec == SPECS[name]
    assert resolve_name(file.convert) is CONVERT[name]
    assert [Path(url).stem for url in file.urls] == [file.name]
    with pytest.raises(WeightsError, match=f"digest is not known.*{file.urls[0]}.*import FILE --as {file.name}"):
        fetch(file, WeightStore(tmp_path))
    assert list(tmp_path.iterdir()) == []
