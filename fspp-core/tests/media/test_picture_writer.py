"""Frames as pictures: names, formats, untouched files copied byte for byte."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fspp_core.errors import MediaError
from fspp_core.media import EncodeOptions, open_media, open_writer, read_image, read_text, write_image

Clips = Callable[[str], Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i, suffix in enumerate(["png", "jpg", "png", "tiff"]):
        image = np.random.default_rng(i).integers(0, 255, (8 + i, 12, 3)).astype(np.uint8)
        write_image(tmp_path / "in" / f"größe {i}.{suffix}", image)
    return tmp_path / "in"


def test_untouched_pictures_of_one_format_are_copied_byte_for_byte(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with open_media(folder) as media, open_writer(out, like=media, options=EncodeOptions()) as writer:
        for frame in media.frames():
            writer.write(frame)
    assert sorted(p.name for p in out.iterdir()) == [f"größe {i}.png" for i in range(4)]
    for i, suffix in enumerate(["png", "jpg", "png", "tiff"]):
        before, after = folder / f"größe {i}.{suffix}", out / f"größe {i}.png"
        assert (before.read_bytes() == after.read_bytes()) == (suffix == "png")
        assert (read_image(before) == read_image(after)).all()
    assert not out.with_name("out.parts").exists()


def test_changed_pictures_carry_words_and_untouched_ones_do_not(folder: Path, tmp_path: Path) -> None:
    with (
        open_media(folder) as media,
        open_writer(tmp_path / "o", like=media, metadata={"comment": "made up"}) as writer,
    ):
        for frame in media.frames():
            writer.write(frame.with_image(255 - frame.image) if frame.index == 2 else frame)
    assert read_text(tmp_path / "o" / "größe 2.png") == {"comment": "made up"}
    assert read_text(tmp_path / "o" / "größe 0.png") == {}
    assert (read_image(tmp_path / "o" / "größe 2.png") == 255 - read_image(folder / "größe 2.png")).all()


def test_a_video_becomes_pictures(clips: Clips, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with open_media(clips("vfr.mp4")) as media:
        with open_writer(tmp_path / "o", like=media) as writer:
            for frame in media.frames(0, 3):
                writer.write(frame)
        assert sorted(p.name for p in (tmp_path / "o").iterdir()) == [f"vfr_00000{i}.png" for i in range(3)]
        assert (read_image(tmp_path / "o" / "vfr_000001.png") == media.frame(1).image).all()
    with open_media(clips("deep.mp4")) as media, caplog.at_level(logging.WARNING):
        for kind, dtype in (("png", np.uint16), ("jpg", np.uint8)):
            with open_writer(tmp_path / kind, like=media, options=EncodeOptions(picture_format=kind)) as writer:
                writer.write(media.frame(0))
            assert read_image(tmp_path / kind / f"deep_000000.{kind}").dtype == dtype
    assert "16 bits become 8" in caplog.text
    assert "keep the PQ values but not the tag" in caplog.text


def test_one_picture(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", np.full((5, 7, 3), 9, np.uint8))
    with open_media(tmp_path / "a.png") as media:
        for name in ("b.jpg", "c.png"):
            with open_writer(tmp_path / name, like=media) as writer:
                writer.write(media.frame(0))
            assert read_image(tmp_path / name).shape == (5, 7, 3)
        with pytest.raises(MediaError, match="is the source itself"):
            open_writer(tmp_path / "a.png", like=media)
        (tmp_path / "file").touch()
        with pytest.raises(MediaError, match="is a file"):
            open_writer(tmp_path / "file", like=media)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "b.jpg", "c.png", "file"]


def test_orientation_of_copies_and_of_changed_pictures(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x112] = 6
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(np.arange(96, dtype=np.uint8).reshape(4, 8, 3)).save(tmp_path / "in" / name, exif=exif)
    with open_media(tmp_path / "in") as media:
        with open_writer(tmp_path / "out", like=media) as writer:
            for frame in media.frames():
                writer.write(frame if frame.name == "a" else frame.with_image(frame.image))
        with open_media(tmp_path / "out") as result:
            for one, other in zip(media.frames(), result.frames(), strict=True):
                assert (one.image == other.image).all()


def test_going_on_after_a_stop(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with open_media(folder) as media:
        writer = open_writer(out, like=media)
        for frame in media.frames(0, 2):
            writer.write(frame)
        writer.abort()
        with pytest.raises(MediaError, match="comes too late"):
            writer.write(media.frame(2))
        journal = tmp_path / "out.parts" / "done.txt"
        journal.write_text(journal.read_text("utf-8") + "größe 2.p", "utf-8")  # a torn line
        writer = open_writer(out, like=media)
        assert writer.done == 2
        writer.abort()
        (out / "größe 1.png").unlink()
        for job, done in ({}, 1), ({"model": "other"}, 0):
            writer = open_writer(out, like=media, job=job)
            assert writer.done == done
            writer.abort()
        with pytest.raises(MediaError, match="no frames were written"), open_writer(tmp_path / "e", like=media):
            pass
