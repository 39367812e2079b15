"""What is wrong is said before the long work starts, naming what was found and what to do."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from fspp_core.conversion import ConvertOptions, convert
from fspp_core.errors import AlignmentsError, CheckpointError, ConfigError, FsppError, MediaError, PluginError


@pytest.fixture
def refused(tmp_path, clip, tint, toy_registry):
    """`refused(kind, message, …)` converts with something wrong and wants that error, before any frame is done."""

    def refuse(kind, message, *, media=None, alignments=None, model=None, output=None, components=None, **options):
        frames = []
        output = output or tmp_path / "out.mkv"
        with pytest.raises(kind, match=message) as caught:
            convert(
                media or clip[0],
                alignments or clip[1],
                model or tint(),
                output,
                ConvertOptions(**{"codec": "ffv1", "mask": "hull", **options}),
                components=components,
                registry=toy_registry,
                progress=frames.append,
            )
        assert isinstance(caught.value, FsppError)
        assert frames == []
        assert not (tmp_path / "out.mkv").exists()

    return refuse


def test_missing_footage(refused, tmp_path):
    refused(MediaError, "no such file", media=tmp_path / "nowhere.mp4")


def test_missing_alignments(refused, tmp_path):
    refused(
        AlignmentsError, r"nowhere\.json: there are no alignments.*fspp extract", alignments=tmp_path / "nowhere.json"
    )
    refused(AlignmentsError, r"alignments\.json: there are no alignments", alignments=tmp_path)
    (tmp_path / "alignments.json.journal").touch()
    refused(AlignmentsError, r"interrupted; run the same fspp extract again", alignments=tmp_path)


def test_damaged_alignments(refused, tmp_path, clip):
    cut = tmp_path / "cut.json"
    cut.write_bytes(clip[1].read_bytes()[:500])
    refused(AlignmentsError, "cut.json", alignments=cut)


def test_alignments_of_another_video(refused, clip, tools, tmp_path, astronaut):
    frames, faces = tools.poses(astronaut, 10)
    hulls = {0: [tools.with_hull(faces[0])]}
    shorter = tools.write_video(tmp_path / "shorter.mkv", frames[:9])
    wrong = tools.write_alignments(tmp_path / "a.json", shorter, hulls)
    refused(AlignmentsError, r"shorter\.mkv.*not of 'clip\.mkv': 9 frames against 10", alignments=wrong)
    smaller = tools.write_video(tmp_path / "smaller.mkv", [frame[:100] for frame in frames])
    wrong = tools.write_alignments(tmp_path / "b.json", smaller, hulls)
    refused(AlignmentsError, r"128x100 pixels against 128x112", alignments=wrong)
    other = tools.write_video(tmp_path / "other.mkv", frames[::-1])
    wrong = tools.write_alignments(tmp_path / "c.json", other, hulls)
    refused(AlignmentsError, r"same size and number of frames but other content.*any_footage", alignments=wrong)


def test_other_footage_of_the_same_size_can_be_allowed(clip, tools, tint, tmp_path, astronaut, toy_registry):
    frames, _ = tools.poses(astronaut, 10)
    copy = tools.write_video(tmp_path / "copy.mkv", frames, pixel_format="yuv444p")
    options = ConvertOptions(codec="ffv1", mask="hull", any_footage=True)
    assert convert(copy, clip[1], tint(), tmp_path / "out.mkv", options, registry=toy_registry).faces == 7


def test_landmarks_in_one_place(refused, clip, tools, tmp_path, astronaut):
    _, faces = tools.poses(astronaut, 4)
    point = replace(faces[3], landmarks=np.full((68, 2), 50, np.float32))
    wrong = tools.write_alignments(tmp_path / "a.json", clip[0], {2: [faces[2]], 3: [faces[3], point]})
    refused(AlignmentsError, r"1 faces have all their landmarks in one place \(frame 3 face 1\)", alignments=wrong)


def test_unknown_masks(refused, clip, tools, tmp_path, astronaut):
    refused(
        AlignmentsError,
        r"there is no 'hul'\. Stored in .*: hull; maskers installed: .*disc.*learned and none",
        mask="hul",
    )
    refused(CheckpointError, "there is no learned one, the model predicts none", mask="learned")
    _, faces = tools.poses(astronaut, 3)
    some = {0: [tools.with_hull(faces[0])], 1: [faces[1]], 2: [faces[2]]}
    partly = tools.write_alignments(tmp_path / "a.json", clip[0], some)
    refused(AlignmentsError, r"2 faces have no mask 'hull' \(frames 1, 2\)", alignments=partly)


def test_masks_in_expressions_are_pointed_at(refused, clip, tools, tmp_path, astronaut):
    refused(ConfigError, r"mask: expected a mask after '\*'\n  hull \*\n        \^", mask="hull *")
    refused(AlignmentsError, r"no 'hul'.*\n  hull - hul\n         \^", mask="hull - hul")
    refused(AlignmentsError, r"no 'hull-disc'; for hull without disc write hull - disc", mask="hull-disc")
    refused(CheckpointError, r"no learned one.*\n  hull \* learned\n         \^", mask="hull * learned")
    refused(ConfigError, r"hul@swap needs the masker 'hul'.*\n  hull \+ hul@swap", mask="hull + hul@swap")
    refused(ConfigError, "no range holds frame 6 in '0-5: hull'", mask="0-5: hull")
    _, faces = tools.poses(astronaut, 3)
    some = {0: [tools.with_hull(faces[0])], 1: [tools.with_hull(faces[1], "hat")], 2: [faces[2]]}
    partly = tools.write_alignments(tmp_path / "a.json", clip[0], some)
    refused(AlignmentsError, r"1 faces have no mask 'hull' \(frames 2\)", alignments=partly, mask="hat | hull")
    refused(AlignmentsError, r"2 faces have no mask 'hull' \(frames 1, 2\)", alignments=partly, mask="extended * hull")


def test_a_damaged_mask_is_named(clip, tools, tint, tmp_path, toy_registry):
    broken = tmp_path / "a.json"
    text = json.loads(clip[1].read_text("utf-8"))
    mask = text["frames"][1]["faces"][0]["masks"]["hull"]
    mask["png"] = mask["png"][:60]
    broken.write_text(json.dumps(text), "utf-8")
    with pytest.raises(AlignmentsError, match=r"frame 1, face 0: mask 'hull' is damaged"):
        convert(clip[0], broken, tint(), tmp_path / "out.mkv", ConvertOptions(mask="hull"), registry=toy_registry)


def test_models(refused, tmp_path, tint, clip):
    refused(CheckpointError, "holds no trained model", model=tmp_path / "nothing")
    refused(CheckpointError, r"face_type, one of half, .*received None", model=tint(face_type=None))
    refused(CheckpointError, "received 'portrait'", model=tint(face_type="portrait"))


def test_a_model_gone_bad(clip, tmp_path, toy_registry):
    """Weights that are not numbers give an error, not black faces."""
    from fspp_core.models import CheckpointStore
    from fspp_core.options import options_dict

    chosen = toy_registry.options("model", "tint", {})
    model = toy_registry.construct("model", "tint", chosen)
    model.parts["tint"].set_weights([np.full((1, 1, 3, 3), np.nan, np.float32), np.zeros(3, np.float32)])
    CheckpointStore(tmp_path / "m").save(
        step=1,
        model_name="tint",
        model_options=options_dict(chosen),
        owner={"distribution": "toy", "version": "1"},
        parts=model.parts,
        optimizer={},
        state={"face_type": "full"},
        keep=1,
    )
    with pytest.raises(FsppError, match="not finite"):
        convert(*clip, tmp_path / "m", tmp_path / "out.mkv", ConvertOptions(mask="hull"), registry=toy_registry)


def test_options(refused):
    refused(ConfigError, r"convert\.codec: 'h266' is not one of", codec="h266")
    refused(ConfigError, r"convert\.opacity: 2\.0 is greater.*\n*.*", opacity=2.0)
    refused(ConfigError, r"no frame from 10 to before 10; clip\.mkv has frames 0 to 9", start=10)
    refused(ConfigError, "no frame from 4 to before 4", start=4, stop=4)


def test_components(refused):
    refused(PluginError, "color_transfer 'rtc'.*did you mean 'rct'", color="rtc")
    refused(ConfigError, r"components\.rct\.zero: unknown option", color="rct", components={"rct": {"zero": True}})
    refused(ConfigError, r"components\.disc\.radius", mask="disc", components={"disc": {"radius": 7}})


def test_output_in_the_place_of_an_input(refused, clip, tint, tools, tmp_path, astronaut):
    kept = clip[0].read_bytes()
    refused(MediaError, "the output is the footage itself", output=clip[0])
    refused(MediaError, "the output is the alignments itself", output=clip[1])
    refused(MediaError, "the output is the model folder itself", output=tint())
    frames, faces = tools.poses(astronaut, 1)
    folder = tools.write_folder(tmp_path / "one", frames)
    picture = folder / "shot000.png"
    alignments = tools.write_alignments(tmp_path / "a.json", picture, {0: [tools.with_hull(faces[0])]})
    refused(MediaError, "the output is the folder of the footage", media=picture, alignments=alignments, output=folder)
    assert clip[0].read_bytes() == kept


def test_output_that_is_there_already(refused, tmp_path):
    (tmp_path / "mine.mkv").write_bytes(b"precious")
    refused(MediaError, r"mine\.mkv: is there already.*overwrite", output=tmp_path / "mine.mkv")
    assert (tmp_path / "mine.mkv").read_bytes() == b"precious"
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.png").write_bytes(b"precious")
    refused(MediaError, "is there already", output=tmp_path / "folder")


def test_output_that_cannot_be_written(refused, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    refused(MediaError, r"out\.mkv: nothing can be written there", output=tmp_path / "file" / "out.mkv")
    refused(MediaError, r"\.avi is not written", output=tmp_path / "out.avi")
    refused(MediaError, "cannot go into webm", output=tmp_path / "out.webm", codec="ffv1")
    assert {p.name for p in tmp_path.iterdir()} == {"file"}


def test_cut_off_footage(refused, tools, tmp_path, astronaut, tint, toy_registry):
    frames, faces = tools.poses(astronaut, 10)
    whole = tools.write_video(
        tmp_path / "whole.mkv", frames, codec="libx264", pixel_format="yuv420p", options={"g": "2"}
    )
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * 0.6)])
    hull = tools.with_hull(faces[0])
    alignments = tools.write_alignments(tmp_path / "a.json", cut, {0: [hull]})
    refused(MediaError, r"cut\.mkv: .*accept_damage", media=cut, alignments=alignments)
    options = ConvertOptions(mask="hull", accept_damage=True)
    report = convert(cut, alignments, tint(), tmp_path / "rest.mkv", options, registry=toy_registry)
    assert 2 < report.frames < 10
