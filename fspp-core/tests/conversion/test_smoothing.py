"""Masks averaged along tracks: less flicker, no smear over cuts, the same after a kill."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fspp_core.alignments import Alignments
from fspp_core.conversion import ConvertOptions, convert
from fspp_core.conversion.faces import FaceJob, FrameJob
from fspp_core.conversion.smoothing import Smoothing
from fspp_core.errors import ConfigError
from fspp_core.types import Frame, Mask

PICTURE = np.zeros((4, 4, 3), np.uint8)


@pytest.fixture
def face(tools, astronaut):
    return tools.poses(astronaut, 1)[1][0]


def jobs(face, values, track=0):
    """A frame for each value, and in it a face whose mask is it everywhere; none for None."""
    for index, value in enumerate(values):
        faces = []
        if value is not None:
            job = FaceJob(
                face=replace(face, track=track), number=index, matrix=np.eye(2, 3), input=None, reference=None
            )
            job.seen = np.full((2, 2), value, np.float32)
            faces.append(job)
        yield FrameJob(Frame(index=index, name=str(index), image=PICTURE), faces)


def smoothed(face, values, reach, *, shot_of=lambda index: 0, first=0, track=0):
    result = list(Smoothing(reach, shot_of).run(jobs(face, values, track), first))
    assert [job.frame.index for job in result] == list(range(first, len(values)))
    return [float(job.faces[0].seen[0, 0]) if job.faces else None for job in result]


def expected(values, reach, shots, index):
    weights = {
        near: np.exp(-0.5 * (2.1 * (near - index) / reach) ** 2)
        for near in range(max(0, index - reach), min(len(values), index + reach + 1))
        if values[near] is not None and shots[near] == shots[index]
    }
    return sum(weight * values[near] for near, weight in weights.items()) / sum(weights.values())


@pytest.mark.parametrize("reach", [1, 2, 3, 9])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 12])
def test_each_mask_is_the_weighted_mean_of_those_around_it(face, reach, count):
    values = [None if i % 5 == 3 else v for i, v in enumerate(np.random.default_rng(count).random(count))]
    shots = [int(index >= 4) + int(index >= 6) for index in range(count)]
    result = smoothed(face, values, reach, shot_of=shots.__getitem__)
    for index, value in enumerate(result):
        if values[index] is None:
            assert value is None
        else:
            assert value == pytest.approx(expected(values, reach, shots, index), abs=1e-6)


def test_a_steady_mask_stays_and_a_flickering_one_calms_down(face):
    assert smoothed(face, [0.25] * 9, 3) == pytest.approx([0.25] * 9, abs=1e-6)
    values = [float(index % 2) for index in range(20)]
    flicker = [np.abs(np.diff(smoothed(face, values, reach))).mean() for reach in (1, 2, 4)]
    assert 1 > flicker[0] > flicker[1] > flicker[2]
    assert flicker[2] < 0.1


def test_a_cut_is_a_wall(face):
    values = [0.0] * 5 + [1.0] * 5
    assert smoothed(face, values, 3, shot_of=lambda index: int(index >= 5)) == pytest.approx(values, abs=1e-6)
    assert 0 < smoothed(face, values, 3)[4] < 1


def test_faces_without_a_track_and_other_tracks_keep_theirs(face):
    values = [0.0, 1.0, 0.0]
    assert smoothed(face, values, 2, track=None) == values

    def two():
        for one, other in zip(jobs(face, [0.0, 0.0, 0.0], 0), jobs(face, [1.0, 1.0, 1.0], 1), strict=True):
            one.faces.extend(other.faces)
            yield one

    for job in Smoothing(2, lambda index: 0).run(two(), 0):
        assert [float(one.seen[0, 0]) for one in job.faces] == pytest.approx([0, 1])


@pytest.mark.parametrize("first", [1, 3, 6])
def test_starting_later_with_a_lead_in_changes_nothing(face, first):
    values = list(np.random.default_rng(0).random(8))
    whole = smoothed(face, values, 2)
    assert smoothed(face, values, 2, first=first) == whole[first:]


def test_few_frames_wait_and_closing_closes(face):
    taken, closed = [], []

    def source():
        try:
            for job in jobs(face, [0.5] * 50):
                taken.append(job.frame.index)
                yield job
        finally:
            closed.append(True)

    running = Smoothing(3, lambda index: 0).run(source(), 0)
    for job in running:
        assert len(taken) <= job.frame.index + 4
        if job.frame.index == 20:
            break
    running.close()
    assert closed == [True]


@pytest.fixture(scope="module")
def footage(tmp_path_factory, tools, astronaut):
    """Sixteen frames of one tracked face whose stored mask flickers; the scene changes at frame 8."""
    folder = tmp_path_factory.mktemp("smooth")
    frames, faces = tools.poses(astronaut, 16)
    video = tools.write_video(folder / "a.mkv", frames)
    kept = {}
    for index, face in enumerate(faces):
        with_mask = tools.with_hull(face)
        mask = with_mask.masks["hull"]
        image = mask.image // 2 if index % 2 else mask.image
        kept[index] = [replace(with_mask, track=0, masks={"hull": Mask(image=image, matrix=mask.matrix)})]
    path = tools.write_alignments(folder / "a.json", video, kept)
    alignments = Alignments.load(path)
    alignments.frames[8].cut = True
    alignments.save(path)
    return video, path


def test_in_a_conversion(footage, tint, tools, tmp_path, toy_registry):
    def run(reach, **asked):
        output = tmp_path / f"{len(list(tmp_path.iterdir()))}" / "out.mkv"
        options = ConvertOptions(codec="ffv1", mask="hull", mask_smooth=reach, color="none", batch_size=4, **asked)
        convert(*footage, tint(), output, options, registry=toy_registry)
        return np.array(tools.read_frames(output)).astype(int)

    original = np.array(tools.read_frames(footage[0])).astype(int)
    plain, smooth = run(0), run(2)

    def flicker(frames):
        change = np.abs(frames - original).mean(axis=(1, 2, 3))
        return np.abs(np.diff(change[:8])).mean() + np.abs(np.diff(change[8:])).mean()

    assert flicker(smooth) < 0.4 * flicker(plain)
    np.testing.assert_array_equal(run(2, stop=8)[:8], smooth[:8])  # nothing comes over the cut


def test_going_on_after_a_crash_changes_nothing(footage, tint, tools, tmp_path, toy_registry):
    options = ConvertOptions(
        codec="ffv1", mask="hull * learned", mask_smooth=3, batch_size=4, segment_frames=2, threads=1
    )
    plain, output = tmp_path / "plain.mkv", tmp_path / "out.mkv"
    convert(*footage, tint(mask=True), plain, options, registry=toy_registry)

    class Crash(BaseException):
        pass

    for stop in (5, 11):

        def progress(event, stop=stop):
            if event.values and event.done >= stop:
                raise Crash

        with pytest.raises(Crash):
            convert(*footage, tint(mask=True), output, options, registry=toy_registry, progress=progress)
    report = convert(*footage, tint(mask=True), output, options, registry=toy_registry)
    assert report.frames_resumed > 5
    np.testing.assert_array_equal(tools.read_frames(output), tools.read_frames(plain))


def test_without_tracks_there_is_nothing_to_smooth_along(clip, tint, tmp_path, toy_registry):
    options = ConvertOptions(mask="hull", mask_smooth=2)
    with pytest.raises(ConfigError, match=r"mask_smooth: the faces of .* have no tracks.*extract again"):
        convert(*clip, tint(), tmp_path / "out.mkv", options, registry=toy_registry)
