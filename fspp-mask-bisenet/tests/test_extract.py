"""`fspp extract` with BiSeNet on a clip of a real face: weights imported, masks stored."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

from fspp_core import geometry
from fspp_core.alignments import Alignments
from fspp_core.cli import make_cli
from fspp_core.demo.animate import animate
from fspp_core.demo.portraits import ASTRONAUT
from fspp_core.errors import WeightsError
from fspp_core.media import open_media
from fspp_core.media.clip import write_clip
from fspp_mask_bisenet.masker import FaceswapMasker
from fspp_mask_bisenet.options import HeadOptions

WORDS = ("--detector", "mtcnn", "--maskers", "bisenet-head", "-o", "bisenet-head.input_side=128")


def fspp(*words):
    make_cli().main([str(word) for word in words], standalone_mode=False)


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("FSPP_WEIGHTS_DIR", str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.fixture(scope="module")
def clip(tmp_path_factory, astronaut):
    path = tmp_path_factory.mktemp("footage") / "pörtrait.mp4"
    return write_clip(path, animate(ASTRONAUT, astronaut, frames=3, size=256), rate=Fraction(24))


def test_masks_are_stored(store, clip, tmp_path, peer, write_pth):
    published = write_pth(tmp_path / "bisenet_face_parsing_v5.pth", peer("fs_bisenet_faceswap").published)
    fspp("weights", "import", published)
    words = (*WORDS, "-o", "bisenet-head.size=96", "-o", "bisenet-head.parts=skin,hair,ears")
    fspp("extract", clip, tmp_path / "out", *words)
    alignments = Alignments.load(tmp_path / "out" / "alignments.json")
    assert alignments.settings["components"]["bisenet-head"]["parts"] == ["skin", "hair", "ears"]
    options = HeadOptions(size=96, input_side=128, parts=("skin", "hair", "ears"))
    masker = FaceswapMasker(options, {"bisenet_face_parsing_v5": store / "bisenet_face_parsing_v5.safetensors"})
    with open_media(clip) as reader:
        for index in alignments.frames:
            [face] = alignments.faces(index)
            mask = face.masks["bisenet-head"]
            matrix = geometry.crop_matrix(face.landmarks, "fs-head", 96)
            np.testing.assert_allclose(mask.matrix, matrix, rtol=1e-5, atol=1e-3)
            crop = geometry.warp(reader.frame(index).bgr8, matrix, 96)
            expected = masker.mask(crop[None], face.landmarks[None])[0] * 255
            assert set(np.unique(mask.image)) == {0, 255}
            assert (mask.image != expected).mean() < 0.01  # the crop of stored landmarks may differ by a level
    assert len(alignments.frames) == 3


def test_missing_weights_are_asked_for_before_anything_is_decoded(store, clip, tmp_path):
    with pytest.raises(WeightsError, match=r"'bisenet_face_parsing_v5' .*import FILE --as bisenet_face_parsing_v5"):
        fspp("extract", clip, tmp_path / "out", *WORDS)
    assert not (tmp_path / "out" / "alignments.json").exists()


def test_weights_list_names_them_with_their_licence(store, capsys):
    fspp("weights", "list", "--json")
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert "CelebAMask-HQ" in rows["bisenet-original"]["licence"]
    assert rows["bisenet_face_parsing_v6"]["components"] == ["masker bisenet-face"]


def test_the_readmes_example(store, tmp_path, peer, write_pth, repository):
    fspp("weights", "import", write_pth(tmp_path / "79999_iter.pth", peer("zll_bisenet").published))
    page = (repository / "fspp-mask-bisenet" / "README.md").read_text("utf-8")
    example = page.partition("<!-- readme-example -->\n```python\n")[2].partition("```")[0]
    crops = np.random.default_rng(0).integers(0, 256, (1, 512, 512, 3), np.uint8)
    names = {"crops": crops}
    exec(example, names)
    assert names["masker"].face_type == "fs-head"
    assert (names["hair"] == (names["labels"] == 17)).all()
    assert names["picture"].shape == crops.shape
