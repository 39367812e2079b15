"""The README's Python example runs as it stands, on clips of two real faces."""

from __future__ import annotations

import re
from fractions import Fraction

from fspp_core.demo.animate import animate
from fspp_core.demo.portraits import ASTRONAUT, HOPPER, load
from fspp_core.media import open_media
from fspp_core.media.clip import write_clip


def test_the_example_runs_as_it_stands(repository, tmp_path, monkeypatch, capsys):
    readme = (repository / "README.md").read_text(encoding="utf-8")
    [example] = re.findall(r"<!-- readme-example -->\n```python\n(.*?)```", readme, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    for name, portrait in (("target.mp4", ASTRONAUT), ("source.mp4", HOPPER)):
        frames = animate(portrait, load(portrait), frames=8, size=256)
        write_clip(tmp_path / name, frames, rate=Fraction(24))
    exec(compile(example, "README.md", "exec"), {"__name__": "readme"})
    assert "train: 20 of 20" in capsys.readouterr().out
    with open_media(tmp_path / "swapped.mp4") as swapped:
        assert swapped.info.frame_count == 8
