"""Face crops carry their record, and say so when they lost it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fspp_core.alignments import FaceCrop, MediaRecord, read_face_crop, read_face_record, write_face_crop
from fspp_core.errors import AlignmentsError, FsppError, MediaError
from fspp_core.geometry import crop_matrix, warp
from fspp_core.media import read_image_and_text, write_image
from fspp_core.types import Crop, Face


@pytest.fixture
def crop(astronaut: np.ndarray, make_face: Callable[[int], Face], media: MediaRecord) -> FaceCrop:
    face = make_face(3)
    matrix = crop_matrix(face.landmarks, "whole", 64)
    image = warp(np.ascontiguousarray(astronaut), matrix, 64)
    return FaceCrop(
        crop=Crop(image=image, matrix=matrix, face_type="whole"),
        face=face,
        frame_index=12,
        frame_name="größe 中文_000012",
        face_index=1,
        media=media,
    )


@pytest.fixture
def written(crop: FaceCrop, tmp_path: Path) -> Path:
    path = tmp_path / crop.file_name
    write_face_crop(path, crop)
    return path


def test_it_is_filed_under_frame_and_face(written: Path) -> None:
    assert written.name == "größe 中文_000012_1.png"


def test_it_comes_back_whole(written: Path, crop: FaceCrop) -> None:
    back = read_face_crop(written)
    np.testing.assert_array_equal(back.crop.image, crop.crop.image)
    np.testing.assert_array_equal(back.crop.matrix, crop.crop.matrix)
    assert back.crop.face_type == "whole"
    np.testing.assert_array_equal(back.face.landmarks, crop.face.landmarks)
    np.testing.assert_array_equal(back.face.masks["components"].image, crop.face.masks["components"].image)
    np.testing.assert_array_equal(back.face.identity["vggface2"], crop.face.identity["vggface2"])
    assert (back.frame_index, back.frame_name, back.face_index) == (12, crop.frame_name, 1)
    assert back.media == crop.media


def test_its_record_is_read_without_its_pixels(written: Path, crop: FaceCrop) -> None:
    data = written.read_bytes()
    at = data.index(b"IDAT") + 10
    written.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])  # pixels damaged
    record = read_face_record(written)
    assert record.size == 64
    assert record.face_type == "whole"
    np.testing.assert_array_equal(record.matrix, crop.crop.matrix)
    np.testing.assert_array_equal(record.face.landmarks, crop.face.landmarks)
    assert (record.frame_index, record.frame_name, record.face_index) == (12, crop.frame_name, 1)


def test_equal_crops_are_equal_files(written: Path, crop: FaceCrop, tmp_path: Path) -> None:
    write_face_crop(tmp_path / "again.png", crop)
    assert (tmp_path / "again.png").read_bytes() == written.read_bytes()


def test_pictures_without_a_record_are_refused(tmp_path: Path, crop: FaceCrop) -> None:
    write_image(tmp_path / "plain.png", crop.crop.image)
    for read in (read_face_crop, read_face_record):
        with pytest.raises(AlignmentsError, match=r"plain\.png: carries no fspp record"):
            read(tmp_path / "plain.png")
        with pytest.raises(MediaError, match=r"none\.png"):
            read(tmp_path / "none.png")


def test_a_resized_crop_is_refused(written: Path) -> None:
    image, text = read_image_and_text(written)
    write_image(written, image[::2, ::2], text=text)
    assert read_face_record(written).size == 64
    with pytest.raises(AlignmentsError, match=r"64x64.*\(32, 32, 3\).*changed after extraction"):
        read_face_crop(written)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"schema_version":1', '"schema_version":2,"new":0', "made by a newer fspp"),
        ('"format":"fspp-face"', '"format":"other"', "format is 'other'"),
        ('"face_index":1', '"face_index":"one"', r"damaged record.*\$\.face_index"),
        ('"score":', '"score":9', r"damaged record.*score must lie in 0\.\.1.*\$\.face"),
        ('"matrix":[[', '"matrix":[[1,2,3],[', "damaged record"),
        ("}}", "}", "damaged record"),
    ],
)
def test_damaged_records_are_named(written: Path, old: str, new: str, message: str) -> None:
    image, text = read_image_and_text(written)
    assert old in text["fspp"]
    write_image(written, image, text={"fspp": text["fspp"].replace(old, new, 1)})
    with pytest.raises(AlignmentsError, match=message) as caught:
        read_face_record(written)
    assert written.name in str(caught.value)


def test_what_cannot_be_stored_is_refused_before_anything_is_written(crop: FaceCrop, tmp_path: Path) -> None:
    path = tmp_path / "new.png"
    bad = replace(crop, face=replace(crop.face, score=float("nan")))
    with pytest.raises(FsppError, match="score"):
        write_face_crop(path, bad)
    with pytest.raises(FsppError, match="square"):
        write_face_crop(path, replace(crop, crop=replace(crop.crop, image=crop.crop.image[:, :30])))
    assert not path.exists()
