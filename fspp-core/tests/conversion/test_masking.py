"""Mixed masks in a conversion: every one from where it is to come, worth what the expression says."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from fspp_core import geometry
from fspp_core.conversion import ConvertOptions, convert
from fspp_core.conversion.faces import cut, patches
from fspp_core.conversion.plan import make_plan, select
from fspp_core.conversion.swapping import Swapper
from fspp_core.media import open_media
from fspp_core.progress import Timings


@pytest.fixture(scope="module")
def footage(tmp_path_factory, tools, astronaut):
    """Three frames: the first face has a mask `hull`, the second another, `hat`, the third none."""
    folder = tmp_path_factory.mktemp("masks")
    frames, faces = tools.poses(astronaut, 3)
    video = tools.write_video(folder / "a.mkv", frames)
    kept = {0: [tools.with_hull(faces[0])], 1: [tools.with_hull(faces[1], "hat", size=50)], 2: [faces[2]]}
    return video, tools.write_alignments(folder / "a.json", video, kept)


@pytest.fixture(scope="module")
def masks(footage, tint, toy_registry):
    """`masks(expression)` are those of the three faces as they go into the frames, unshaped."""

    @cache
    def run(mask):
        options = ConvertOptions(mask=mask, mask_threshold=0.0, blur="none", color="none", batch_size=2)
        with open_media(footage[0]) as reader:
            selection = select(footage[1], reader, options)
            plan = make_plan(tint(mask=True), footage[1], selection, options, {}, toy_registry)
            jobs = [cut(f, *selection.of_frame(f.index, plan.recipe.masks), plan.recipe) for f in reader.frames()]
        swapped = Swapper(plan.network, plan.batch, plan.recipe, Timings()).run(iter(jobs))
        made = [patches(job.faces, plan.recipe) for job in swapped]
        return [patch.mask[1:-1, 1:-1] for (patch,) in made], plan

    return run


def test_a_fallback_takes_what_each_face_has(masks):
    mixed, plan = masks("hull | hat | disc")
    for number, name in enumerate(("hull | none", "hat | none", "disc")):
        np.testing.assert_array_equal(mixed[number], masks(name)[0][number])
    assert set(plan.recipe.masks.maskers) == {"disc"}
    assert not masks("hull | hat | none")[1].recipe.masks.maskers


SINGLE = ("disc", "bright", "bright@swap", "learned", "learned-target", "extended", "eyes")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("learned * disc", lambda m: m["learned"] * m["disc"]),
        ("disc - eyes", lambda m: m["disc"] * (1 - m["eyes"])),
        ("bright + learned-target", lambda m: np.minimum(m["bright"] + m["learned-target"], 1)),
        ("bright * bright@swap", lambda m: m["bright"] * m["bright@swap"]),
        ("learned-prd * learned-dst", lambda m: m["learned"] * m["learned-target"]),
        ("extended - (eyes + disc)", lambda m: m["extended"] * (1 - np.minimum(m["eyes"] + m["disc"], 1))),
        ("hull | hat | (learned - eyes)", None),
        ("0: disc; 1-: !bright", None),
    ],
)
def test_values(masks, text, expected):
    mixed, plan = masks(text)
    single = {name: masks(name)[0] for name in (*SINGLE, "hull | none", "hat | none")}
    for number, mask in enumerate(mixed):
        here = {name: values[number] for name, values in single.items()}
        if text.startswith("0:"):
            wanted = 1 - here["bright"] if number else here["disc"]
        elif text.startswith("hull"):
            wanted = (here["hull | none"], here["hat | none"], here["learned"] * (1 - here["eyes"]))[number]
        else:
            wanted = expected(here)
        np.testing.assert_allclose(mask, wanted, atol=1e-5)
        assert 0.01 < mask.mean() < 0.99
    assert set(plan.components) == set(plan.recipe.masks.maskers)


def test_a_masker_sees_the_swapped_face_where_it_is_asked_to(masks):
    """The toy model mixes half of one colour into the face: so much brighter or darker it is, inside its crop."""
    frame, swap = (values[0] for values in (masks("bright")[0], masks("bright@swap")[0]))
    tint = np.mean([0.9, 0.1, 0.2])
    off = np.abs(swap - (0.5 * frame + 0.5 * tint))[20:-20, 20:-20]  # the model sees fewer pixels than the masker
    assert off.mean() < 0.02
    assert off.mean() < 0.2 * np.abs(swap - frame)[20:-20, 20:-20].mean()


def test_learned_masks_of_swap_and_target(masks):
    for swap, target in zip(masks("learned")[0], masks("learned-target")[0], strict=True):
        np.testing.assert_allclose((swap + target)[16:-16, 16:-16], 1, atol=1e-5)


def test_only_what_a_face_needs_is_decoded_and_made(footage, masks, toy_registry):
    _, plan = masks("hull | disc")
    assert plan.recipe.masks.stored(0, {"hull", "hat"}) == {"hull"}
    assert plan.recipe.masks.stored(1, {"hat"}) == set()
    faces, _ = plan.selection.of_frame(0, plan.recipe.masks)
    assert set(faces[0].masks) == {"hull"}
    assert set(plan.selection.of_frame(1, plan.recipe.masks)[0][0].masks) == set()


def test_a_whole_conversion_mixes_and_goes_on_alike(footage, tint, tools, tmp_path, toy_registry):
    """One word and the same in more words are one film; the report names every masker."""

    def run(mask, **asked):
        options = ConvertOptions(codec="ffv1", mask=mask, **asked)
        output = tmp_path / f"{len(list(tmp_path.iterdir()))}.mkv"
        report = convert(*footage, tint(mask=True), output, options, registry=toy_registry)
        return np.array(tools.read_frames(output)).astype(int), report

    plain, _ = run("extended")
    for mask in ("extended | disc", "extended * none", "!!extended", "0-1: extended; extended", "(extended)"):
        again, _ = run(mask)
        assert np.abs(again - plain).max() <= (1 if "!!" in mask else 0), mask
    mixed, report = run("hull | hat | disc - eyes")
    assert set(report.components) == {"rct", "disc", "eyes"}
    assert np.abs(mixed - plain).max() > 3
    holed, _ = run("extended - eyes", blur="none", color="none")
    filled, _ = run("extended - eyes", blur="none", color="none", fill_holes=True)
    whole, _ = run("extended", blur="none", color="none")
    assert np.abs(holed - filled).max() > 3
    assert np.abs(filled - whole).mean() < 0.1 * np.abs(holed - whole).mean()
    parts, _ = run("eyes", blur="none")
    largest, _ = run("eyes", blur="none", keep_largest=True)
    assert np.abs(parts - largest).max() > 3


def test_a_view_with_the_swapped_face_keeps_what_lies_around(tools, astronaut):
    from fspp_core.conversion.faces import View

    _, [face] = tools.poses(astronaut, 1)
    wide, narrow = (geometry.crop_matrix(face.landmarks, kind, 64) for kind in ("head", "half"))
    view = View(np.full((64, 64, 3), 200, np.uint8), wide, face.landmarks)
    seen = view.showing(np.full((64, 64, 3), 0.1, np.float32), narrow)
    corners = geometry.transform(geometry.crop_corners(narrow, 64), wide)
    middle = corners.mean(axis=0).astype(int)
    assert set(np.unique(seen.crop)) == {26, 200}
    assert seen.crop[middle[1], middle[0]].tolist() == [26, 26, 26]
    side = np.linalg.norm(corners[1] - corners[0])
    assert (seen.crop[..., 0] == 26).sum() == pytest.approx(side**2, rel=0.1)
