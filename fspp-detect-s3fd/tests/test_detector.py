"""The detector: fixed batches, sizes that stay compiled, what is left out; the network travels."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from safetensors.numpy import save_file

from fspp_detect_s3fd import detector as module
from fspp_detect_s3fd.boxes import Boxes
from fspp_detect_s3fd.detector import S3FDDetector
from fspp_detect_s3fd.network import s3fd
from fspp_detect_s3fd.options import S3FDOptions
from fspp_detect_s3fd.shapes import tensor_shapes


@pytest.fixture(scope="module")
def tensors():
    rng = np.random.default_rng(0)
    return {
        name: (rng.standard_normal(shape) / np.sqrt(np.prod(shape[:-1]))).astype(np.float32)
        for name, shape in tensor_shapes().items()
    }


@pytest.fixture(scope="module")
def detector(tensors, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "s3fd.safetensors"
    save_file(tensors, path)

    def build(**options):
        return S3FDDetector(S3FDOptions(**{"input_side": 64, **options}), {"s3fd": path})

    return build


def test_the_network_can_be_saved_and_loaded(tensors, tmp_path):
    network = s3fd(tensors)
    picture = np.random.default_rng(1).uniform(-120, 140, (1, 40, 72, 3)).astype(np.float32)
    expected = network.predict_on_batch(picture)
    assert [m.shape[1:] for m in expected[::2]] == [(10, 18, 2), (5, 9, 2), (2, 4, 2), (5, 6, 2), (3, 3, 2), (2, 2, 2)]
    network.save(tmp_path / "s3fd.keras")
    for ours, theirs in zip(
        keras.saving.load_model(tmp_path / "s3fd.keras").predict_on_batch(picture), expected, strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    again = keras.Model.from_config(network.get_config())
    assert [w.shape for w in again.weights] == [w.shape for w in network.weights]


def test_batches_are_always_full(detector, monkeypatch):
    found = detector(batch_size=4)
    shapes = []
    run = found._network
    monkeypatch.setattr(found, "_network", lambda batch: shapes.append(batch.shape) or run(batch))
    frames = [np.random.default_rng(n).integers(0, 256, (36, 64, 3), np.uint8) for n in range(6)]
    assert len(found.detect(frames)) == 6
    assert shapes == [(4, 40, 64, 3)] * 2


def test_crops_of_faces_are_looked_at_at_half_their_size(detector, monkeypatch):
    """As DeepFaceLab's second pass does; a frame of that size is brought to input_side."""
    found = detector(batch_size=1, input_side=160)
    shapes = []
    run = found._network
    monkeypatch.setattr(found, "_network", lambda batch: shapes.append(batch.shape) or run(batch))
    crop = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    found.detect_crops([crop])
    found.detect([crop])
    assert shapes == [(1, 128, 128, 3), (1, 160, 160, 3)]


def test_a_size_is_compiled_once_and_few_are_kept(detector):
    found = detector(batch_size=1)
    found.warm_up(36, 64)
    found.detect([np.zeros((36, 64, 3), np.uint8)] * 2)
    assert found._network.compiled_shapes == [(1, 40, 64, 3)]
    for height in (44, 52, 36, 60, 28):
        found.warm_up(height, 64)
    assert found._network.compiled_shapes == [(1, rows, 64, 3) for rows in (56, 40, 64, 32)]


def test_without_a_graphics_card_frames_go_one_by_one(detector, monkeypatch):
    monkeypatch.setattr(module, "_on_gpu", lambda: False)
    assert detector().batch_size == 1
    monkeypatch.setattr(module, "_on_gpu", lambda: True)
    assert detector().batch_size == 8
    assert detector(batch_size=3).batch_size == 3


def test_engines_find_the_same_faces_and_bfloat16_nearly(engine, detector, monkeypatch, tmp_path):
    monkeypatch.setenv("FSPP_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(module, "_on_gpu", lambda: True)
    frame = np.random.default_rng(3).integers(0, 256, (36, 64, 3), np.uint8)

    def boxes(**options):
        found = detector(confidence=0.05, nms_threshold=1.0, min_face=1, **options)
        assert found.batch_size == (8 if options.get("engine", "keras") == "keras" else 1)
        return np.array([[*face.box, face.score] for face in found.detect([frame])[0]])

    exact, ours, rounded = boxes(), boxes(engine=engine), boxes(engine=engine, precision="bf16")
    assert len(exact) > 20
    np.testing.assert_allclose(ours, exact, atol=1e-3)
    assert not np.array_equal(rounded, exact)
    near = np.abs(rounded[:, None, :4] - exact[None, :, :4]).max(axis=2).min(axis=0)
    assert near.max() < 1


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"min_face": 1}, [[10, 10, 50, 50], [60, 20, 80, 28], [0, 0, 30, 30]]),
        ({"min_face": 20}, [[10, 10, 50, 50], [0, 0, 30, 30]]),
        ({"min_face": 20, "extend_bottom": 0.1}, [[10, 10, 50, 54], [0, 0, 30, 34]]),
    ],
)
def test_boxes_are_scaled_filtered_lengthened_and_clipped(detector, monkeypatch, options, kept):
    """In a frame twice as large as the network sees it; the last lies outside it, the one before in part."""
    corners = [[5, 5, 25, 25], [30, 10, 40, 14], [-5, -5, 15, 15], [70, 0, 90, 20]]
    boxes = Boxes(
        picture=np.zeros(4, np.intp), corners=np.array(corners, np.float32), scores=np.float32([0.9, 0.8, 0.7, 0.6])
    )
    monkeypatch.setattr(module, "decode", lambda maps, confidence: boxes)
    [found] = detector(batch_size=1, **options).detect([np.zeros((72, 128, 3), np.uint8)])
    np.testing.assert_allclose([face.box for face in found], kept, rtol=1e-6)
    assert all(face.keypoints is None for face in found)
