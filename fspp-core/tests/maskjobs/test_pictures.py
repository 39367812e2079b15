"""`export_masks` and `import_masks`: what goes out comes in again, and what does not fit is named."""

from __future__ import annotations

import numpy as np
import pytest

from fspp_core import geometry
from fspp_core.alignments import read_face_record
from fspp_core.errors import AlignmentsError, ConfigError, MediaError
from fspp_core.maskjobs import AddOptions, ExportOptions, ImportOptions, add_masks, export_masks, import_masks
from fspp_core.maskjobs.ranges import compact, frame_filter
from fspp_core.media import open_media, read_image, write_image


@pytest.fixture
def masked(work):
    """The work with a mask "components" of 96 pixels in alignments and crops."""
    options = AddOptions(maskers=("components",), media=str(work.clip), also=str(work.crops))
    add_masks(work.out, options, components={"components": {"size": 96}})
    return work


def masks_of(place):
    if place.name == "faces":
        return {p.stem: read_face_record(p).face.masks for p in place.glob("*.png")}
    from fspp_core.alignments import Alignments

    loaded = Alignments.load(place)
    return {
        f"{frame.name}_{number}": face.masks
        for index, frame in loaded.frames.items()
        for number, face in enumerate(loaded.faces(index))
    }


@pytest.mark.parametrize("depth", ["8", "16"])
def test_the_same_crop_comes_back_as_it_was(masked, tmp_path, depth):
    options = ExportOptions(mask="components", face_type="whole", size=96, depth=depth)
    assert export_masks(masked.out, tmp_path / "ex", options).masks == {"components": 12}
    files = sorted((tmp_path / "ex").iterdir())
    assert len(files) == 12
    assert read_image(files[0]).dtype == (np.uint16 if depth == "16" else np.uint8)
    report = import_masks(masked.out, tmp_path / "ex", ImportOptions(mask="painted"))
    assert report.masks == {"painted": 12}
    for name, masks in masks_of(masked.alignments).items():
        np.testing.assert_array_equal(masks["painted"].image, masks["components"].image)
        np.testing.assert_allclose(masks["painted"].matrix, masks["components"].matrix)
        exported = read_image(tmp_path / "ex" / f"{name}.png")[..., 0]
        scale = 257 if depth == "16" else 1
        np.testing.assert_array_equal(exported, masks["components"].image * np.uint32(scale))


def test_sixteen_bits_are_rounded_to_eight(masked, tmp_path):
    values = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    write_image(tmp_path / "p" / "zwei_000002_1.png", values)
    import_masks(masked.out, tmp_path / "p", ImportOptions(mask="ramp"))
    stored = masks_of(masked.alignments)["zwei_000002_1"]["ramp"].image
    np.testing.assert_array_equal(stored, np.rint(values / 257))


def test_crops_have_pictures_of_their_own_size_and_name(masked, tmp_path):
    one = sorted(masked.crops.glob("*.png"))[4]
    renamed = one.rename(one.with_name("sortiert über 7.png"))
    export_masks(masked.crops, tmp_path / "ex", ExportOptions(mask="components"))
    picture = read_image(tmp_path / "ex" / renamed.name)
    record = read_face_record(renamed)
    through = geometry.compose(record.matrix, geometry.invert(record.face.masks["components"].matrix))
    expected = geometry.warp(record.face.masks["components"].image, through, 128)
    assert picture.shape == (128, 128, 3)
    assert np.abs(picture[..., 0].astype(int) - expected).max() <= 1
    import_masks(masked.crops, tmp_path / "ex", ImportOptions(mask="painted"))
    painted = read_face_record(renamed).face.masks["painted"]
    np.testing.assert_array_equal(painted.image, picture[..., 0])
    np.testing.assert_array_equal(painted.matrix, record.matrix)


def test_frames_go_out_and_come_back(masked, tmp_path):
    export_masks(masked.out, tmp_path / "ex", ExportOptions(mask="components", space="frame"))
    shape = read_image(tmp_path / "ex" / "zwei_000000_0.png").shape
    with open_media(masked.clip) as reader:
        assert shape == reader.frame(0).image.shape
    import_masks(masked.out, tmp_path / "ex", ImportOptions(mask="painted", space="frame", size=96))
    for masks in masks_of(masked.alignments).values():
        np.testing.assert_allclose(masks["painted"].matrix, masks["components"].matrix)
        there, back = masks["components"].image > 127, masks["painted"].image > 127
        assert (there & back).sum() / (there | back).sum() > 0.97


def test_a_frame_mask_lies_on_the_face(masked, tmp_path):
    export_masks(masked.out, tmp_path / "ex", ExportOptions(mask="components", space="frame"))
    for (index, number), face in masked.faces().items():
        mask = read_image(tmp_path / "ex" / f"zwei_{index:06d}_{number}.png")[..., 0] > 127
        drawn = geometry.fill_polygons(geometry.components_hulls(face.landmarks), mask.shape[::-1]) > 127
        assert (mask & drawn).sum() / (mask | drawn).sum() > 0.93


@pytest.mark.parametrize(
    ("options", "size", "face_type"),
    [({}, 200, "whole"), ({"size": 50}, 50, "whole"), ({"face_type": "full"}, 200, "full")],
)
def test_import_options_say_how_it_is_stored(masked, tmp_path, options, size, face_type):
    disc = np.zeros((200, 200), np.uint8)
    disc[60:140, 60:140] = 255
    write_image(tmp_path / "p" / "zwei_000001_0.png", disc)
    import_masks(masked.out, tmp_path / "p", ImportOptions(mask="painted", **options))
    mask = masks_of(masked.alignments)["zwei_000001_0"]["painted"]
    face = masked.faces()[1, 0]
    assert mask.image.shape == (size, size)
    np.testing.assert_allclose(mask.matrix, geometry.crop_matrix(face.landmarks, face_type, size))
    assert mask.image[size // 2, size // 2] == 255
    assert abs((mask.image > 127).mean() - 0.16) < 0.01


def test_a_lone_face_may_go_by_its_frame(masked, tmp_path):
    from fspp_core.alignments import Alignments

    loaded = Alignments.load(masked.alignments)
    loaded.frames[3].faces = loaded.frames[3].faces[:1]
    loaded.save(masked.alignments)
    write_image(tmp_path / "p" / "zwei_000003.png", np.full((40, 40), 255, np.uint8))
    assert import_masks(masked.out, tmp_path / "p", ImportOptions(mask="all")).masks == {"all": 1}
    assert masks_of(masked.alignments)["zwei_000003_0"]["all"].image.min() == 255
    write_image(tmp_path / "p" / "zwei_000003_0.png", np.full((40, 40), 255, np.uint8))
    with pytest.raises(MediaError, match=r"zwei_000003\.png and zwei_000003_0\.png are both for face 0"):
        import_masks(masked.out, tmp_path / "p", ImportOptions(mask="two"))


GREY = np.full((128, 128), 200, np.uint8)


@pytest.mark.parametrize(
    ("name", "picture", "options", "text"),
    [
        ("zwei_000001_7", GREY, {}, r"no face is called 'zwei_000001_7'; did you mean zwei_000001_"),
        ("zwei_000001", GREY, {}, r"there are 2 faces in this frame; call it zwei_000001_0\.png or zwei_000001_1\.png"),
        ("zwei_000001_0", GREY[:100], {}, r"is 128x100 pixels, not 128x128; face pictures are square"),
        ("zwei_000001_0", GREY, {"space": "frame"}, r"is 128x128 pixels, not 352x176; paint over the whole frame"),
        ("zwei_000001_0", np.dstack([GREY, GREY, GREY // 2]), {}, r"not grey: the pixel at 0, 0 is red 100, green 200"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_changed(masked, tmp_path, name, picture, options, text):
    before = masked.alignments.read_bytes()
    write_image(tmp_path / "p" / "zwei_000000_0.png", np.full((352, 352), 9, np.uint8)[:176] if options else GREY)
    write_image(tmp_path / "p" / f"{name}.png", picture)
    with pytest.raises(MediaError, match=text) as raised:
        import_masks(masked.out, tmp_path / "p", ImportOptions(mask="painted", **options))
    assert f"{name}.png" in str(raised.value)
    assert "nothing was imported" in str(raised.value)
    assert masked.alignments.read_bytes() == before


def test_a_picture_for_a_crop_must_have_its_size(masked, tmp_path):
    write_image(tmp_path / "p" / "zwei_000001_0.png", GREY[:64, :64])
    with pytest.raises(MediaError, match="is 64x64 pixels, not 128x128; paint over the face crop"):
        import_masks(masked.crops, tmp_path / "p", ImportOptions(mask="painted"))
    import_masks(masked.crops, tmp_path / "p", ImportOptions(mask="painted", face_type="head"))
    assert masks_of(masked.crops)["zwei_000001_0"]["painted"].image.shape == (64, 64)


def test_a_damaged_picture_is_named(masked, tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "zwei_000001_0.png").write_bytes(b"\x89PNG\r\n\x1a\nhalf")
    with pytest.raises(MediaError, match=r"zwei_000001_0\.png: the picture is cut off"):
        import_masks(masked.out, tmp_path / "p", ImportOptions(mask="painted"))


def test_names_that_two_faces_share_are_refused(masked, tmp_path):
    """A frame called like another frame's face."""
    from fspp_core.alignments import Alignments
    from fspp_core.alignments.records import FrameRecord

    loaded = Alignments.load(masked.alignments)
    face = loaded.frames[1].faces[0]
    loaded.frames[5] = FrameRecord(index=5, name="zwei_000001_1", faces=[face])
    loaded.save(masked.alignments)
    write_image(tmp_path / "p" / "zwei_000001_1.png", GREY)
    with pytest.raises(MediaError, match="may be face 1 of zwei_000001 or face 0 of zwei_000001_1; call it"):
        import_masks(masked.out, tmp_path / "p", ImportOptions(mask="painted"))


def test_masks_of_a_name_are_replaced_only_when_told(masked, tmp_path):
    write_image(tmp_path / "p" / "zwei_000001_0.png", GREY)
    options = {"mask": "components", "size": 128}
    with pytest.raises(ConfigError, match="1 of these faces have a mask 'components' already, such as zwei_000001_0"):
        import_masks(masked.out, tmp_path / "p", ImportOptions(**options))
    before = masked.alignments.read_bytes()
    [backup] = import_masks(masked.out, tmp_path / "p", ImportOptions(**options, replace=True)).backup
    assert backup.read_bytes() == before
    found = masks_of(masked.alignments)
    assert (found["zwei_000001_0"]["components"].image == 200).all()
    assert found["zwei_000001_1"]["components"].image.shape == (96, 96)


def test_what_is_painted_beyond_the_crop_is_said(masked, tmp_path, caplog):
    write_image(tmp_path / "p" / "zwei_000001_0.png", np.full((176, 352), 255, np.uint8))
    import_masks(masked.out, tmp_path / "p", ImportOptions(mask="painted", space="frame"))
    assert "1 masks reach beyond the crop" in caplog.text


def test_export_takes_frames_and_blank_ones(masked, tmp_path):
    export_masks(masked.out, tmp_path / "a", ExportOptions(mask="components", frames="0,4-5", size=32))
    assert {p.name[5:11] for p in (tmp_path / "a").iterdir()} == {"000000", "000004", "000005"}
    export_masks(masked.out, tmp_path / "b", ExportOptions(mask="new", blank=True, size=32))
    pictures = [read_image(p) for p in (tmp_path / "b").iterdir()]
    assert len(pictures) == 12
    assert not np.any(pictures)
    assert pictures[0].shape == (32, 32, 3)


def test_painted_pictures_are_not_written_over(masked, tmp_path):
    options = {"mask": "components", "size": 32}
    export_masks(masked.out, tmp_path / "a", ExportOptions(**options))
    with pytest.raises(MediaError, match="12 pictures of these names lie there already"):
        export_masks(masked.out, tmp_path / "a", ExportOptions(**options))
    export_masks(masked.out, tmp_path / "a", ExportOptions(**options, overwrite=True))
    with pytest.raises(MediaError, match="is the folder of the face crops themselves"):
        export_masks(masked.crops, masked.crops, ExportOptions(**options, overwrite=True))
    with pytest.raises(MediaError, match="is a file"):
        export_masks(masked.out, masked.alignments, ExportOptions(**options))


def test_unknown_masks_are_named(masked, tmp_path):
    with pytest.raises(ConfigError, match=r"no face in .* has a mask 'component'; did you mean 'components'"):
        export_masks(masked.out, tmp_path / "a", ExportOptions(mask="component"))
    with pytest.raises(ConfigError, match="mask: name the one to export, of components"):
        export_masks(masked.out, tmp_path / "a", ExportOptions())
    with pytest.raises(ConfigError, match="mask: give the name"):
        import_masks(masked.out, tmp_path, ImportOptions())
    with pytest.raises(MediaError, match="there is no such folder"):
        import_masks(masked.out, tmp_path / "no", ImportOptions(mask="x"))
    (tmp_path / "leer").mkdir()
    with pytest.raises(MediaError, match="there are no pictures in it"):
        import_masks(masked.out, tmp_path / "leer", ImportOptions(mask="x"))


def test_a_damaged_mask_is_named(masked, tmp_path):
    from fspp_core.alignments import Alignments

    loaded = Alignments.load(masked.alignments)
    mask = loaded.frames[2].faces[1].masks["components"]
    mask.png = mask.png[:40]
    loaded.save(masked.alignments)
    with pytest.raises(AlignmentsError, match="frame zwei_000002, face 1: mask 'components' is damaged"):
        export_masks(masked.out, tmp_path / "a", ExportOptions(mask="components"))


def test_pictures_of_many_sizes_have_masks_of_their_frames_size(tmp_path, work, astronaut):
    """A folder of pictures that differ in size: the footage says how large each is."""
    from fspp_core.alignments import Alignments
    from fspp_core.extraction.plan import media_record

    sizes = [(512, 512), (400, 300)]
    for number, (width, height) in enumerate(sizes):
        write_image(tmp_path / "pics" / f"p{number}.png", astronaut[:height, :width])
    with open_media(tmp_path / "pics") as reader:
        loaded = Alignments(media_record(reader), {})
        for index, face in enumerate([work.faces()[0, 0], work.faces()[0, 0]]):
            loaded.set_faces(index, [face], name=reader.name(index))
    loaded.save(tmp_path / "a.json")
    add_masks(tmp_path / "a.json", AddOptions(maskers=("components",), media=str(tmp_path / "pics")))
    options = ExportOptions(mask="components", space="frame", media=str(tmp_path / "pics"))
    export_masks(tmp_path / "a.json", tmp_path / "ex", options)
    for number, (width, height) in enumerate(sizes):
        assert read_image(tmp_path / "ex" / f"p{number}_0.png").shape == (height, width, 3)
    taking = ImportOptions(mask="p", space="frame", media=str(tmp_path / "pics"))
    assert import_masks(tmp_path / "a.json", tmp_path / "ex", taking).masks == {"p": 2}


def test_ranges():
    inside = frame_filter("0-2, 7")
    assert [i for i in range(9) if inside(i)] == [0, 1, 2, 7]
    assert all(map(frame_filter(""), range(5)))
    assert compact([0, 2, 4, 8], [0, 2, 4, 6, 8]) == "0-4,8"
    assert compact([], [1]) == ""
    assert compact([3], [3]) == "3"
