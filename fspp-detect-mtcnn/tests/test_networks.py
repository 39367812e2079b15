"""The networks: weights found without importing their package, sizes of batches kept few."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import fspp_detect_mtcnn.weights as weights
from fspp_core.errors import PluginError
from fspp_detect_mtcnn import detector as module
from fspp_detect_mtcnn.detector import MTCNNDetector
from fspp_detect_mtcnn.networks import output_network, proposal_network, refine_network
from fspp_detect_mtcnn.options import MTCNNOptions


def test_parameter_counts():
    counts = [network().count_params() for network in (proposal_network, refine_network, output_network)]
    assert counts == [6632, 100178, 389040]


def test_every_window_of_the_picture_has_a_score():
    offsets, scores = proposal_network().predict_on_batch(np.zeros((2, 40, 60, 3), np.float32))
    assert offsets.shape == (2, 15, 25, 4)
    assert scores.shape == (2, 15, 25, 2)
    np.testing.assert_allclose(scores.sum(axis=-1), 1, atol=1e-6)


def test_the_package_is_not_imported_for_its_weights():
    code = (
        "import sys; from fspp_detect_mtcnn.weights import load_weights; load_weights('pnet');"
        "print([m for m in ('mtcnn', 'tensorflow', 'keras') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(weights.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PluginError, match=r"mtcnn, .*not installed; .*pip install mtcnn"):
        MTCNNDetector(MTCNNOptions())


def test_a_missing_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "_folder", lambda: tmp_path)
    with pytest.raises(PluginError, match=r"pnet\.lz4.*pip install mtcnn"):
        weights.load_weights("pnet")


def test_another_file_is_never_unpickled(monkeypatch, tmp_path):
    (tmp_path / "pnet.lz4").write_bytes(b"something else")
    monkeypatch.setattr(weights, "_folder", lambda: tmp_path)
    with pytest.raises(PluginError, match=r"sha256 .*expected ea6b0c3e685ebee3"):
        weights.load_weights("pnet")


def test_batches_have_few_sizes(monkeypatch, astronaut, hopper):
    detector = MTCNNDetector(MTCNNOptions())
    sizes = set()
    for network in (detector._refine, detector._output):

        def watched(batch, run=network.predict_on_batch):
            sizes.add(len(batch))
            return run(batch)

        monkeypatch.setattr(network, "predict_on_batch", watched)
    for picture in (astronaut, hopper, astronaut[:300], np.tile(hopper[::2, ::2], (3, 4, 1)), astronaut // 64):
        detector.detect([picture])
    assert sizes <= set(module._BUCKETS)


def test_more_boxes_than_fit_a_batch():
    detector = MTCNNDetector(MTCNNOptions())
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (200, 300, 3), np.uint8)
    corner = rng.uniform(0, 150, (600, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(20, 60, (600, 1))], axis=1).astype(np.float32)
    where = np.zeros(600, np.intp)
    offsets, scores = module._run(detector._refine, [picture], where, boxes, 24)
    few_offsets, few_scores = module._run(detector._refine, [picture], where[500:503], boxes[500:503], 24)
    np.testing.assert_allclose(offsets[500:503], few_offsets, atol=1e-5)
    np.testing.assert_allclose(scores[500:503], few_scores, atol=1e-5)
    assert scores.shape == (600,)
