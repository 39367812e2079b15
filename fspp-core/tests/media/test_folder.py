"""Folders of pictures as footage."""

from __future__ import annotations

import logging
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fspp_core.errors import MediaError
from fspp_core.media import open_media, write_image
from fspp_core.media.folder import natural_key


def paint(path: Path, value: int, size: tuple[int, int] = (12, 8), depth: type = np.uint8) -> None:
    write_image(path, np.full((size[1], size[0], 3), value, depth), quality=100)


def test_natural_order_mixed_sizes_and_formats(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    paint(tmp_path / "frame10.png", 10)
    paint(tmp_path / "frame2.JPG", 2, (33, 21))
    paint(tmp_path / "frame1.tiff", 257, depth=np.uint16)
    paint(tmp_path / "Frame3.webp", 3)
    paint(tmp_path / "größe 中文 4.bmp", 4)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "Thumbs.db").touch()
    (tmp_path / ".hidden.png").touch()
    (tmp_path / "sub").mkdir()
    paint(tmp_path / "sub" / "frame0.png", 0)
    with caplog.at_level(logging.INFO), open_media(tmp_path) as media:
        assert media.info.kind == "folder"
        assert media.info.names == ("frame1", "frame2", "Frame3", "frame10", "größe 中文 4")
        frames = list(media.frames())
        assert [f.name for f in frames] == list(media.info.names)
        assert [f.index for f in frames] == [0, 1, 2, 3, 4]
        assert [f.image.shape[:2] for f in frames] == [(8, 12), (21, 33), (8, 12), (8, 12), (8, 12)]
        assert frames[0].image.dtype == np.uint16
        assert (frames[3].image == 10).all()
        assert all(f.pts is None and f.time_base is None for f in frames)
        assert [f.index for f in media.frames(1, None, 2)] == [1, 3]
        assert (media.frame(3).image == 10).all()
        with pytest.raises(MediaError, match="no frame 5"):
            media.frame(5)
    assert "2 files that are no pictures" in caplog.text


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    paint(tmp_path / "a.png", 1)
    paint(tmp_path / "A.jpg", 2)
    with pytest.raises(MediaError, match=r"'(a\.png|A\.jpg)' and '(a\.png|A\.jpg)' share the name"):
        open_media(tmp_path)


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    with pytest.raises(MediaError, match="no pictures in this folder"):
        open_media(tmp_path)


def test_a_damaged_picture_is_named_when_its_turn_comes(tmp_path: Path) -> None:
    for i in range(6):
        paint(tmp_path / f"{i}.png", i)
    (tmp_path / "4.png").write_bytes((tmp_path / "4.png").read_bytes()[:-20])
    got = []
    with open_media(tmp_path) as media:

        def read_all() -> None:
            for frame in media.frames():
                got.append(frame.index)

        with pytest.raises(MediaError, match=r"4\.png: the picture is cut off"):
            read_all()
    assert got == [0, 1, 2, 3]


def test_one_picture(tmp_path: Path) -> None:
    paint(tmp_path / "face.png", 9)
    with open_media(tmp_path / "face.png") as media:
        assert (media.info.kind, media.info.frame_count, media.info.names) == ("picture", 1, ("face",))
        assert [f.name for f in media.frames()] == ["face"]
        assert media.name(0) == "face"
        assert "picture" in repr(media)


def test_fingerprint_follows_content(tmp_path: Path) -> None:
    paint(tmp_path / "a.png", 1)
    paint(tmp_path / "b.png", 2)
    with open_media(tmp_path) as media:
        before = media.fingerprint()
        assert before == media.fingerprint()
    paint(tmp_path / "b.png", 3)
    with open_media(tmp_path) as media:
        assert media.fingerprint() != before


def test_closing_early_stops_the_threads(tmp_path: Path) -> None:
    for i in range(40):
        paint(tmp_path / f"{i}.png", i)
    with open_media(tmp_path) as media:
        frames = media.frames()
        assert next(frames).index == 0
        frames.close()  # type: ignore[attr-defined]
        assert list(frames) == []


@given(st.lists(st.integers(0, 99_999), unique=True, max_size=20))
def test_numbers_sort_as_numbers(numbers: list[int]) -> None:
    names = [f"frame{n}.png" for n in numbers]
    assert sorted(names, key=natural_key) == [f"frame{n}.png" for n in sorted(numbers)]


@given(st.lists(st.text(max_size=12), unique=True, max_size=12), st.randoms())
def test_any_names_have_one_order(names: list[str], random: Random) -> None:
    shuffled = list(names)
    random.shuffle(shuffled)
    assert sorted(shuffled, key=natural_key) == sorted(names, key=natural_key)
