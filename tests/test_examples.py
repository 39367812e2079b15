"""The examples do what they say."""

from __future__ import annotations

import importlib.util

from fspp_core.media import read_image, write_image


def test_find_faces(repository, astronaut, tmp_path, capsys):
    spec = importlib.util.spec_from_file_location("find_faces", repository / "examples" / "find_faces.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    write_image(tmp_path / "person.png", astronaut)
    [crop] = module.find_faces(tmp_path / "person.png", tmp_path / "faces")
    assert crop.name == "person_0.png"
    assert read_image(crop).shape == (256, 256, 3)
    assert "person_0.png: score " in capsys.readouterr().out
