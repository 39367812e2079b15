"""`fspp extract` with XSeg on a clip of a real face: weights imported, masks stored."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from fspp_core import geometry
from fspp_core.alignments import Alignments
from fspp_core.cli import make_cli
from fspp_core.demo.animate import animate
from fspp_core.demo.portraits import ASTRONAUT
from fspp_core.media.clip import write_clip


def test_masks_are_stored(published, astronaut, tmp_path, monkeypatch):
    monkeypatch.setenv("FSPP_WEIGHTS_DIR", str(tmp_path / "weights"))
    clip = write_clip(tmp_path / "pörtrait.mp4", animate(ASTRONAUT, astronaut, frames=2, size=256), rate=Fraction(24))
    places = [str(clip), str(tmp_path / "out")]
    words = ["--detector", "mtcnn", "--maskers", "xseg", "-o", "xseg.face_type=full", "-o", "xseg.threshold=0.5"]
    make_cli().main(["weights", "import", str(published)], standalone_mode=False)
    make_cli().main(["extract", *places, *words], standalone_mode=False)
    alignments = Alignments.load(tmp_path / "out" / "alignments.json")
    assert alignments.settings["components"]["xseg"]["threshold"] == 0.5
    for index in range(2):
        [face] = alignments.faces(index)
        mask = face.masks["xseg"]
        assert mask.image.shape == (256, 256)
        assert set(np.unique(mask.image)) == {0, 255}
        matrix = geometry.crop_matrix(face.landmarks, "full", 256)
        np.testing.assert_allclose(mask.matrix, matrix, rtol=1e-5, atol=1e-3)
