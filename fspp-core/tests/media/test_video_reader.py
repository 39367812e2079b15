"""Videos come in whole, in order, at the right times and the right way up; or the reader says what is wrong."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from fspp_core.errors import MediaError
from fspp_core.media import open_media
from fspp_core.types import Frame

Clips = Callable[[str], Path]
EVERY_CONTAINER = [
    "plain.mp4", "vfr.mp4", "vfr.mkv", "late.mp4", "negative.mp4", "ntsc.mp4", "intra.mov", "stream.ts", "old.avi",
    "raw.h264", "deep.mp4", "sounds.mkv", "left.mp4",
]  # fmt: skip


def same(one: Frame, other: Frame) -> bool:
    return (one.index, one.pts, one.duration) == (other.index, other.pts, other.duration) and np.array_equal(
        one.image, other.image
    )


@pytest.mark.parametrize("name", EVERY_CONTAINER)
def test_count_order_and_times_are_those_of_a_plain_decode(name: str, clips: Clips, plain_decode: Any) -> None:
    truth = plain_decode(clips(name))
    with open_media(clips(name)) as media:
        frames = list(media.frames())
        assert media.info.frame_count == len(frames) == len(truth)
        assert [f.index for f in frames] == list(range(len(truth)))
        if name not in ("raw.h264", "old.avi"):  # these have no presentation times
            assert [f.pts * f.time_base for f in frames] == [time for time, _ in truth]
        assert len({f.name for f in frames}) == len(frames)
        assert all(f.image.shape == (media.info.height, media.info.width, 3) for f in frames)
        steps = np.diff([f.pts for f in frames])
        assert [f.duration for f in frames[:-1]] == list(steps)


@pytest.mark.parametrize("name", EVERY_CONTAINER)
def test_random_access_gives_exactly_the_frame(name: str, clips: Clips) -> None:
    with open_media(clips(name)) as media:
        frames = list(media.frames())
        order = np.random.default_rng(3).permutation(len(frames))[:12]
        for index in [*order, len(frames) - 1, 0, *order[:3]]:
            assert same(media.frame(int(index)), frames[index])


@pytest.mark.parametrize("name", ["plain.mp4", "vfr.mkv", "stream.ts", "old.avi", "raw.h264", "deep.mp4"])
def test_ranges_and_steps(name: str, clips: Clips) -> None:
    with open_media(clips(name)) as media:
        frames = list(media.frames())
        for wanted in (slice(0, None, 7), slice(13, 14, 1), slice(11, 29, 3), slice(35, 999, 2), slice(20, 20, 1)):
            got = list(media.frames(wanted.start, wanted.stop, wanted.step))
            assert len(got) == len(frames[wanted])
            assert all(same(a, b) for a, b in zip(got, frames[wanted], strict=True))


def test_pictures_are_what_was_put_in(clips: Clips, pictures: Any) -> None:
    with open_media(clips("plain.mp4")) as media:
        for frame, truth in zip(media.frames(), pictures(40), strict=True):
            inner = np.abs(frame.image.astype(int) - truth)[20:, 40:]  # away from the hard edge, which 4:2:0 softens
            assert inner.mean() < 3


def test_last_frame_lasts_as_long_as_it_should(clips: Clips) -> None:
    with open_media(clips("vfr.mp4")) as media:
        assert media.frame(39).duration == 12_000
        assert media.info.duration_s == pytest.approx((media.frame(39).pts + 12_000) / 90_000)
    with open_media(clips("vfr.mkv")) as media:
        assert media.frame(39).duration == 133


@pytest.mark.parametrize(
    ("name", "turn", "degrees", "mirrored"),
    [
        ("right.mp4", lambda a: np.rot90(a, -1), 90, False),
        ("left.mp4", lambda a: np.rot90(a, 1), 270, False),
        ("down.mp4", lambda a: np.rot90(a, 2), 180, False),
        ("mirror.mp4", np.fliplr, 0, True),
    ],
)
def test_rotation_is_applied(name: str, turn: Callable[[Any], Any], degrees: int, mirrored: bool, clips: Clips) -> None:
    with open_media(clips("plain.mp4")) as plain, open_media(clips(name)) as media:
        assert (media.info.rotation, media.info.mirrored) == (degrees, mirrored)
        upright = turn(plain.frame(5).image)
        assert (media.info.height, media.info.width) == upright.shape[:2]
        assert np.array_equal(media.frame(5).image, upright)


def test_an_angle_that_is_no_quarter_turn_is_said(clips: Clips, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), open_media(clips("slanted.mp4")) as media:
        assert media.info.rotation == 0
    assert "no quarter turn" in caplog.text


def test_interlaced_is_detected(clips: Clips) -> None:
    with open_media(clips("fields.mp4")) as fields, open_media(clips("plain.mp4")) as plain:
        assert fields.info.interlaced
        assert fields.info.field_order == 2
        assert not plain.info.interlaced


def test_deep_and_hdr_footage_keeps_its_depth_and_tags(clips: Clips, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), open_media(clips("deep.mp4")) as media:
        assert media.info.bit_depth == 10
        assert media.frame(0).image.dtype == np.uint16
        tags = media.info.color
        assert (tags.primaries, tags.transfer, tags.space, tags.range, tags.hdr) == (9, 16, 9, 1, "PQ")
        assert media.info.light.levels == (1000, 400)
        assert media.info.light.display[-1] == 1000
        assert "PQ HDR" in repr(media)
    assert "not tone-mapped" in caplog.text


def test_what_info_says(clips: Clips) -> None:
    with open_media(clips("sounds.mkv")) as media:
        assert media.info.audio_streams == 3
        assert "3 sound tracks" in repr(media)
        assert media.info.time_base == Fraction(1, 1000)
    with open_media(clips("ntsc.mp4")) as media:
        assert media.info.average_rate == Fraction(24_000, 1001)
        assert "no sound track" in repr(media)
        assert media.name(7) == "ntsc_000007"


def cut(path: Path, to: Path, share: float) -> Path:
    data = path.read_bytes()
    to.write_bytes(data[: int(len(data) * share)])
    return to


@pytest.mark.parametrize("name", ["faststart.mp4", "plain.mkv", "old.avi"])
def test_a_cut_off_file_gives_its_good_frames_and_then_says_so(name: str, clips: Clips, tmp_path: Path) -> None:
    path = cut(clips(name), tmp_path / name, 0.6)
    with open_media(clips(name)) as media:
        whole = {f.pts: f for f in media.frames()}
    got = []
    with open_media(path) as media:
        assert media.info.damage

        def read_all() -> None:
            for frame in media.frames():
                got.append(frame)

        with pytest.raises(MediaError, match=rf"{name}: is cut off"):
            read_all()
        assert 10 < len(got) < 39
        assert media.info.frame_count == len(got)
        assert all(np.array_equal(f.image, whole[f.pts].image) for f in got[:-4])
        assert list(media.frames(0, 5))[-1].index == 4  # a part that is there needs no excuse
    with open_media(path, accept_damage=True) as media:
        assert len(list(media.frames())) == len(got)


def test_damage_in_the_middle_ends_the_frames_there(clips: Clips, tmp_path: Path) -> None:
    data = bytearray(clips("faststart.mp4").read_bytes())
    middle = len(data) // 2
    data[middle : middle + len(data) // 10] = np.random.default_rng(1).bytes(len(data) // 10)
    path = tmp_path / "hit.mp4"
    path.write_bytes(data)
    with open_media(clips("faststart.mp4")) as whole, open_media(path) as media:
        got = []

        def read_all() -> None:
            for frame in media.frames():
                got.append(frame)

        with pytest.raises(MediaError, match=r"hit\.mp4: damaged (at|from) frame \d+"):
            read_all()
        assert 5 < len(got) < 40
        assert [f.index for f in got] == list(range(len(got)))
        assert all(np.array_equal(f.image, whole.frame(f.index).image) for f in got[:5])


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".ts"])
def test_a_copy_cut_inside_an_open_group_of_pictures(
    suffix: str, clips: Clips, tmp_path: Path, plain_decode: Any
) -> None:
    path = tmp_path / f"cut{suffix}"
    with av.open(str(clips("open_gop.mkv"))) as source, av.open(str(path), "w") as output:
        stream = source.streams.video[0]
        twin = output.add_stream_from_template(stream, opaque=True)
        keys = leading = 0
        first = None
        for packet in source.demux(stream):
            if not packet.size:
                continue
            keys += packet.is_keyframe
            if keys >= 2:
                first = packet.pts if first is None else first
                leading += packet.pts < first
                packet.stream = twin
                output.mux(packet)
    assert leading > 0, "the clip has no open group of pictures; this test shows nothing"
    truth = plain_decode(path)
    with open_media(path) as media:
        frames = list(media.frames())
        assert len(frames) == media.info.frame_count == len(truth)
        assert not media.info.damage
        assert [f.pts * f.time_base for f in frames] == [time for time, _ in truth]
        assert same(media.frame(0), frames[0])
    with open_media(clips("open_gop.mkv")) as media:
        whole = list(media.frames())
        assert all(same(media.frame(i), whole[i]) for i in (12, 8, 19, 30, 9, 29))


def test_what_is_no_video_is_refused_by_name(tmp_path: Path, clips: Clips) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("not a video")
    empty = tmp_path / "empty.mkv"
    empty.touch()
    no_index = cut(clips("plain.mp4"), tmp_path / "no_index.mp4", 0.7)
    sound = tmp_path / "sound.m4a"
    with av.open(str(sound), "w", format="mp4") as output:
        output.add_stream("aac", rate=48_000, layout="mono")
    for path, what in [(text, "cannot be opened"), (empty, "cannot be opened"), (no_index, "cut off before its index")]:
        with pytest.raises(MediaError, match=rf"{path.name}: .*{what}"):
            open_media(path)
    with pytest.raises(MediaError, match=r"sound\.m4a"):
        open_media(sound)
    with pytest.raises(MediaError, match="no such file"):
        open_media(tmp_path / "absent.mp4")


def test_bad_indices_are_named(clips: Clips) -> None:
    with open_media(clips("plain.mp4")) as media:
        with pytest.raises(MediaError, match="no frame 40; there are 40, from 0 to 39"):
            media.frame(40)
        with pytest.raises(MediaError, match="step from 1"):
            next(media.frames(0, None, 0))


def test_passes_do_not_disturb_each_other(clips: Clips) -> None:
    with open_media(clips("plain.mp4")) as media:
        truth = list(media.frames())
        one, other = media.frames(), media.frames(20)
        assert same(next(one), truth[0])
        assert same(next(other), truth[20])
        assert same(media.frame(33), truth[33])
        assert same(next(one), truth[1])
        other.close()  # type: ignore[attr-defined]
        faults: list[int] = []

        def look(seed: int) -> None:
            for index in np.random.default_rng(seed).integers(0, 40, 10):
                if not same(media.frame(int(index)), truth[index]):
                    faults.append(int(index))

        threads = [threading.Thread(target=look, args=(seed,)) for seed in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not faults
    media.close()  # a second time is fine


def test_fingerprint_follows_content_not_name(clips: Clips, tmp_path: Path) -> None:
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(clips("plain.mp4").read_bytes())
    with open_media(copy) as one, open_media(clips("plain.mp4")) as other, open_media(clips("vfr.mp4")) as third:
        assert one.fingerprint() == other.fingerprint() != third.fingerprint()


@pytest.mark.parametrize("folder", ["中文 ünï 🎭", "/".join(["a folder of forty letters, or about that"] * 8)])
def test_names_beyond_ascii_and_long_paths(folder: str, clips: Clips, tmp_path: Path) -> None:
    from fspp_core.files import long_path

    path = tmp_path / folder / "100% %03d: größe.mp4".replace(":", "_")
    long_path(path.parent).mkdir(parents=True)
    long_path(path).write_bytes(clips("plain.mp4").read_bytes())
    with open_media(path) as media:
        assert len(list(media.frames(0, 3))) == 3
        assert media.fingerprint()
