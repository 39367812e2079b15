"""Finding faces: crop folders, extract outputs, alignments with footage; what is wrong is named."""

from __future__ import annotations

import shutil
from fractions import Fraction

import cv2
import numpy as np
import pytest

from fspp_core import geometry
from fspp_core.alignments import Alignments, MediaRecord
from fspp_core.errors import AlignmentsError, TrainingError
from fspp_core.media import open_media, write_image
from fspp_core.media.clip import write_clip
from fspp_core.registry import load_registry
from fspp_core.training.facemasks import FaceMasks, Maskers, training_expression
from fspp_core.training.faces import CropPlan, plain
from fspp_core.training.facesets import Budget, Faceset, warn_of_narrow_crops
from fspp_core.training.findfaces import cut_faces, find_crops, locate

PLAN = CropPlan("full", 48, 64)


@pytest.fixture(scope="module")
def extracted(tmp_path_factory, portraits, pose):
    """What an extract leaves: a clip, and beside it alignments; frame 2 has no face, frame 3 has two."""
    folder = tmp_path_factory.mktemp("footage")
    clip = folder / "clip ü.mp4"
    images, faces = [], {}
    for number in range(5):
        image, face = pose(portraits["hopper"], number)
        images.append(image if number != 2 else np.zeros_like(image))
        faces[number] = [] if number == 2 else [face, face] if number == 3 else [face]
    write_clip(clip, images, rate=Fraction(25))
    with open_media(clip) as reader:
        fingerprint = reader.fingerprint()
    media = MediaRecord(
        name=clip.name, kind="video", width=256, height=256, frame_count=5, fingerprint=fingerprint, time_base="1/12800"
    )
    alignments = Alignments(media, {})
    for number, found in faces.items():
        alignments.set_faces(number, found, name=f"{number:06d}")
    (folder / "out").mkdir()
    alignments.save(folder / "out" / "alignments.json")
    return folder / "out", clip, images


def test_crop_folder_and_extract_output_give_the_same(crops, tmp_path):
    output = tmp_path / "output"
    shutil.copytree(crops[0], output / "faces")
    (output / "alignments.json").write_text("{}")
    for place in (crops[0], output):
        found = locate(place, None)
        assert found.media is None
        refs = find_crops(found.path, workers=2)
        assert [ref.name for ref in refs] == [f"{number:06d}_0.png" for number in range(6)]
    image, masks = refs[0].read()
    assert image.shape == (96, 96, 3)
    assert list(masks) == ["hull"]


def test_crops_are_found_by_name_and_others_left_out(crops, tmp_path, caplog):
    folder = tmp_path / "mixed"
    shutil.copytree(crops[1], folder)
    write_image(folder / "000001_plain.png", np.zeros((8, 8, 3), np.uint8))
    (folder / "000002_broken.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("")
    with caplog.at_level("WARNING"):
        refs = find_crops(folder, workers=3)
    assert len(refs) == 5
    assert "000001_plain.png" in caplog.text
    assert "000002_broken.png" in caplog.text


def test_places_without_faces_are_named(tmp_path):
    with pytest.raises(TrainingError, match=r"nowhere: no such file"):
        locate(tmp_path / "nowhere", None)
    with pytest.raises(TrainingError, match=r"no face crops.*fspp extract"):
        locate(tmp_path, None)
    text = tmp_path / "notes.txt"
    text.write_text("")
    with pytest.raises(TrainingError, match=r"expected a folder of face crops"):
        locate(text, None)
    write_image(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(TrainingError, match=r"none of 1 pictures is a face crop. The first: .*a\.png"):
        find_crops(locate(tmp_path, None).path, workers=1)


def test_faces_cut_from_footage_are_those_of_its_frames(extracted):
    output, clip, images = extracted
    place = locate(output, None)
    assert place.media == clip
    told = []
    refs = cut_faces(place, PLAN, Budget(2**30), progress=told.append)
    assert [ref.name for ref in refs] == ["000000_0", "000001_0", "000003_0", "000003_1", "000004_0"]
    assert told[-1].done == told[-1].total == 5
    faces = Faceset(refs, PLAN, masks=None, budget=Budget(0))
    alignments = Alignments.load(output / "alignments.json")
    for index, frame in ((0, 0), (1, 1), (4, 4)):
        matrix = geometry.crop_matrix(alignments.faces(frame)[0].landmarks, "full", 64)
        expected = geometry.warp(images[frame], matrix, 64, border="replicate")
        face = faces.face(index)
        assert np.abs(plain(face, 64, face.to_output).astype(int) - expected).mean() < 5  # x264 is lossy


def test_faces_beyond_the_budget_are_packed_and_hardly_differ(extracted):
    place = locate(extracted[0] / "alignments.json", None)
    rich, poor = (cut_faces(place, PLAN, Budget(size)) for size in (2**30, 0))
    assert all(ref.resident for ref in rich)
    assert not any(ref.resident for ref in poor)
    for a, b in zip(rich, poor, strict=True):
        np.testing.assert_array_equal(a.matrix, b.matrix)
        assert a.read()[0].shape == b.read()[0].shape
        assert np.abs(a.read()[0].astype(int) - b.read()[0]).mean() < 3


def test_moved_footage_is_asked_for_and_taken(extracted, tmp_path):
    output, clip, _ = extracted
    alone = tmp_path / "alone" / "deep"
    alone.mkdir(parents=True)
    shutil.copy(output / "alignments.json", alone)
    with pytest.raises(TrainingError, match=r"clip ü\.mp4.*source_media"):
        locate(alone, None)
    with pytest.raises(TrainingError, match=r"gone\.mp4: no such file"):
        locate(alone, tmp_path / "gone.mp4")
    refs = cut_faces(locate(alone, clip), PLAN, Budget(2**30))
    assert len(refs) == 5


def test_other_footage_is_refused(extracted, tmp_path):
    other = tmp_path / "other.mp4"
    write_clip(other, [np.full((256, 256, 3), 9, np.uint8)] * 5, rate=Fraction(25))
    with pytest.raises(AlignmentsError, match=r"other\.mp4: this is not the footage"):
        cut_faces(locate(extracted[0], other), PLAN, Budget(2**30))


def test_alignments_without_faces_are_named(extracted, tmp_path):
    _, clip, _ = extracted
    alignments = Alignments.load(extracted[0] / "alignments.json")
    for index in list(alignments.frames):
        alignments.set_faces(index, [])
    alignments.save(tmp_path / "alignments.json")
    with pytest.raises(TrainingError, match="no face in these alignments"):
        cut_faces(locate(tmp_path, clip), PLAN, Budget(2**30))


def test_narrow_crops_are_told(crops, crop_writer, portraits, tmp_path, caplog):
    refs = find_crops(crops[0], workers=1)
    with caplog.at_level("WARNING"):
        assert warn_of_narrow_crops(crops[0], refs, PLAN) == 0
    assert not caplog.text
    narrow = crop_writer(tmp_path / "narrow", portraits["hopper"], 3, face_type="half")
    with caplog.at_level("WARNING"):
        assert warn_of_narrow_crops(narrow, find_crops(narrow, workers=1), PLAN) == 3
    assert "3 of 3 faces are stored narrower than face type 'full'" in caplog.text


def test_stored_crop_and_frame_give_the_same_training_crop(crops, portraits, pose):
    """A wider stored crop is laid out as if the face had been cut from the frame."""
    refs = find_crops(crops[0], workers=1)
    frame, face = pose(portraits["hopper"], 2)
    expected = geometry.warp(frame, geometry.crop_matrix(face.landmarks, "full", 64), 64)
    stored = Faceset(refs, PLAN, masks=None, budget=Budget(0)).face(2)
    difference = np.abs(plain(stored, 64, stored.to_output).astype(int) - expected)
    assert difference.mean() < 5


def test_stored_masks_are_used_and_missing_ones_made(crops):
    registry = load_registry()
    refs = find_crops(crops[0], workers=1)
    views = {}
    for name in ("hull", "extended"):
        masks = FaceMasks(training_expression(name), Maskers(registry, {}), PLAN)
        face = Faceset(refs, PLAN, masks=masks, budget=Budget(2**30)).face(0)
        views[name] = geometry.warp(face.mask, face.mask_to_output, 64) > 127
    both = (views["hull"] & views["extended"]).sum() / (views["hull"] | views["extended"]).sum()
    assert both > 0.7  # a hull of the landmarks with and without the brow raised
    assert cv2.countNonZero(views["extended"].astype(np.uint8)) > 64 * 64 * 0.2
