"""Extraction stores what a network says of real faces and filters by it; with generated weights, so the mechanics."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from fspp_core import extract, geometry
from fspp_core.alignments import Alignments
from fspp_core.extraction import ExtractOptions
from fspp_core.media import write_image
from fspp_core.registry import load_registry
from fspp_core.weights import WeightStore, import_weights
from fspp_identity_vggface2.vggface2_tensors import tensor_shapes


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A store with a ResNet-50 of random numbers, taken in as a user would."""
    monkeypatch.setenv("FSPP_WEIGHTS_DIR", str(tmp_path / "weights"))
    rng = np.random.default_rng(0)
    tensors = {}
    for name, shape in tensor_shapes().items():
        noise = rng.standard_normal(shape, np.float32)
        spread = np.sqrt(2 / np.prod(shape[1:]), dtype=np.float32) if len(shape) > 1 else np.float32(0.1)
        tensors[name] = noise * spread + (len(shape) == 1 and name.endswith(("weight", "running_var")))
    save_file(tensors, tmp_path / "network.safetensors")
    [file] = load_registry().spec("recognizer", "vggface2").weights
    import_weights(tmp_path / "network.safetensors", file, WeightStore())


@pytest.mark.usefixtures("weights")
def test_embeddings_of_real_faces_are_stored_and_filtered_by(tmp_path, hopper, astronaut):
    for name, picture in (("1", hopper), ("2", astronaut)):
        write_image(tmp_path / "frames" / f"{name}.png", picture)
    options = ExtractOptions(recognizers=("vggface2",))
    extract(tmp_path / "frames", tmp_path / "all", options)
    frames = Alignments.load(tmp_path / "all" / "alignments.json")
    recognizer = load_registry().build("recognizer", "vggface2")
    found = []
    for index, picture in enumerate((hopper, astronaut)):
        [face] = frames.faces(index)
        matrix = geometry.crop_matrix(face.landmarks, "fs-legacy", 224)
        [expected] = recognizer.embed(geometry.warp(picture, matrix, 224)[None])
        assert np.linalg.norm(face.identity["vggface2"]) == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(face.identity["vggface2"], expected, atol=1e-4)
        found.append(face.identity["vggface2"])
    likeness = float(found[0] @ found[1])
    between = (1 + likeness) / 2
    wanted = ExtractOptions(
        recognizers=("vggface2",), filter=(str(tmp_path / "frames" / "2.png"),), filter_threshold=between
    )
    extract(tmp_path / "frames", tmp_path / "hers", wanted)
    kept = Alignments.load(tmp_path / "hers" / "alignments.json")
    assert [len(kept.faces(index)) for index in (0, 1)] == [0, 1]
