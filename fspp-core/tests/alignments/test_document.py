"""The alignments file is valid JSON by its schema, comes back exactly, and says where it is damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from fspp_core.alignments import SCHEMA_VERSION, Alignments, FrameRecord, MediaRecord, alignments_schema
from fspp_core.alignments.migrations import migrate
from fspp_core.alignments.records import FaceRecord, MaskRecord, encoded
from fspp_core.errors import AlignmentsError
from fspp_core.types import Face

MakeFrame = Callable[[int], FrameRecord]


@pytest.fixture
def saved(tmp_path: Path, media: MediaRecord, make_frame: MakeFrame) -> Path:
    path = tmp_path / "größe" / "alignments 中文.json"
    Alignments(media, {"detector": "mtcnn", "min_face": 40}, [make_frame(i) for i in (2, 0, 1, 5)]).save(path)
    return path


def test_it_is_json_with_one_frame_a_line(saved: Path) -> None:
    text = saved.read_bytes().decode("utf-8")
    document = json.loads(text)
    assert [frame["index"] for frame in document["frames"]] == [0, 1, 2, 5]
    lines = text.splitlines()
    assert len(lines) == 4 + len(document["frames"]) + 1
    for line, frame in zip(lines[4:-1], document["frames"], strict=True):
        assert json.loads(line.rstrip(",")) == frame


def test_it_comes_back_the_same(saved: Path, tmp_path: Path, media: MediaRecord) -> None:
    alignments = Alignments.load(saved)
    assert alignments.media == media
    assert alignments.settings == {"detector": "mtcnn", "min_face": 40}
    assert list(alignments.frames) == [0, 1, 2, 5]
    assert alignments.face_count == 5
    assert [len(alignments.faces(index)) for index in (0, 1, 2, 3, 5)] == [0, 1, 2, 0, 2]
    again = tmp_path / "again.json"
    alignments.save(again)
    assert again.read_bytes() == saved.read_bytes()


def test_other_layouts_of_the_same_json_are_read(saved: Path) -> None:
    document = json.loads(saved.read_text(encoding="utf-8"))
    whole = saved.read_bytes()
    saved.write_text(json.dumps(document, indent=2), encoding="utf-8")
    alignments = Alignments.load(saved)
    alignments.save(saved)
    assert saved.read_bytes() == whole


def test_no_frames_at_all(tmp_path: Path, media: MediaRecord) -> None:
    path = tmp_path / "a.json"
    Alignments(media, {}).save(path)
    jsonschema.validate(json.loads(path.read_text(encoding="utf-8")), alignments_schema())
    assert Alignments.load(path).frames == {}


def test_faces_are_replaced(saved: Path, make_face: Callable[[int], Face]) -> None:
    alignments = Alignments.load(saved)
    alignments.set_faces(2, [make_face(99)])
    assert alignments.frames[2].name == "größe_000002"
    assert alignments.frames[2].pts == 1024
    assert alignments.faces(2)[0].track == 99
    alignments.set_faces(7, [], name="new", pts=9)
    assert (alignments.frames[7].name, alignments.frames[7].pts) == ("new", 9)
    with pytest.raises(AlignmentsError, match="frame 8 is new: give its name"):
        alignments.set_faces(8, [])


def test_a_failed_save_leaves_the_old_file(saved: Path) -> None:
    before = saved.read_bytes()
    alignments = Alignments.load(saved)
    alignments.settings["bad"] = float("inf")
    with pytest.raises(AlignmentsError, match=r"settings\.bad must be a finite number"):
        alignments.save(saved)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_cuts_are_kept_and_cost_nothing_where_there_are_none(tmp_path: Path, media: MediaRecord) -> None:
    plain = FrameRecord(index=0, name="a", pts=1, cut=False)
    assert encoded(plain) == b'{"index":0,"name":"a","pts":1,"faces":[]}'  # as before there were cuts
    frames = [plain, FrameRecord(index=1, name="b", pts=2, cut=True), FrameRecord(index=2, name="c", pts=3)]
    path = tmp_path / "a.json"
    Alignments(media, {}, frames).save(path)
    jsonschema.validate(json.loads(path.read_text(encoding="utf-8")), alignments_schema())
    alignments = Alignments.load(path)
    assert [bool(frame.cut) for frame in alignments.frames.values()] == [False, True, False]
    alignments.set_faces(1, [])
    alignments.set_faces(2, [])
    alignments.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()
    path.write_bytes(path.read_bytes().replace(b'"cut":true', b'"cut":1'))
    with pytest.raises(AlignmentsError, match=r"line 6: damaged alignments: .*bool.*cut"):
        Alignments.load(path)


# The schema


def test_files_fit_the_schema(saved: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(alignments_schema())
    jsonschema.validate(json.loads(saved.read_text(encoding="utf-8")), alignments_schema())


def test_the_schema_lists_the_fields_of_the_records() -> None:
    definitions = alignments_schema()["$defs"]
    for name, record in (("face", FaceRecord), ("frame", FrameRecord), ("media", MediaRecord), ("mask", MaskRecord)):
        assert list(definitions[name]["properties"]) == list(record.__struct_fields__)
        required = {field.name for field in msgspec.structs.fields(record) if field.required}
        assert set(definitions[name]["required"]) == required


def change(frame: int, face: int | None, key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def apply(document: dict[str, Any]) -> None:
        record = document["frames"][frame]
        if face is not None:
            record = record["faces"][face]
        if value is KeyError:
            del record[key]
        else:
            record[key] = value

    return apply


DAMAGE = [
    (change(1, 0, "landmarks", [[1, 2]] * 67), "landmarks must have shape"),
    (change(1, 0, "landmarks", [[1, 2]] * 67 + [["3", 4]]), "landmarks"),
    (change(1, 0, "landmarks", [[1, 2]] * 67 + [[3]]), "rows of one length"),
    (change(1, 0, "box", [1, 2, 3, None]), "box"),
    (change(1, 0, "box", "none"), "box"),
    (change(1, 0, "score", 7), "score must lie in 0..1"),
    (change(1, 0, "score", "high"), "score"),
    (change(1, 0, "landmarks_origin", "guessed"), "landmarks_origin"),
    (change(1, 0, "identity", {"id": "$$$$"}), "identity"),
    (change(1, 0, "masks", {"m": {"png": "", "matrix": [[1, 0, 0], [0, 1, 0]]}}), "masks"),
    (change(1, 0, "colour", "blue"), "colour"),
    (change(1, 0, "detector", KeyError), "detector"),
    (change(1, None, "index", -1), "index must not be negative"),
    (change(1, None, "name", KeyError), "name"),
]


def rewrite(path: Path, document: dict[str, Any]) -> None:
    head = '{"format":"fspp-alignments","schema_version":1,\n'
    frames = ",\n".join(json.dumps(frame, separators=(",", ":")) for frame in document["frames"])
    path.write_text(
        f'{head}"media":{json.dumps(document["media"])},\n"settings":{{}},\n"frames":[\n{frames}\n]}}\n',
        encoding="utf-8",
    )


@pytest.mark.parametrize(("damage", "field"), DAMAGE)
def test_damage_is_named_by_line_and_field(saved: Path, damage: Callable[[dict[str, Any]], None], field: str) -> None:
    document = json.loads(saved.read_text(encoding="utf-8"))
    damage(document)
    rewrite(saved, document)
    with pytest.raises(AlignmentsError, match=r"line 6: damaged") as caught:
        Alignments.load(saved)
    assert field in str(caught.value)
    assert "$.frames[1]" in str(caught.value)
    if field not in ("masks", "index must not be negative"):  # an empty PNG is base64 all the same
        assert list(jsonschema.Draft202012Validator(alignments_schema()).iter_errors(document))


@pytest.mark.parametrize("part", [0.0, 0.05, 0.3, 0.7, 0.999])
def test_a_cut_off_file_is_said_to_be(saved: Path, part: float) -> None:
    whole = saved.read_bytes()
    saved.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(AlignmentsError, match=r"alignments 中文\.json, line \d+(, its last)?: damaged"):
        Alignments.load(saved)


def test_garbage_is_said_to_be_on_its_line(saved: Path) -> None:
    lines = saved.read_bytes().split(b"\n")
    lines[5] = lines[5][:40] + b"\x00" + lines[5][41:]
    saved.write_bytes(b"\n".join(lines))
    with pytest.raises(AlignmentsError, match="line 6: damaged"):
        Alignments.load(saved)


@pytest.mark.parametrize("content", [b"[]", b"7", b'{"a":1}', b'{"format":"other","schema_version":1}', b"\xff\xfe"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.json"
    path.write_bytes(content)
    with pytest.raises(AlignmentsError, match=r"other\.json"):
        Alignments.load(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AlignmentsError, match=r"none\.json: cannot read"):
        Alignments.load(tmp_path / "none.json")
    with pytest.raises(AlignmentsError, match="cannot read"):
        Alignments.load(tmp_path)


def test_a_frame_that_is_there_twice_is_refused(saved: Path) -> None:
    document = json.loads(saved.read_text(encoding="utf-8"))
    document["frames"][1]["index"] = 0
    rewrite(saved, document)
    with pytest.raises(AlignmentsError, match="frame 0 is there twice"):
        Alignments.load(saved)


def test_a_newer_file_is_refused_whatever_is_in_it(saved: Path) -> None:
    saved.write_text(f'{{"format":"fspp-alignments","schema_version":{SCHEMA_VERSION + 1},"new":1}}', encoding="utf-8")
    with pytest.raises(AlignmentsError, match=r"newer fspp \(schema_version 2; this one reads up to 1\).*pip install"):
        Alignments.load(saved)


def test_an_unknown_older_version_is_refused(saved: Path) -> None:
    saved.write_text('{"format":"fspp-alignments","schema_version":0}', encoding="utf-8")
    with pytest.raises(AlignmentsError, match="schema_version 0 is unknown; this fspp reads 1"):
        Alignments.load(saved)


def test_older_files_are_migrated_step_by_step() -> None:
    def rename(document: dict[str, Any]) -> dict[str, Any]:
        return {"settings": document.pop("options"), **document}

    def mark(document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "marked": True}

    done = migrate({"schema_version": 1, "options": {"a": 1}}, steps={1: rename, 2: mark}, to=3)
    assert done == {"schema_version": 3, "settings": {"a": 1}, "marked": True}
    with pytest.raises(AlignmentsError, match="schema_version 1 is unknown; this fspp reads 2, 3"):
        migrate({"schema_version": 1}, steps={2: mark}, to=3)


def test_a_damaged_mask_is_named_by_frame_and_face(saved: Path) -> None:
    alignments = Alignments.load(saved)
    alignments.frames[2].faces[1].masks["components"].png = b"\x89PNG\r\n\x1a\nrest"
    with pytest.raises(AlignmentsError, match="frame 2, face 1: mask 'components' is damaged"):
        alignments.faces(2)
