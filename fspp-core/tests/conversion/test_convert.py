"""Converting clips: what changes, what must not, in videos and folders of pictures."""

from __future__ import annotations

import json
import threading
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from fspp_core import geometry
from fspp_core.conversion import ConvertOptions, ConvertReport, convert
from fspp_core.errors import Cancelled
from fspp_core.media import open_media, read_text

FFV1 = {"codec": "ffv1", "mask": "hull", "color": "none"}


@pytest.fixture
def run(tmp_path, clip, tint, toy_registry):
    """Convert the clip, or another, into a file of its own."""
    count = iter(range(1000))

    def convert_it(name="out.mkv", media=None, alignments=None, model=None, components=None, progress=None, **options):
        output = tmp_path / str(next(count)) / name
        report = convert(
            media or clip[0],
            alignments or clip[1],
            model or tint(),
            output,
            ConvertOptions(**{**FFV1, **options}),
            components=components,
            registry=toy_registry,
            **({"progress": progress} if progress else {}),
        )
        assert report.output == output
        return output, report

    return convert_it


def changed(before, after):
    return (before != after).any(axis=2)


def test_faces_are_swapped_and_other_frames_pass_bit_for_bit(run, clip, tools, tint):
    output, report = run()
    before, after = tools.read_frames(clip[0]), tools.read_frames(output)
    assert len(after) == 10
    for index, (one, other) in enumerate(zip(before, after, strict=True)):
        share = changed(one, other).mean()
        assert share == 0 if index in (3, 4, 9) else 0.02 < share < 0.5
    assert isinstance(report, ConvertReport)
    assert (report.frames, report.frames_swapped, report.frames_passed, report.faces) == (10, 7, 3, 7)
    assert (report.frames_resumed, report.model, report.step, report.face_type) == (0, "tint", 7, "full")
    assert report.checkpoint.parent.parent == tint()
    assert {"prepare", "decode", "cut", "swap", "blend", "encode", "finish", "all"} <= set(report.seconds)
    assert report.versions["fspp-core"]
    assert report.devices
    written = json.loads(report.report.read_text("utf-8"))
    assert written.items() >= json.loads(json.dumps(report.to_dict())).items()
    assert ConvertReport.from_dict(written) == report


def test_the_face_becomes_what_the_model_says(run, clip, tools):
    """In the middle of the mask: half the face's colour, half of the model's; the model works in BGR here."""
    output, _ = run(blur="none")
    before, after = tools.read_frames(clip[0])[0], tools.read_frames(output)[0]
    inside = cv2.erode(changed(before, after).astype(np.uint8), np.ones((7, 7))) > 0
    assert inside.sum() > 100
    smooth = cv2.blur(before, (3, 3)).astype(float)
    wanted = 0.5 * smooth + 0.5 * 255 * np.array([0.9, 0.1, 0.2])
    assert np.abs(after - wanted)[inside].mean() < 6


def test_the_model_gets_its_channel_order_and_sizes(run, tint, clip, tools):
    plain = tools.read_frames(run(blur="none")[0])[0].astype(int)
    turned = tools.read_frames(run(blur="none", model=tint(order="rgb"))[0])[0].astype(int)
    inside = cv2.erode((np.abs(plain - turned).max(axis=2) > 20).astype(np.uint8), np.ones((5, 5))) > 0
    assert inside.sum() > 100
    np.testing.assert_allclose((turned - plain)[inside][:, 0], -0.5 * 255 * 0.7, atol=2)
    np.testing.assert_allclose((turned - plain)[inside][:, 2], 0.5 * 255 * 0.7, atol=2)
    large = tools.read_frames(run(blur="none", model=tint(size=16, upscale=3))[0])[0].astype(int)
    assert np.abs(large - plain).mean() < 2
    assert np.abs(large - plain).max() > 5


@pytest.mark.parametrize("pixel_format", ["bgr0", "yuv444p", "yuv420p", "yuv420p10le", "gbrp12le"])
def test_outside_the_mask_every_sample_stays(run, tools, tmp_path, astronaut, pixel_format):
    frames, faces = tools.poses(astronaut, 2)
    if pixel_format.endswith("le"):
        frames = [frame.astype(np.uint16) * 257 for frame in frames]
    video = tools.write_video(tmp_path / "a.mkv", frames, pixel_format=pixel_format)
    alignments = tools.write_alignments(tmp_path / "a.json", video, {0: [tools.with_hull(faces[0])], 1: []})
    output, _ = run(media=video, alignments=alignments, blur_size=4)
    with av.open(str(video)) as one, av.open(str(output)) as other:
        assert other.streams.video[0].codec_context.pix_fmt == pixel_format
        pairs = list(zip(one.decode(video=0), other.decode(video=0), strict=True))
    for before, after in zip(*map(planes, pairs[1]), strict=True):
        np.testing.assert_array_equal(before, after)
    reach = np.zeros(frames[0].shape[:2], np.uint8)
    cv2.fillConvexPoly(reach, cv2.convexHull(faces[0].landmarks.astype(np.int32)), 1)
    reach = cv2.dilate(reach, np.ones((15, 15))) > 0  # as far as the blur reaches, and a chroma sample's width
    for before, after in zip(*map(planes, pairs[0]), strict=True):
        step = reach.shape[0] // before.shape[0]
        moved = before != after
        assert moved.any()
        assert not (moved & ~reach[::step, ::step]).any()


def planes(frame):
    """The channels of a decoded frame: (h, w) each, as they are stored."""
    if frame.format.name == "bgr0":
        packed = np.frombuffer(frame.planes[0], np.uint8).reshape(frame.height, -1, 4)
        return [packed[:, : frame.width, channel] for channel in range(3)]
    dtype = np.uint16 if frame.format.name.endswith("le") else np.uint8
    return [np.frombuffer(plane, dtype).reshape(plane.height, -1)[:, : plane.width] for plane in frame.planes]


@pytest.mark.parametrize(("degrees", "turns"), [(-90, 1), (180, 2), (90, 3)])
def test_turned_footage_is_swapped_upright(run, tools, tmp_path, astronaut, degrees, turns):
    frames, faces = tools.poses(astronaut, 2)
    lossless = {"codec": "libx264", "pixel_format": "yuv444p", "options": {"qp": "0"}}
    stored = [np.ascontiguousarray(np.rot90(frame, turns)) for frame in frames]
    turn = {"setup": lambda stream: stream.set_display_rotation(degrees)}
    video = tools.write_video(tmp_path / "a.mp4", stored, base=Fraction(1, 12800), pts=[0, 512], **lossless, **turn)
    alignments = tools.write_alignments(tmp_path / "a.json", video, {0: [tools.with_hull(faces[0])]})
    output, _ = run("out.mp4", media=video, alignments=alignments, codec="h264", crf=0)
    before, after = tools.read_frames(video), tools.read_frames(output)
    assert np.abs(before[0].astype(int) - frames[0]).mean() < 8  # it is upright
    np.testing.assert_array_equal(before[1], after[1])
    moved = changed(before[0], after[0])
    reach = np.zeros(moved.shape, np.uint8)
    cv2.fillConvexPoly(reach, cv2.convexHull(faces[0].landmarks.astype(np.int32)), 1)
    assert moved.sum() > 500
    assert not (moved & (cv2.dilate(reach, np.ones((15, 15))) == 0)).any()


def test_deep_footage_is_swapped_at_full_depth(run, tools, tmp_path, astronaut):
    frames, faces = tools.poses(astronaut, 1)
    deep = cv2.GaussianBlur(frames[0].astype(np.uint16) * 257, (5, 5), 0)
    folder = tools.write_folder(tmp_path / "deep", [deep])
    alignments = tools.write_alignments(tmp_path / "a.json", folder, {0: [tools.with_hull(faces[0])]})
    output, _ = run("pictures", media=folder, alignments=alignments)
    (result,) = tools.read_frames(output)
    assert result.dtype == np.uint16
    moved = changed(deep, result)
    assert 0.02 < moved.mean() < 0.5
    assert len(np.unique(result[moved] % 257)) > 100


def test_pictures_that_pass_are_copied_and_those_that_are_swapped_are_marked(run, tools, tmp_path, astronaut):
    frames, faces = tools.poses(astronaut, 3)
    folder = tools.write_folder(tmp_path / "in", frames)
    alignments = tools.write_alignments(tmp_path / "a.json", folder, {1: [tools.with_hull(faces[1])]})
    output, report = run("pictures", media=folder, alignments=alignments)
    assert sorted(p.name for p in output.iterdir()) == ["shot000.png", "shot001.png", "shot002.png"]
    for name in ("shot000.png", "shot002.png"):
        assert (output / name).read_bytes() == (folder / name).read_bytes()
    assert report.report == output.with_name("pictures.report.json")
    text = read_text(output / "shot001.png")
    kind = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
    assert text["DigitalSourceType"] == kind
    assert text["Software"].startswith("fspp ")
    assert f"<Iptc4xmpExt:DigitalSourceType>{kind}<" in text["XML:com.adobe.xmp"]
    after = tools.read_frames(output)[1]
    hull = cv2.fillConvexPoly(np.zeros(after.shape[:2], np.uint8), cv2.convexHull(faces[1].landmarks.astype(int)), 1)
    assert not (changed(frames[1], after) & (cv2.dilate(hull, np.ones((13, 13))) == 0)).any()


def test_a_video_says_that_it_is_synthetic(run):
    for name, codec in (("out.mp4", "h264"), ("out.mkv", "ffv1")):
        output, _ = run(name, codec=codec, audio=False)
        with av.open(str(output)) as container:
            said = {key.lower(): value for key, value in container.metadata.items()}
        assert "compositeWithTrainedAlgorithmicMedia" in said["comment"]
    assert said["software"].startswith("fspp ")
    assert said["digitalsourcetype"].endswith("compositeWithTrainedAlgorithmicMedia")


def test_times_and_sound_are_kept(run, tools, tmp_path, astronaut):
    frames, faces = tools.poses(astronaut, 6)
    pts = [0, 33, 133, 166, 400, 433]
    video = tools.write_video(tmp_path / "a.mkv", frames, pts=pts, sound=True)
    alignments = tools.write_alignments(
        tmp_path / "a.json", video, {i: [tools.with_hull(f)] for i, f in enumerate(faces)}
    )
    output, _ = run(media=video, alignments=alignments)

    def tracks(path):
        with av.open(str(path)) as container:
            times = [frame.time for frame in container.decode(video=0)]
        with av.open(str(path)) as container:
            sound = b"".join(bytes(packet) for packet in container.demux(audio=0) if packet.size)
        return times, sound

    (times, sound), (times_after, sound_after) = tracks(video), tracks(output)
    np.testing.assert_allclose(times_after, times, atol=1e-9)
    np.testing.assert_allclose(np.array(times) * 1000, pts, atol=1e-6)
    assert sound_after == sound
    assert len(sound) > 1000


def test_several_faces_of_a_frame_and_max_faces(run, tools, tmp_path, astronaut):
    frames, faces = tools.poses(astronaut, 3)
    halves = [cv2.resize(frame, None, fx=0.5, fy=0.5) for frame in frames]
    wide = [np.hstack([a, np.pad(b, ((28, 28), (0, 0), (0, 0)))]) for a, b in zip(frames, halves, strict=True)]

    def beside(face):
        return tools.with_hull(tools.face_of(face.landmarks * 0.5 + (128, 28)))

    video = tools.write_video(tmp_path / "a.mkv", wide)
    pairs = {i: [beside(face), tools.with_hull(face)] for i, face in enumerate(faces)}
    alignments = tools.write_alignments(tmp_path / "a.json", video, pairs)
    output, report = run(media=video, alignments=alignments, batch_size=4)
    assert (report.faces, report.frames_swapped) == (6, 3)
    only, report = run(media=video, alignments=alignments, max_faces=1)
    assert (report.faces, report.frames_swapped) == (3, 3)
    for before, both, one in zip(wide, tools.read_frames(output), tools.read_frames(only), strict=True):
        assert changed(before, both)[:, :128].any()
        assert changed(before, both)[:, 128:].any()
        assert changed(before, one)[:, :128].any()
        assert not changed(before, one)[:, 128:].any()
        np.testing.assert_array_equal(one[:, :128], both[:, :128])


@pytest.mark.parametrize("batch", [1, 2, 3, 64])
def test_batches_span_frames_and_do_not_show(run, tools, batch):
    plain = tools.read_frames(run(batch_size=7)[0])
    np.testing.assert_allclose(np.array(tools.read_frames(run(batch_size=batch)[0])).astype(int), plain, atol=1)


def test_a_range_of_frames(run, clip, tools):
    output, report = run(start=2, stop=7)
    swapped = [changed(a, b).any() for a, b in zip(tools.read_frames(clip[0]), tools.read_frames(output), strict=True)]
    assert np.flatnonzero(swapped).tolist() == [2, 5, 6]
    assert (report.frames, report.frames_swapped, report.frames_passed) == (10, 3, 7)


def test_options_of_the_mask_each_change_the_result(run, tools, tint):
    base = {"blur_size": 5.0}
    model = tint(mask=True)

    def first(**options):
        return tools.read_frames(run(model=model, stop=1, **{**base, **options})[0])[0].astype(int)

    plain = first()
    variants = [
        {"mask": "none"},
        {"mask": "learned"},
        {"mask": "disc"},
        {"mask": "disc", "components": {"disc": {"radius": 0.2}}},
        {"erode": 10.0},
        {"erode": -10.0},
        {"blur": "none"},
        {"blur": "box"},
        {"blur_size": 10.0},
        {"blur_passes": 3},
        {"opacity": 0.5},
        {"color": "rct"},
        {"color": "mean"},
        {"color": "rct", "components": {"rct": {"zero_outside": True}}},
    ]
    results = [plain, *(first(**variant) for variant in variants)]
    for i, one in enumerate(results):
        for j, other in enumerate(results[:i]):
            assert np.abs(one - other).max() > 3, (i, j)
    learned = first(mask="learned", mask_threshold=0.0)
    assert np.abs(learned - first(mask="learned", mask_threshold=60.0)).max() > 3


def test_opacity_zero_changes_nothing(run, clip, tools):
    output, report = run(opacity=0.0)
    np.testing.assert_array_equal(tools.read_frames(output), tools.read_frames(clip[0]))
    assert report.faces == 7


def test_eroding_shrinks_and_dilating_grows(run, clip, tools):
    before = tools.read_frames(clip[0])[0]
    areas = [
        changed(before, tools.read_frames(run(erode=amount, blur="none", stop=1)[0])[0]).sum()
        for amount in (15, 0, -15)
    ]
    assert areas[0] < 0.8 * areas[1] < areas[1] < 0.8 * areas[2]


def test_colours_come_nearer_to_the_frame(run, clip, tools):
    before = tools.read_frames(clip[0])[0].astype(float)
    off = {}
    for color in ("none", "mean", "rct"):
        after = tools.read_frames(run(color=color, stop=1, mask="hull")[0])[0].astype(float)
        inside = np.abs(after - before).max(axis=2) > 0
        off[color] = np.abs((after - before)[inside].mean(axis=0)).max()
    assert off["none"] > 15
    assert off["mean"] < 0.3 * off["none"]
    assert off["rct"] < 0.3 * off["none"]


def test_a_stored_mask_is_used_where_there_is_one_and_made_elsewhere(run, tools, tmp_path, astronaut, toy_registry):
    import sys

    frames, faces = tools.poses(astronaut, 2)
    video = tools.write_video(tmp_path / "a.mkv", frames)
    stored = tools.with_hull(faces[0], "disc")
    alignments = tools.write_alignments(tmp_path / "a.json", video, {0: [stored], 1: [faces[1]]})
    disc = sys.modules[toy_registry.spec("masker", "disc").factory.partition(":")[0]].Disc
    disc.calls.clear()
    mixed = tools.read_frames(run(media=video, alignments=alignments, mask="disc", batch_size=2)[0])
    assert disc.calls == [2]
    bare = tools.write_alignments(tmp_path / "b.json", video, {i: [face] for i, face in enumerate(faces)})
    made = tools.read_frames(run(media=video, alignments=bare, mask="disc", batch_size=2)[0])
    hulls = {i: [tools.with_hull(face)] for i, face in enumerate(faces)}
    kept = tools.read_frames(run(media=video, alignments=tools.write_alignments(tmp_path / "c.json", video, hulls))[0])
    np.testing.assert_array_equal(mixed[0], kept[0])
    np.testing.assert_array_equal(mixed[1], made[1])
    assert changed(kept[0], made[0]).any()


def test_core_makes_hulls_where_none_are_stored(run, tools, tmp_path, astronaut):
    frames, faces = tools.poses(astronaut, 1)
    video = tools.write_video(tmp_path / "a.mkv", frames)
    alignments = tools.write_alignments(tmp_path / "a.json", video, {0: faces})
    areas = []
    for mask in ("components", "extended", "none"):
        output, report = run(media=video, alignments=alignments, mask=mask, blur="none")
        areas.append(changed(frames[0], tools.read_frames(output)[0]).sum())
        assert set(report.components) == {mask} - {"none"}
    hull = np.zeros(frames[0].shape[:2], np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(faces[0].landmarks.astype(np.int32)), 1)
    assert 0.8 * hull.sum() < areas[0] < 1.1 * hull.sum() < areas[1] < areas[2]


def test_frames_in_memory_are_bounded(tmp_path, tools, astronaut, tint, toy_registry, monkeypatch):
    """However long the footage, only so many frames are decoded ahead of the one that is written."""
    import weakref

    from fspp_core.conversion import stages

    frames, faces = tools.poses(astronaut, 90)
    video = tools.write_video(tmp_path / "a.mkv", frames)
    alignments = tools.write_alignments(tmp_path / "a.json", video, {0: [faces[0]], 80: [faces[80]]})
    alive, most, timed = [], [], stages._timed

    class Tracked(np.ndarray):
        pass

    def counted(iterable, timings):
        for frame in timed(iterable, timings):
            image = frame.image.view(Tracked)
            alive.append(None)
            weakref.finalize(image, alive.pop)
            most.append(len(alive))
            yield frame.with_image(image)

    monkeypatch.setattr(stages, "_timed", counted)
    options = ConvertOptions(**{**FFV1, "mask": "none"}, batch_size=2, workers=1)
    convert(video, alignments, tint(), tmp_path / "out.mkv", options, registry=toy_registry)
    assert len(most) == 90
    assert 4 < max(most) < 40


def test_landmarks_place_the_swap(run, clip, tools, astronaut):
    """The change lies over the face in every frame."""
    _, faces = tools.poses(astronaut, 10)
    output, _ = run()
    for index in (0, 1, 2, 5):
        moved = changed(tools.read_frames(clip[0])[index], tools.read_frames(output)[index])
        middle = np.argwhere(moved).mean(axis=0)[::-1]
        hull = cv2.convexHull(faces[index].landmarks)
        assert cv2.pointPolygonTest(hull, middle.tolist(), True) > 10
        assert geometry.crop_matrix(faces[index].landmarks, "full", 8).shape == (2, 3)


def test_events_and_progress(run, toy_registry):
    import sys

    module = sys.modules[toy_registry.spec("model", "tint").factory.partition(":")[0]]
    module.EVENTS.clear()
    seen = []
    run(progress=seen.append)
    assert [(i, int(i not in (3, 4, 9))) for i in range(10)] == module.EVENTS
    assert [event.done for event in seen] == list(range(11))
    assert {(event.stage, event.total, event.unit) for event in seen} == {("convert", 10, "frame")}
    assert seen[-1].values["faces"] == 7
    assert seen[-1].values["frames_per_s"] > 0


def test_stopping_on_request_leaves_no_output_and_no_threads(clip, tint, tmp_path, toy_registry):
    flag = threading.Event()
    before = threading.active_count()

    def progress(event):
        if event.done == 4:
            flag.set()

    arguments = (*clip, tint(), tmp_path / "out.mkv", ConvertOptions(**FFV1, segment_frames=2))
    with pytest.raises(Cancelled):
        convert(*arguments, registry=toy_registry, progress=progress, cancel=flag)
    assert not (tmp_path / "out.mkv").exists()
    assert (tmp_path / "out.mkv.parts").is_dir()
    assert threading.active_count() <= before + 1
    report = convert(*arguments, registry=toy_registry)
    assert report.frames_resumed == 4
    assert not (tmp_path / "out.mkv.parts").exists()


def test_a_finished_job_is_left_alone(clip, tint, tmp_path, toy_registry):
    output = tmp_path / "out.mkv"
    first = convert(*clip, tint(), output, ConvertOptions(**FFV1), registry=toy_registry)
    stamp = output.stat().st_mtime_ns
    seen = []
    again = convert(
        *clip, tint(), output, ConvertOptions(**FFV1, workers=1), registry=toy_registry, progress=seen.append
    )
    assert again == first
    assert seen == []
    assert output.stat().st_mtime_ns == stamp
    other = ConvertOptions(**FFV1, erode=5.0, overwrite=True)
    assert convert(*clip, tint(), output, other, registry=toy_registry).options["erode"] == 5.0
    assert output.stat().st_mtime_ns > stamp


def test_footage_without_faces_passes_whole(run, clip, tools, tmp_path, caplog):
    alignments = tools.write_alignments(tmp_path / "a.json", clip[0], {})
    output, report = run(alignments=alignments)
    np.testing.assert_array_equal(tools.read_frames(output), tools.read_frames(clip[0]))
    assert (report.frames_swapped, report.frames_passed, report.faces) == (0, 10, 0)
    assert "no face to swap" in caplog.text


def test_paths_of_any_script_and_a_folder_of_alignments(clip, tint, tmp_path, toy_registry):
    folder = tmp_path / "Gesichter – 顔"
    folder.mkdir()
    (folder / "alignments.json").write_bytes(clip[1].read_bytes())
    output = folder / "überblendet 映画.mkv"
    convert(str(clip[0]), str(folder), str(tint()), str(output), ConvertOptions(**FFV1), registry=toy_registry)
    with open_media(output) as reader:
        assert reader.info.frame_count == 10
