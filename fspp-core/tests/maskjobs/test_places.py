"""`remove_masks`, `copy_masks`, `masks_info` and `preview_masks`, on alignments and on face crops; and the command."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fspp_core import geometry
from fspp_core.alignments import Alignments, read_face_crop, read_face_record
from fspp_core.cli import main
from fspp_core.errors import AlignmentsError, ConfigError, FsppError, MediaError
from fspp_core.maskjobs import (
    AddOptions,
    CopyOptions,
    PreviewOptions,
    RemoveOptions,
    add_masks,
    copy_masks,
    masks_info,
    preview_masks,
    remove_masks,
)
from fspp_core.media import open_media, read_image
from fspp_core.sheet import _MARGIN


@pytest.fixture
def masked(work):
    """The work with masks "components" and "extended" in alignments and crops."""
    options = AddOptions(maskers=("components", "extended"), media=str(work.clip), also=str(work.crops))
    add_masks(work.out, options, components={"components": {"size": 64}})
    return work


@pytest.fixture(params=["alignments", "crops"])
def place(request, masked):
    return getattr(masked, request.param)


def test_info_tells_which_frames_have_which(place):
    remove_masks(place, RemoveOptions(masks=("extended",), frames="1-2,5"))
    found = masks_info(place)
    json.dumps(found)
    assert (found["frames"], found["faces"]) == (6, 12)
    assert found["masks"]["components"] == {
        "faces": 12,
        "sizes": {"64x64": 12},
        "frames": "0-5",
        "partly": "",
        "missing": "",
    }
    extended = found["masks"]["extended"]
    assert (extended["faces"], extended["frames"], extended["missing"]) == (6, "0,3-4", "1-2,5")


def test_info_tells_frames_that_have_it_for_some_faces(masked):
    loaded = Alignments.load(masked.alignments)
    del loaded.frames[4].faces[1].masks["extended"]
    loaded.save(masked.alignments)
    found = masks_info(masked.out)["masks"]["extended"]
    assert (found["frames"], found["partly"]) == ("0-3,5", "4")


def test_removed_masks_come_back_from_the_backup(place):
    before = masks_info(place)
    report = remove_masks(place, RemoveOptions(masks=("components", "extended")))
    assert report.masks == {"components": 12, "extended": 12}
    assert masks_info(place)["masks"] == {}
    [backup] = report.backup
    assert copy_masks(backup, place).masks == {"components": 12, "extended": 12}
    assert masks_info(place) == before


def test_the_others_stay(masked):
    faces = masked.faces()
    remove_masks(masked.out, RemoveOptions(masks=("components",)))
    for key, face in masked.faces().items():
        assert list(face.masks) == ["extended"]
        np.testing.assert_array_equal(face.masks["extended"].image, faces[key].masks["extended"].image)
        np.testing.assert_array_equal(face.landmarks, faces[key].landmarks)


def test_copy_takes_names_frames_and_what_is_not_there(masked):
    remove_masks(masked.crops, RemoveOptions(masks=("components", "extended")))
    report = copy_masks(masked.out, masked.crops, CopyOptions(masks=("components",), frames="0-1"))
    assert report.masks == {"components": 4}
    assert masks_info(masked.crops)["masks"].keys() == {"components"}
    add_masks(
        masked.out,
        AddOptions(maskers=("components",), which="all", media=str(masked.clip)),
        components={"components": {"size": 32}},
    )
    report = copy_masks(masked.out, masked.crops)
    assert report.masks == {"components": 8, "extended": 12}
    assert report.skipped == {"components": 4, "extended": 0}
    assert masks_info(masked.crops)["masks"]["components"]["sizes"] == {"32x32": 8, "64x64": 4}
    report = copy_masks(masked.out, masked.crops, CopyOptions(replace=True))
    assert len(report.backup) == 1
    assert masks_info(masked.crops)["masks"]["components"]["sizes"] == {"32x32": 12}


def test_faces_are_the_same_though_crops_are_renamed_and_landmarks_edited(masked):
    remove_masks(masked.crops, RemoveOptions(masks=("extended",)))
    for number, path in enumerate(sorted(masked.crops.glob("*.png"))[2:]):
        path.rename(masked.crops / f"sorted_{99 - number}.png")
    loaded = Alignments.load(masked.alignments)
    faces = loaded.frames[0].faces
    faces[0].landmarks = faces[0].landmarks + np.float32(3)
    faces.reverse()
    loaded.save(masked.alignments)
    assert copy_masks(masked.out, masked.crops).masks["extended"] == 12
    for path in masked.crops.glob("*.png"):
        crop = read_face_crop(path)
        mask = crop.face.masks["extended"]
        inside = geometry.transform(crop.face.landmarks[27:36], mask.matrix).round().astype(int)
        assert (mask.image[inside[:, 1], inside[:, 0]] == 255).all()


def test_faces_of_other_footage_get_nothing(masked, tmp_path):
    loaded = Alignments.load(masked.alignments)
    other = Alignments(type(loaded.media)(**{**_fields(loaded.media), "fingerprint": "x"}), {}, loaded.frames.values())
    other.save(tmp_path / "other.json")
    with pytest.raises(AlignmentsError, match="has none of these faces"):
        copy_masks(masked.out, tmp_path / "other.json")


def _fields(record):
    return {name: getattr(record, name) for name in record.__struct_fields__}


def test_unknown_names_are_refused(place):
    with pytest.raises(ConfigError, match="has a mask 'extende'; did you mean 'extended'"):
        remove_masks(place, RemoveOptions(masks=("extende",)))
    with pytest.raises(ConfigError, match="masks: name at least one of components, extended"):
        remove_masks(place, RemoveOptions())
    with pytest.raises(ConfigError, match="there are components, extended"):
        copy_masks(place, place, CopyOptions(masks=("zzz",)))


def cell(sheet, row, column, size, head):
    top = head + row * (size + 22 + _MARGIN) + 22
    left = _MARGIN + column * (size + _MARGIN)
    return sheet[top : top + size, left : left + size]


def test_a_contact_sheet_shows_faces_in_each_style(masked, tmp_path):
    options = {"masks": ("extended",), "count": 4, "columns": 2, "size": 96, "media": str(masked.clip)}
    sheets = {}
    for style in ("combined", "masked", "mask"):
        report = preview_masks(masked.out, tmp_path / f"{style}.png", PreviewOptions(**options, style=style))
        assert report.masks == {"extended": 4}
        sheets[style] = read_image(tmp_path / f"{style}.png")
    head = sheets["mask"].shape[0] - 2 * (96 + 22 + _MARGIN) - _MARGIN
    faces = [masked.faces()[key] for key in sorted(masked.faces())]
    with open_media(masked.clip) as reader:
        for place, at in enumerate((0, 4, 7, 11)):
            face = faces[at]
            matrix = geometry.crop_matrix(face.landmarks, "whole", 96)
            crop = geometry.warp(reader.frame(at // 2).bgr8, matrix, 96).astype(int)
            stored = face.masks["extended"]
            through = geometry.compose(matrix, geometry.invert(stored.matrix))
            mask = geometry.warp(stored.image, through, 96)[..., None] / 255
            tiles = {style: cell(sheet, place // 2, place % 2, 96, head).astype(int) for style, sheet in sheets.items()}
            assert np.abs(tiles["mask"] - 255 * mask).max() <= 2
            assert np.abs(tiles["masked"] - crop * mask).max() <= 2
            tinted = crop + 0.4 * mask * ((0, 0, 255) - crop)
            assert np.abs(tiles["combined"] - tinted).max() <= 2


def test_expressions_mix_masks(masked, tmp_path):
    """extended without components is the forehead; a chain takes what a face has."""
    loaded = Alignments.load(masked.alignments)
    for index, frame in loaded.frames.items():
        for face in frame.faces:
            mask = face.masks.pop("components")
            face.masks |= {"hand": mask} if index < 3 else {}
    loaded.save(masked.alignments)
    base = {"style": "mask", "count": 12, "columns": 12, "size": 96, "media": str(masked.clip)}
    names = ("extended - hand", "hand | extended", "hand", "extended", "extended - eyes")
    preview_masks(masked.out, tmp_path / "s.png", PreviewOptions(**base, masks=names))
    sheet = read_image(tmp_path / "s.png")
    head = sheet.shape[0] - 5 * (96 + 22 + _MARGIN) - _MARGIN
    for column in range(12):
        rows = [cell(sheet, row, column, 96, head)[..., 0] / 255 for row in range(5)]
        without, chain, hand, extended, blind = rows
        if column < 6:
            np.testing.assert_allclose(without, extended * (1 - hand), atol=0.02)
            np.testing.assert_allclose(chain, hand, atol=0.02)
            assert 0.01 < without.mean() < 0.2
        else:
            assert not hand.any()
            assert not without.any()  # there is no hand to take away
            np.testing.assert_allclose(chain, extended, atol=0.02)
        assert 0 < extended.sum() - blind.sum() < 0.2 * extended.sum()  # drawn, though nobody stored it


def test_expressions_on_frames(masked, tmp_path):
    options = {"on": "frames", "style": "mask", "media": str(masked.clip), "frames": "2"}
    for name, masks in (("a", "extended"), ("b", "extended + components"), ("c", "extended - components")):
        preview_masks(masked.out, tmp_path / name, PreviewOptions(**options, masks=(masks,)))
    a, b, c = (read_image(tmp_path / name / "zwei_000002.png")[..., 0] / 255 for name in "abc")
    assert np.abs(a - b).mean() < 0.01
    assert 0.02 * a.sum() < c.sum() < 0.5 * a.sum()


@pytest.mark.parametrize(
    ("mask", "text"),
    [
        ("learned * extended", "learned in 'learned .* is there in a conversion only"),
        ("extended -", "masks: "),
        ("extended - hands", "no face in .* has a mask 'hands'"),
    ],
)
def test_expressions_that_cannot_be_shown(masked, tmp_path, mask, text):
    with pytest.raises(ConfigError, match=text):
        preview_masks(masked.crops, tmp_path / "x.png", PreviewOptions(masks=(mask,)))


def test_options_of_a_sheet_change_it(masked, tmp_path):
    base = {"count": 2, "columns": 2, "size": 64}
    changes = [
        {},
        {"masks": ("components",)},
        {"color": "#00ff00"},
        {"opacity": 0.9},
        {"face_type": "head"},
        {"size": 48},
        {"count": 3},
        {"columns": 1},
        {"frames": "2-3"},
        {"style": "masked"},
    ]
    seen = []
    for number, change in enumerate(changes):
        preview_masks(masked.crops, tmp_path / f"{number}.png", PreviewOptions(**{**base, **change}))
        seen.append(read_image(tmp_path / f"{number}.png").tobytes())
    assert len(set(seen)) == len(changes)


def test_frames_as_pictures_and_as_video(masked, tmp_path):
    options = {"on": "frames", "masks": ("extended",), "media": str(masked.clip)}
    report = preview_masks(masked.out, tmp_path / "frames", PreviewOptions(**options, style="mask", frames="2-3"))
    assert report.faces == 4
    assert sorted(p.name for p in (tmp_path / "frames").iterdir()) == ["zwei_000002.png", "zwei_000003.png"]
    mask = read_image(tmp_path / "frames" / "zwei_000002.png")[..., 0]
    for number in (0, 1):
        face = masked.faces()[2, number]
        inside = face.landmarks[27:36].round().astype(int)
        assert (mask[inside[:, 1], inside[:, 0]] == 255).all()
    assert 0.03 < (mask > 127).mean() < 0.4
    preview_masks(masked.out, tmp_path / "v.mp4", PreviewOptions(**options, color="#00ff00", opacity=1.0))
    preview_masks(masked.out, tmp_path / "v.mkv", PreviewOptions(**options, codec="ffv1", frames="1-4"))
    with open_media(tmp_path / "v.mp4") as reader, open_media(masked.clip) as original:
        assert reader.info.frame_count == 6
        shown, before = reader.frame(2).bgr8.astype(int), original.frame(2).bgr8.astype(int)
        assert np.abs(shown[mask > 250] - (0, 255, 0)).mean() < 12
        assert np.abs(shown[mask == 0] - before[mask == 0]).mean() < 4
    with open_media(tmp_path / "v.mkv") as reader:
        assert (reader.info.frame_count, reader.info.codec) == (4, "ffv1")


def test_a_preview_says_what_it_cannot_do(masked, tmp_path):
    media = {"media": str(masked.clip)}
    (tmp_path / "there.png").write_bytes(b"precious")
    for place, output, options, error, text in [
        (masked.out, "there.png", media, MediaError, "is there already"),
        (masked.out, "x.mp4", media, MediaError, "the contact sheet is one picture"),
        (masked.out, "x.png", {}, ConfigError, "media: give the footage"),
        (masked.out, "x", {**media, "on": "frames"}, ConfigError, "frames show one mask; choose from components, ext"),
        (masked.crops, "x", {"on": "frames", "masks": ("extended",)}, ConfigError, "has no frames"),
        (masked.out, "x.png", {**media, "masks": ("no",)}, ConfigError, "has a mask 'no'"),
        (masked.out, "x.png", {**media, "frames": "77"}, AlignmentsError, "there is no face in the frames"),
        (masked.out, "x.png", {**media, "color": "red"}, ConfigError, "mask preview: color"),
    ]:
        with pytest.raises(error, match=text):
            preview_masks(place, tmp_path / output, PreviewOptions(**options))
    assert (tmp_path / "there.png").read_bytes() == b"precious"
    assert not (tmp_path / "x.png").exists()
    preview_masks(masked.out, tmp_path / "there.png", PreviewOptions(**media, count=1, overwrite=True))
    assert read_image(tmp_path / "there.png").size


def test_nothing_to_preview(work, tmp_path):
    with pytest.raises(AlignmentsError, match="make some with: fspp mask add"):
        preview_masks(work.crops, tmp_path / "x.png")


@pytest.fixture
def fspp(work, plugin, monkeypatch, tmp_path, capsys):
    """`fspp("add", "out", ...)` runs `fspp mask` and gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fspp_core.cli.mask.start_backend", lambda: None)

    def run(*words):
        code = main(["mask", *map(str, words), "--plugin", str(plugin)])
        return code, *capsys.readouterr()

    return run


def test_the_command_does_it_all(fspp, work, tmp_path):
    words = ["--media", work.clip, "--maskers", "bright,components", "-o", "components.size=48"]
    code, out, err = fspp("add", "out", *words, "--missing", "--json")
    report = json.loads(out)
    assert (code, report["masks"]) == (0, {"bright": 12, "components": 12})
    assert report["components"]["components"] == {"size": 48}
    assert "mask: 12/12 face" in err
    code, out, _ = fspp("add", "out", *words, "--all", "--json")
    assert json.loads(out)["masks"] == {"bright": 12, "components": 12}
    assert fspp("add", "out", *words)[1].split("skipped")[1].split()[1:5] == ["bright", "12", "components", "12"]
    assert fspp("preview", "out", "s.png", "--media", work.clip, "--count", "2")[0] == 0
    assert (tmp_path / "s.png").exists()
    assert fspp("export", "out", "ex", "--mask", "components", "--depth", "16")[0] == 0
    assert fspp("import", "out", "ex", "--mask", "painted", "--size", "64")[0] == 0
    assert fspp("copy", "out", "out/faces", "--masks", "painted")[0] == 0
    code, out, _ = fspp("info", "out/faces")
    assert [line.split() for line in out.splitlines()[1:]] == [
        ["MASK", "FACES", "SIZES", "FRAMES", "PARTLY", "MISSING"],
        ["painted", "12", "64x64", "0-5", "none", "none"],
    ]
    assert fspp("remove", "out", "--masks", "painted,bright", "--frames", "0-2")[0] == 0
    found = json.loads(fspp("info", "out", "--json")[1])["masks"]
    assert (found["painted"]["frames"], found["components"]["frames"]) == ("3-5", "0-5")
    assert read_face_record(next(iter(work.crops.glob("*.png")))).face.masks.keys() == {"painted"}


def test_the_command_takes_component_options_of_the_project(fspp, work, tmp_path):
    (tmp_path / "fspp.toml").write_text("[components.components]\nsize = 40\n", encoding="utf-8")
    fspp("add", "out", "--media", work.clip, "--maskers", "components")
    assert masks_info(work.out)["masks"]["components"]["sizes"] == {"40x40": 12}


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["add", "out", "--maskers", "bright"], 2, "media: give the footage"),
        (["add", "out", "--maskers", "components", "-o", "components.size=no"], 2, "components.size"),
        (["add", "out", "--batch-size", "0"], 2, "batch_size"),
        (["add", "nothing", "--maskers", "components"], 1, "there are no alignments"),
        (["remove", "out", "--masks", "x"], 2, "no face in"),
        (["info", "nothing"], 1, "there are no alignments"),
    ],
)
def test_the_command_says_what_is_wrong(fspp, words, code, text):
    got, out, err = fspp(*words)
    assert (got, out) == (code, "")
    assert text in err


def test_every_error_is_ours(work):
    (work.out / "alignments.json").write_text("{", encoding="utf-8")
    with pytest.raises(FsppError, match="damaged"):
        masks_info(work.out)
