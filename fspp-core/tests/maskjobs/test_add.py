"""`add_masks`: on frames and on face crops, in full batches, and losing nothing however it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from fspp_core import geometry
from fspp_core.alignments import Alignments, read_face_crop, read_face_record
from fspp_core.alignments.crops import read_stored_crop
from fspp_core.errors import AlignmentsError, BusyError, Cancelled, ConfigError, MediaError, PluginError
from fspp_core.extraction import ExtractOptions, extract
from fspp_core.extraction.mask_options import ComponentsOptions
from fspp_core.extraction.maskers import ComponentsMasker
from fspp_core.locking import exclusive
from fspp_core.maskjobs import AddOptions, add_masks, masks_info
from fspp_core.media import open_media, write_image


@pytest.fixture
def add(work, toy, toy_registry):
    """`add("bright", which="all", components={...})` on the copied alignments with the footage."""

    def run(*maskers, place=None, components=None, progress=lambda event: None, cancel=None, **options):
        place = work.out if place is None else place
        if place in (work.out, work.alignments):
            options.setdefault("media", str(work.clip))
        return add_masks(
            place,
            AddOptions(maskers=maskers, **options),
            components=components,
            registry=toy_registry,
            progress=progress,
            cancel=cancel,
        )

    return run


def test_masks_are_those_of_the_maskers(add, work):
    report = add("components", "bright", components={"components": {"size": 96}})
    assert report.masks == {"components": 12, "bright": 12}
    hull = ComponentsMasker(ComponentsOptions(size=96))
    with open_media(work.clip) as reader:
        for (index, _), face in work.faces().items():
            matrix = geometry.crop_matrix(face.landmarks, "whole", 96)
            points = geometry.transform(face.landmarks, matrix)[None]
            expected = np.rint(255 * hull.mask(np.zeros((1, 96, 96, 3), np.uint8), points)[0])
            np.testing.assert_array_equal(face.masks["components"].image, expected)
            np.testing.assert_allclose(face.masks["components"].matrix, matrix)
            full = geometry.crop_matrix(face.landmarks, "full", 64)
            crop = geometry.warp(reader.frame(index).bgr8, full, 64)
            np.testing.assert_array_equal(face.masks["bright"].image, 255 * (crop.mean(axis=2) >= 127.5))


def test_batches_are_full_across_frames(add, toy):
    add("bright", batch_size=5)
    assert toy.BATCHES == [5, 5, 2]
    assert len(toy.CLOSED) == 1


def test_what_is_there_stays_unless_all_are_made(add, work):
    add("bright", frames="1-2")
    first = {key: face.masks for key, face in work.faces().items()}
    assert {index for (index, _), masks in first.items() if masks} == {1, 2}
    report = add("bright", components={"bright": {"least": 0.2}})
    assert (report.masks, report.skipped) == ({"bright": 8}, {"bright": 4})
    for key, face in work.faces().items():
        if key[0] in (1, 2):
            np.testing.assert_array_equal(face.masks["bright"].image, first[key]["bright"].image)
    report = add("bright", which="all", components={"bright": {"least": 0.2}})
    assert report.masks == {"bright": 12}
    for key, face in work.faces().items():
        if key[0] in (1, 2):
            assert face.masks["bright"].image.sum() > first[key]["bright"].image.sum()


def test_the_backup_is_the_file_from_before(add, work):
    before = work.alignments.read_bytes()
    [backup] = add("components").backup
    assert backup.read_bytes() == before
    again = work.alignments.read_bytes()
    assert add("components").backup == ()  # nothing to do, nothing written
    assert work.alignments.read_bytes() == again != before


def test_options_are_recorded_and_extract_leaves_the_file_alone(add, work, extracted):
    add("components", components={"components": {"size": 32}})
    after = work.alignments.read_bytes()
    added = Alignments.load(work.alignments).settings["added"]["masks"]
    assert added == {"components": {"options": {"size": 32}, "versions": {"fspp-core": "0.1.0"}}}
    options = ExtractOptions(maskers=(), recognizers=(), size=128, tracks=False)
    extract(work.clip, work.out, options, components={"mtcnn": {"min_face": 40}})
    assert work.alignments.read_bytes() == after


def test_face_crops_keep_their_pixels(add, work):
    pixels = {path: read_face_crop(path).crop.image for path in work.crops.glob("*.png")}
    tags = {path: path.read_bytes().count(b"iTXt") for path in pixels}
    report = add("bright", "components", place=work.crops, components={"bright": {"face_type": "whole", "size": 128}})
    assert report.masks == {"bright": 12, "components": 12}
    for path, image in pixels.items():
        crop = read_face_crop(path)
        np.testing.assert_array_equal(crop.crop.image, image)
        assert path.read_bytes().count(b"iTXt") == tags[path]
        np.testing.assert_array_equal(crop.face.masks["bright"].image, 255 * (image.mean(axis=2) >= 127.5))
        assert crop.face.masks["components"].image.any()


def test_masks_of_crops_lie_where_those_of_frames_do(add, work):
    add("components", place=work.crops)
    add("components")
    for key, face in work.faces().items():
        [crop] = [c for p in work.crops.glob("*.png") if ((c := read_face_record(p)).frame_index, c.face_index) == key]
        np.testing.assert_array_equal(crop.face.masks["components"].image, face.masks["components"].image)


def test_the_alignments_beside_crops_get_them_too(add, work):
    report = add("bright", place=work.crops, also=str(work.alignments))
    assert report.also == work.alignments
    for (index, number), face in work.faces().items():
        [crop] = [
            c
            for p in work.crops.glob("*.png")
            if ((c := read_face_record(p)).frame_index, c.face_index) == (index, number)
        ]
        np.testing.assert_array_equal(face.masks["bright"].image, crop.face.masks["bright"].image)


def test_a_crop_too_small_for_the_masker_is_said(add, work, caplog):
    add("bright", place=work.crops, components={"bright": {"face_type": "head"}})
    assert "masker bright looks at head, which is more than the face crops show" in caplog.text


def test_what_goes_by_landmarks_alone_needs_no_footage(add, work, monkeypatch):
    monkeypatch.setattr("fspp_core.maskjobs.sources.read_face_crop", lambda path: pytest.fail("looked at"))
    assert add("components", media=None).masks == {"components": 12}
    assert add("components", place=work.crops).masks == {"components": 12}


def test_the_other_place_gets_what_is_made_anew_after_a_stop(add, work):
    old = {"components": {"components": {"size": 32}}}
    new = {"components": {"components": {"size": 48}}, "batch_size": 4, "also": str(work.crops)}
    add("components", also=str(work.crops), **old)
    cancel = threading.Event()
    with pytest.raises(Cancelled):
        add("components", which="all", cancel=cancel, progress=lambda event: event.done and cancel.set(), **new)
    assert masks_info(work.crops)["masks"] == {}
    add("components", **new)
    assert masks_info(work.crops)["masks"]["components"]["sizes"] == {"48x48": 12}


def test_frames_without_faces_are_jumped_over(work, monkeypatch):
    from fspp_core.maskjobs import sources

    monkeypatch.setattr(sources, "_GAP", 1)
    assert list(sources._runs([0, 1, 4, 5, 9])) == [range(2), range(4, 6), range(9, 10)]


def test_a_failure_keeps_what_was_done(add, work):
    with pytest.raises(RuntimeError, match="had enough"):
        add("bright", batch_size=4, components={"bright": {"fail_after": 2}})
    assert sum("bright" in face.masks for face in work.faces().values()) == 8
    assert add("bright").masks == {"bright": 4}


def test_cancel_saves(add, work):
    cancel = threading.Event()
    with pytest.raises(Cancelled):
        add("bright", batch_size=4, cancel=cancel, progress=lambda event: event.done and cancel.set())
    assert sum("bright" in face.masks for face in work.faces().values()) == 4


def test_made_anew_goes_on_with_missing(add, work):
    add("bright")
    cancel = threading.Event()
    options = {"components": {"bright": {"least": 0.2}}, "batch_size": 4}
    with pytest.raises(Cancelled):
        add("bright", which="all", cancel=cancel, progress=lambda event: event.done and cancel.set(), **options)
    assert add("bright", **options).masks == {"bright": 8}
    half = {key: face.masks["bright"].image for key, face in work.faces().items()}
    add("bright", which="all", **options)
    for key, face in work.faces().items():
        np.testing.assert_array_equal(half[key], face.masks["bright"].image)


SCRIPT = """
import sys
from fspp_core.maskjobs import AddOptions, add_masks, adding
from fspp_core.registry import load_registry
adding._SAVE_EVERY_S = 0.0
plugin, place, media = sys.argv[1:]
options = AddOptions(maskers=("bright",), batch_size=1, media=media or None)
add_masks(place, options, registry=load_registry(plugin_files=[plugin]), progress=lambda e: print(e.done, flush=True))
"""


@pytest.mark.parametrize("on", ["frames", "crops"])
def test_a_kill_loses_nothing(work, add, plugin, on):
    place, media = (work.alignments, work.clip) if on == "frames" else (work.crops, "")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FSPP_")} | {"TOY_PAUSE_S": "0.05"}
    had = 0
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(plugin), str(place), str(media)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        )
        while (line := process.stdout.readline()) and int(line) < 2:
            pass
        time.sleep(0.02)
        process.kill()
        assert "Error" not in process.communicate()[1]
        found = masks_info(place)
        assert found["faces"] == 12
        now = found["masks"].get("bright", {"faces": 0})["faces"]
        assert now > had
        had = now
    assert 3 <= had < 12
    assert add("bright", place=place).masks == {"bright": 12 - had}
    clean = masks_info(place)["masks"]["bright"]
    assert (clean["faces"], clean["missing"]) == (12, "")
    for path in work.crops.glob("*.png"):
        read_face_crop(path)


def test_two_runs_do_not_write_at_once(add, work):
    with exclusive(work.out), pytest.raises(BusyError):
        add("components")


def test_what_another_program_changes_is_not_written_over(add, work):
    changed = []

    def meddle(event):
        if not changed:
            changed.append(work.alignments.read_bytes().replace(b"zwei.mp4", b"drei.mp4"))
            work.alignments.write_bytes(changed[0])

    with pytest.raises(AlignmentsError, match="another program has changed it"):
        add("components", progress=meddle)
    assert work.alignments.read_bytes() == changed[0]


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"maskers": ()}, ConfigError, "maskers: name at least one of .*components"),
        ({"maskers": ("bright", "bright")}, ConfigError, "given once"),
        ({"maskers": ("brigth",)}, PluginError, "did you mean 'bright'"),
        ({"media": None}, ConfigError, r"media: give the footage .*zwei\.mp4"),
        ({"frames": "7-3"}, ConfigError, "'7-3' ends before it begins; write 3-7"),
        ({"frames": "a"}, ConfigError, "'a' is no frame"),
    ],
)
def test_what_does_not_fit_is_said_before(work, toy_registry, change, error, text):
    before = work.alignments.read_bytes()
    options = AddOptions(**{"maskers": ("bright",), "media": str(work.clip), **change})
    with pytest.raises(error, match=text):
        add_masks(work.out, options, registry=toy_registry)
    assert work.alignments.read_bytes() == before


def test_other_footage_is_refused(add, work, tmp_path, astronaut):
    write_image(tmp_path / "other.png", astronaut)
    with pytest.raises(AlignmentsError, match=r"not of 'other\.png'"):
        add("components", media=str(tmp_path / "other.png"))


def test_face_crops_take_no_footage(add, work):
    with pytest.raises(ConfigError, match=r"media: .* looked at themselves"):
        add("components", place=work.crops, media=str(work.clip))


def test_a_crop_without_a_record_is_named(add, work, astronaut):
    write_image(work.crops / "stray.png", astronaut)
    with pytest.raises(AlignmentsError, match=r"stray\.png: carries no fspp record"):
        add("components", place=work.crops)
    assert not any(read_stored_crop(p).face.masks for p in work.crops.glob("zwei*.png"))


def test_a_changed_crop_is_named(add, work):
    path = sorted(work.crops.glob("*.png"))[3]
    crop, stored = read_face_crop(path), read_stored_crop(path)
    from fspp_core.alignments.records import encoded

    write_image(path, crop.crop.image[:64, :64], text={"fspp": encoded(stored).decode()})
    with pytest.raises(AlignmentsError, match=f"{path.name}: its record says 128x128"):
        add("bright", place=work.crops)


def test_an_empty_folder_and_an_unfinished_extract_are_named(add, work, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(AlignmentsError, match=r"neither alignments\.json in it, nor a face crop"):
        add("components", place=tmp_path / "empty")
    with pytest.raises(AlignmentsError, match="there are no alignments"):
        add("components", place=tmp_path / "nothing")
    (work.out / "alignments.json.journal").write_bytes(b"")
    with pytest.raises(AlignmentsError, match="its extract was interrupted"):
        add("components")


def test_missing_footage_is_named(add, tmp_path):
    with pytest.raises(MediaError, match=r"no\.mp4"):
        add("components", media=str(tmp_path / "no.mp4"))


def test_engine_and_precision_hold_for_maskers_that_leave_the_choice(add):
    report = add("bright", "components", engine="openvino", precision="bf16", frames="0")
    assert {report.components["bright"][key] for key in ("engine", "precision")} == {"openvino", "bf16"}
    report = add("bright", engine="openvino", components={"bright": {"engine": "keras"}}, which="all", frames="0")
    assert report.components["bright"]["engine"] == "keras"


def test_progress_counts_faces(add):
    told = []
    add("components", batch_size=4, progress=lambda event: told.append((event.done, event.total)))
    assert [done for done, _ in told] == [0, 4, 8, 12]
    assert {total for _, total in told} == {12}
    json.dumps(add("components").to_dict())
