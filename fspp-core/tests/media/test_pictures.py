"""Pictures come in upright, as deep as they are, or not at all; and go out whole."""

from __future__ import annotations

import logging
import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from fspp_core.errors import MediaError
from fspp_core.media import read_image, read_image_and_text, read_text, write_image
from fspp_core.media.pictures import encode_image, rewrite_text
from fspp_core.media.png import read_text_chunks, replace_text, size_of, with_text

RGB = np.zeros((24, 40, 3), np.uint8)
RGB[:8, :10] = (255, 0, 0)  # left top: red
RGB[16:, 30:] = (0, 0, 255)  # right bottom: blue
BGR = RGB[..., ::-1]
# What an EXIF orientation asks for, from the definition of the tag.
UPRIGHT = {
    1: BGR, 2: np.fliplr(BGR), 3: np.rot90(BGR, 2), 4: np.flipud(BGR), 5: BGR.swapaxes(0, 1),
    6: np.rot90(BGR, -1), 7: np.rot90(BGR, 2).swapaxes(0, 1), 8: np.rot90(BGR, 1),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(kind: str, orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    path = tmp_path / f"turned.{kind}"
    lossless: dict[str, Any] = {"jpg": {"quality": 100, "subsampling": 0}, "webp": {"lossless": True}}.get(kind, {})
    Image.fromarray(RGB).save(path, exif=exif, **lossless)
    image = read_image(path)
    assert image.shape == UPRIGHT[orientation].shape
    assert np.abs(image.astype(int) - UPRIGHT[orientation]).max() <= (6 if kind == "jpg" else 0)


def test_sixteen_bits_survive(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 65536, (9, 7, 3)).astype(np.uint16)
    for name in ("deep.png", "deep.tiff"):
        write_image(tmp_path / name, image)
        back = read_image(tmp_path / name)
        assert back.dtype == np.uint16
        assert (back == image).all()


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "I;16", "CMYK"])
def test_grey_palette_and_alpha_become_three_channels(
    mode: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / ("odd.jpg" if mode == "CMYK" else "odd.png")
    if mode == "I;16":
        Image.fromarray(RGB[..., 0].astype(np.uint16) * 257).save(path)
    else:
        Image.fromarray(RGB).convert(mode).save(path)
    with caplog.at_level(logging.INFO):
        image = read_image(path)
    assert image.shape == (24, 40, 3)
    assert image.dtype == (np.uint16 if mode == "I;16" else np.uint8)
    assert ("alpha channel is dropped" in caplog.text) == (mode in ("LA", "RGBA"))
    if mode == "RGBA":
        assert (image == BGR).all()


def test_alpha_of_webp_is_noted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Image.fromarray(np.dstack([RGB, RGB[..., :1]])).save(tmp_path / "a.webp", lossless=True)
    with caplog.at_level(logging.INFO):
        assert read_image(tmp_path / "a.webp").shape == (24, 40, 3)
    assert "alpha channel is dropped" in caplog.text


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.bmp", "a.tiff", "a.avif", "中文 ünï 🎭.PNG"])
def test_formats(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "a.avif":
        Image.fromarray(RGB).save(path, quality=100)
    else:
        write_image(path, np.ascontiguousarray(BGR), quality=100)
    assert np.abs(read_image(path).astype(int) - BGR).mean() < 3


def test_lossless_formats_are_exact(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (33, 21, 3)).astype(np.uint8)
    for name in ("a.png", "a.bmp", "a.tif", "a.webp"):
        write_image(tmp_path / name, image, quality=100)
        assert (read_image(tmp_path / name) == image).all()
    write_image(tmp_path / "low.jpg", image, quality=20)
    write_image(tmp_path / "high.jpg", image, quality=95)
    assert (tmp_path / "low.jpg").stat().st_size < (tmp_path / "high.jpg").stat().st_size / 2


def test_a_long_path(tmp_path: Path) -> None:
    path = tmp_path.joinpath(*["a folder of forty letters, or about that"] * 8) / "picture.png"
    write_image(path, np.ascontiguousarray(BGR), text={"k": "v"})
    assert len(str(path)) > 300
    assert (read_image(path) == BGR).all()
    assert read_text(path) == {"k": "v"}


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tiff"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_cut_off_pictures_are_refused(kind: str, share: float, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (80, 80, 3)).astype(np.uint8)
    whole, path = tmp_path / f"whole.{kind}", tmp_path / f"cut.{kind}"
    exif = Image.Exif()
    exif[0x112] = 1
    Image.fromarray(noise).save(whole, exif=exif)
    path.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
    with pytest.raises(MediaError, match=rf"cut\.{kind}"):
        read_image(path)


def test_a_thumbnail_s_end_does_not_hide_a_cut(tmp_path: Path) -> None:
    small, large = BytesIO(), BytesIO()
    Image.fromarray(RGB).save(small, "JPEG")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (99, 99, 3)).astype(np.uint8)).save(large, "JPEG")
    inside = b"\xff\xe1" + struct.pack(">H", 2 + len(small.getvalue())) + small.getvalue()
    data = large.getvalue()[:2] + inside + large.getvalue()[2:]
    (tmp_path / "whole.jpg").write_bytes(data)
    assert read_image(tmp_path / "whole.jpg").shape == (99, 99, 3)
    (tmp_path / "cut.jpg").write_bytes(data[:-500])
    with pytest.raises(MediaError, match="cut off"):
        read_image(tmp_path / "cut.jpg")


def test_what_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.jpg").write_text("hello")
    cv2_float = cv2.imencode(".tiff", np.zeros((4, 4, 3), np.float32))[1].tobytes()
    (tmp_path / "float.tiff").write_bytes(cv2_float)
    for name, what in [("empty.png", "empty"), ("text.jpg", "not a picture"), ("float.tiff", "float32")]:
        with pytest.raises(MediaError, match=rf"{name}: .*{what}"):
            read_image(tmp_path / name)
    with pytest.raises(MediaError, match=r"absent\.png: cannot be read"):
        read_image(tmp_path / "absent.png")
    with pytest.raises(MediaError, match="cannot be read"):
        read_text(tmp_path / "absent.png")


def test_what_cannot_be_written(tmp_path: Path) -> None:
    good = np.zeros((4, 4, 3), np.uint8)
    for name, image, what in [
        ("a.gif", good, "cannot write"),
        ("a", good, "cannot write"),
        ("a.png", good.astype(np.float32), "float32"),
        ("a.png", np.zeros((4, 4, 4), np.uint8), "three channels"),
        ("a.png", np.zeros((0, 4, 3), np.uint8), "received"),
        ("a.jpg", good.astype(np.uint16), "16"),
    ]:
        with pytest.raises(MediaError, match=what):
            write_image(tmp_path / name, image)
    with pytest.raises(MediaError, match="PNG files only"):
        write_image(tmp_path / "a.jpg", good, text={"a": "b"})
    with pytest.raises(MediaError, match="Latin-1"):
        write_image(tmp_path / "a.png", good, text={"中": "b"})
    (tmp_path / "file").touch()
    with pytest.raises(MediaError, match="cannot be written"):
        write_image(tmp_path / "file" / "a.png", good)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]


TEXTS = st.dictionaries(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=79),
    st.text(max_size=300),
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(texts=TEXTS)
def test_texts_survive(texts: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "texts.png"
    write_image(path, np.ascontiguousarray(BGR), text=texts)
    assert read_text(path) == texts
    image, found = read_image_and_text(path)
    assert found == texts
    assert (image == BGR).all()
    with Image.open(path) as other:
        assert {k: str(v) for k, v in other.text.items()} == texts  # type: ignore[attr-defined]


def test_texts_of_other_programs_are_read(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("plain", "größe")
    info.add_text("packed", "word " * 500, zip=True)
    info.add_itxt("wide", "中文", lang="zh", tkey="宽", zip=True)
    Image.fromarray(RGB).save(tmp_path / "a.png", pnginfo=info)
    assert read_text(tmp_path / "a.png") == {"plain": "größe", "packed": "word " * 500, "wide": "中文"}
    write_image(tmp_path / "a.jpg", np.ascontiguousarray(BGR))
    assert read_text(tmp_path / "a.jpg") == {}
    assert read_image_and_text(tmp_path / "a.jpg")[1] == {}


def test_damaged_texts_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_image(path, np.ascontiguousarray(BGR), text={"key": "value to be hit"})
    data = path.read_bytes()
    path.write_bytes(data.replace(b"value to be hit", b"value to be bit"))
    with pytest.raises(MediaError, match="checksum"):
        read_text(path)
    path.write_bytes(data[:60])
    with pytest.raises(MediaError, match="cut off"):
        read_text(path)
    bomb = zlib.compress(bytes(200 << 20), 9)
    chunk = b"zTXt" + b"k\0\0" + bomb
    made = data[:33] + struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]
    path.write_bytes(made)
    with pytest.raises(MediaError, match="longer than"):
        read_text(path)


def test_text_goes_behind_the_header() -> None:
    png = cv2.imencode(".png", np.ascontiguousarray(BGR))[1].tobytes()
    assert with_text(png, {}) == png
    assert with_text(png, {"a": "b"})[37:41] == b"iTXt"


def test_a_text_is_replaced_and_all_else_stays():
    png = with_text(encode_image(BGR, ".png"), {"a": "old", "b": "kept"})
    changed = replace_text(png, {"a": "näw"})
    assert read_text_chunks(BytesIO(changed), Path("x.png")) == {"a": "näw", "b": "kept"}
    assert replace_text(changed, {"a": "old"}) == png
    assert size_of(changed) == BGR.shape[1::-1]


def test_rewriting_a_text_leaves_the_pixels_and_refuses_what_is_no_png(tmp_path):
    write_image(tmp_path / "a.png", BGR, text={"k": "1"})
    rewrite_text(tmp_path / "a.png", {"k": "2"})
    image, text = read_image_and_text(tmp_path / "a.png")
    np.testing.assert_array_equal(image, BGR)
    assert text == {"k": "2"}
    write_image(tmp_path / "a.jpg", BGR)
    with pytest.raises(MediaError, match=r"a\.jpg: texts can be put into PNG files only"):
        rewrite_text(tmp_path / "a.jpg", {"k": "2"})
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[:-20])
    with pytest.raises(MediaError, match="cut off"):
        rewrite_text(tmp_path / "a.png", {"k": "3"})
