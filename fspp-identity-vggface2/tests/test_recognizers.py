"""Crops of any number become embeddings of unit length."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from fspp_core.errors import PluginError, ShapeError
from fspp_identity_vggface2.ir_network import ir
from fspp_identity_vggface2.ir_tensors import tensor_shapes
from fspp_identity_vggface2.options import RecognizerOptions
from fspp_identity_vggface2.recognizers import IR50Recognizer, IR101Recognizer, VGGFace2Recognizer

UNITS = (1, 1, 1, 1)


class Small(IR50Recognizer):
    units = UNITS


@pytest.fixture(scope="module")
def tensors(made):
    return made(tensor_shapes(UNITS))


@pytest.fixture(scope="module")
def weights(tensors, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "klein ä.safetensors"
    save_file(tensors, path)
    return {"tface": path}


@pytest.fixture(scope="module")
def small(weights):
    return Small(RecognizerOptions(batch_size=3), weights)


def crops(count, side=112):
    return np.random.default_rng(count).integers(0, 256, (count, side, side, 3), np.uint8)


def unit(features):
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def test_any_number_of_crops_gives_what_the_network_gives(small, tensors):
    network = ir(tensors, UNITS)
    for count in (0, 1, 3, 8):
        found = small.embed(crops(count))
        assert found.shape == (count, 512)
        assert found.dtype == np.float32
        if count:
            expected = unit(network.predict_on_batch(crops(count).astype(np.float32)))
            np.testing.assert_allclose(found, expected, atol=1e-5)


def test_full_batches_and_then_powers_of_two_run(small, monkeypatch):
    seen = []
    monkeypatch.setattr(
        small, "_network", lambda batch: [seen.append(len(batch)) or batch[:, 0, :, 0].repeat(5, 1)[:, :512]]
    )
    small.embed(crops(8))
    assert seen == [3, 3, 2]
    seen.clear()
    small.embed(crops(4))
    assert seen == [3, 1]


def test_flip_averages_with_the_mirror_image(small, weights):
    flipped = Small(RecognizerOptions(flip=True), weights)
    seen = crops(2)
    mirror = np.ascontiguousarray(seen[:, :, ::-1])
    found = flipped.embed(seen)
    np.testing.assert_allclose(found, flipped.embed(mirror), atol=1e-5)
    assert np.abs(found - small.embed(seen)).max() > 1e-3


def test_openvino_and_bfloat16_give_nearly_the_same(small, weights, tmp_path, monkeypatch):
    pytest.importorskip("openvino", reason="pip install 'fspp-core[openvino]'")
    monkeypatch.setenv("FSPP_CACHE_DIR", str(tmp_path))
    expected = small.embed(crops(3))
    for precision, least in (("f32", 1 - 1e-6), ("bf16", 0.995)):
        found = Small(RecognizerOptions(engine="openvino", precision=precision), weights).embed(crops(3))
        assert np.sum(found * expected, axis=1).min() > least
    assert len(list(tmp_path.glob("openvino/*"))) == 1, "one export serves both"
    rough = Small(RecognizerOptions(precision="bf16"), weights).embed(crops(3))
    assert 0.995 < np.sum(rough * expected, axis=1).min() < 1 - 1e-6


def test_nothing_seen_is_nobody(weights, tmp_path, tensors):
    """Without a length there is no direction: such a face is like nobody, itself included."""
    path = tmp_path / "blind.safetensors"
    blind = {**tensors, "output_layer.3.weight": np.zeros_like(tensors["output_layer.3.weight"])}
    for name in ("output_layer.3.bias", "output_layer.4.running_mean"):
        blind[name] = np.zeros(512, np.float32)
    save_file(blind, path)
    np.testing.assert_array_equal(Small(RecognizerOptions(), {"tface": path}).embed(crops(2)), np.zeros((2, 512)))


@pytest.mark.parametrize("shape", [(112, 112, 3), (1, 112, 111, 3), (1, 112, 112, 4), (0, 224, 224, 3)])
def test_crops_of_another_shape_are_refused(small, shape):
    with pytest.raises(ShapeError, match=r"recognizer ir-50: crops must be \(n, 112, 112, 3\) uint8 BGR; received"):
        small.embed(np.zeros(shape, np.uint8))
    with pytest.raises(ShapeError, match="float32"):
        small.embed(np.zeros((1, 112, 112, 3), np.float32))


def test_what_core_is_told():
    for recognizer, size in ((VGGFace2Recognizer, 224), (IR50Recognizer, 112), (IR101Recognizer, 112)):
        assert (recognizer.size, recognizer.face_type, recognizer.same_person) == (size, "fs-legacy", 0.6)


def test_one_file_of_weights_is_needed(weights):
    with pytest.raises(PluginError, match="ir-101 needs one file of weights; received: none"):
        IR101Recognizer(RecognizerOptions(), {})
    with pytest.raises(PluginError, match="does not hold its weights"):
        IR50Recognizer(RecognizerOptions(), weights)
