"""What goes out as a video has the source's timing, tags and sound; untouched frames go out as they came."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fspp_core.errors import MediaError
from fspp_core.media import EncodeOptions, open_media, open_writer, write_image
from fspp_core.types import Frame

Clips = Callable[[str], Path]
FAST = {"h264": "ultrafast", "h265": "ultrafast", "vp9": "8", "av1": "12", "ffv1": None, "prores": None}


def options(codec: str = "h264", **more: Any) -> EncodeOptions:
    return EncodeOptions(**{"codec": codec, "preset": FAST[codec], "segment_frames": 7, **more})


def convert(
    source: Path, output: Path, how: EncodeOptions, touch: Callable[[Frame], Frame] = lambda f: f, **more: Any
) -> Path:
    with open_media(source) as media, open_writer(output, like=media, options=how, **more) as writer:
        for frame in media.frames(writer.done):
            writer.write(touch(frame))
    return output


def touched(frame: Frame) -> Frame:
    return frame.with_image(frame.image)


def times(path: Path) -> list[tuple[Fraction, Fraction]]:
    with open_media(path) as media:
        return [(f.pts * f.time_base, f.duration * f.time_base) for f in media.frames()]  # type: ignore[operator]


def samples(path: Path) -> list[tuple[bytes, ...]]:
    """The planes of every frame as any other program decodes them."""
    found = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            width = frame.format.components[0].bits > 8
            planes = []
            for plane in frame.planes:
                rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
                planes.append(rows[: plane.height, : plane.width * (2 if width else 1)].tobytes())
            found.append(tuple(planes))
    return found


@pytest.mark.parametrize(
    "source", ["vfr.mp4", "plain.mp4", "late.mp4", "negative.mp4", "ntsc.mp4", "plain.mkv", "stream.ts"]
)
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_times_are_kept_to_the_tick(source: str, suffix: str, clips: Clips, tmp_path: Path) -> None:
    output = convert(clips(source), tmp_path / f"out{suffix}", options(), touched)
    assert times(output) == times(clips(source))
    with av.open(str(output)) as container:
        stream = container.streams.video[0]
        decoding = [p.dts for p in container.demux(stream) if p.size]
        assert all(a < b for a, b in pairwise(decoding))


def test_times_in_matroska_are_kept_to_the_millisecond(
    clips: Clips, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        output = convert(clips("vfr.mp4"), tmp_path / "out.mkv", options())
    assert "keeps times in milliseconds" in caplog.text
    for (one, _), (other, _) in zip(times(output), times(clips("vfr.mp4")), strict=True):
        assert abs(one - other) <= Fraction(1, 2000)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        output = convert(clips("vfr.mkv"), tmp_path / "exact.mkv", options())
    assert "milliseconds" not in caplog.text
    assert times(output) == times(clips("vfr.mkv"))


PATTERNS = st.lists(st.integers(40, 20_000), min_size=1, max_size=24)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=PATTERNS, start=st.integers(0, 200_000), segment=st.integers(2, 9), codec=st.sampled_from(["h264", "prores"])
)
def test_any_pattern_of_times_survives(
    steps: list[int], start: int, segment: int, codec: str, tmp_path: Path, make_clip: Any
) -> None:
    pts = [int(t) for t in np.cumsum([start, *steps[:-1]])]
    source = make_clip(tmp_path / "source.mp4", pts=pts, last=steps[-1], size=(64, 48))
    output = convert(source, tmp_path / "out.mov", options(codec, segment_frames=segment))
    expected = [(Fraction(t, 90_000), Fraction(d, 90_000)) for t, d in zip(pts, steps, strict=True)]
    assert [t for t, _ in times(source)] == [t for t, _ in expected]
    assert times(output) == times(source)


@pytest.mark.parametrize(
    ("codec", "more", "suffix"),
    [("ffv1", {}, ".mkv"), ("h264", {"crf": 0}, ".mp4"), ("h265", {"crf": 0}, ".mp4"),
     ("vp9", {"crf": 0}, ".webm"), ("vp9", {"crf": 0}, ".mkv")],
)  # fmt: skip
def test_untouched_frames_are_bit_identical_under_a_lossless_codec(
    codec: str, more: dict[str, Any], suffix: str, clips: Clips, tmp_path: Path
) -> None:
    output = convert(clips("vfr.mkv"), tmp_path / f"out{suffix}", options(codec, **more))
    assert samples(output) == samples(clips("vfr.mkv"))


def test_deep_footage_is_bit_identical_too(clips: Clips, tmp_path: Path) -> None:
    output = convert(clips("deep.mp4"), tmp_path / "out.mkv", options("ffv1"))
    assert samples(output) == samples(clips("deep.mp4"))
    output = convert(clips("deep.mp4"), tmp_path / "out.mp4", options("h264", crf=0))
    assert samples(output) == samples(clips("deep.mp4"))


@pytest.mark.parametrize("name", ["right.mp4", "left.mp4", "down.mp4", "mirror.mp4"])
def test_turned_footage_goes_out_upright_and_untagged(name: str, clips: Clips, tmp_path: Path) -> None:
    output = convert(clips(name), tmp_path / "out.mp4", options(crf=0))
    with open_media(clips(name)) as source, open_media(output) as result:
        assert (result.info.rotation, result.info.mirrored) == (0, False)
        assert (result.info.width, result.info.height) == (source.info.width, source.info.height)
        for one, other in zip(source.frames(), result.frames(), strict=True):
            assert np.abs(one.image.astype(int) - other.image).max() <= 3  # chroma is interpolated in another direction
    touched_output = convert(clips(name), tmp_path / "touched.mp4", options(crf=0), touched)
    with open_media(clips(name)) as source, open_media(touched_output) as result:
        for one, other in zip(source.frames(), result.frames(), strict=True):
            assert np.abs(one.image.astype(int) - other.image).mean() < 2


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [("h264", ".mp4"), ("h265", ".mp4"), ("h265", ".mkv"), ("av1", ".mp4"), ("vp9", ".webm"), ("ffv1", ".mkv"),
     ("prores", ".mov"), ("h264", ".mkv")],
)  # fmt: skip
@pytest.mark.parametrize("source", ["deep.mp4", "hlg422.mkv", "bt709.mp4"])
@pytest.mark.parametrize("touch", [touched, lambda f: f])
def test_colour_tags_are_carried_over(
    codec: str, suffix: str, source: str, touch: Any, clips: Clips, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        output = convert(clips(source), tmp_path / f"out{suffix}", options(codec), touch)
    with open_media(clips(source)) as before, open_media(output) as after:
        one, other = before.info.color, after.info.color
        assert (other.primaries, other.transfer, other.space) == (one.primaries, one.transfer, one.space)
        assert other.range in (0, 1)
        a, b = before.frame(9), after.frame(9)
        assert np.abs(a.bgr8.astype(int) - b.bgr8).mean() < 4
        if before.info.bit_depth > 8 and codec != "vp9":
            assert after.info.bit_depth >= 10
        if before.info.light and codec in ("h264", "h265", "av1"):
            assert after.info.light.levels == before.info.light.levels
            assert after.info.light.display == pytest.approx(before.info.light.display, abs=0.005)
    if before.info.bit_depth > 8 and codec == "vp9":
        assert "10 bits become 8" in caplog.text
        assert "will show bands" in caplog.text
    if before.info.light and codec in ("ffv1", "prores", "vp9"):
        assert "cannot carry its HDR metadata" in caplog.text


def test_full_range_stays_full(clips: Clips, tmp_path: Path) -> None:
    for touch in (touched, lambda f: f):
        output = convert(clips("bt601full.mp4"), tmp_path / "out.mp4", options(crf=4), touch)
        with open_media(clips("bt601full.mp4")) as before, open_media(output) as after:
            assert after.info.color.range == 2
            assert np.abs(before.frame(3).image.astype(int) - after.frame(3).image).mean() < 2


@pytest.mark.parametrize("codec", ["h264", "h265", "vp9", "ffv1", "prores", "av1"])
def test_odd_sizes_are_kept(codec: str, clips: Clips, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    output = tmp_path / "out.mkv"
    if codec == "av1":
        with open_media(clips("odd.mkv")) as media, pytest.raises(MediaError, match="odd size 75x61; take vp9"):
            open_writer(output, like=media, options=options(codec))
        return
    with caplog.at_level(logging.INFO):
        convert(clips("odd.mkv"), output, options(codec), touched)
    with open_media(output) as after, open_media(clips("odd.mkv")) as before:
        assert (after.info.width, after.info.height) == (75, 61)
        assert np.abs(after.frame(4).bgr8.astype(int) - before.frame(4).image).mean() < 4
    assert ("is odd" in caplog.text) == (codec in ("h264", "h265"))


def test_rgb_footage_becomes_tagged_yuv(clips: Clips, tmp_path: Path) -> None:
    output = convert(clips("rgb.mkv"), tmp_path / "out.mp4", options(crf=4))
    with open_media(clips("rgb.mkv")) as before, open_media(output) as after:
        assert after.info.color.space == 1
        assert np.abs(after.frame(4).image.astype(int) - before.frame(4).image).mean() < 2
    output = convert(clips("rgb.mkv"), tmp_path / "same.mkv", options("ffv1"))
    assert samples(output) == samples(clips("rgb.mkv"))


@pytest.mark.parametrize("touch", [touched, lambda f: f])
@pytest.mark.parametrize(("codec", "suffix"), [("h264", ".mp4"), ("prores", ".mov")])
def test_interlaced_footage_stays_so(
    codec: str, suffix: str, touch: Any, clips: Clips, tmp_path: Path, caplog: Any
) -> None:
    with caplog.at_level(logging.WARNING):
        output = convert(clips("fields.mp4"), tmp_path / f"out{suffix}", options(codec), touch)
    assert "kept and flagged" in caplog.text
    with open_media(output) as media:
        assert media.info.interlaced
        assert media.info.field_order in (2, 4)
        assert media.frame(8).native.interlaced_frame


def test_interlaced_footage_in_a_codec_without_fields_is_said(
    clips: Clips, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        convert(clips("fields.mp4"), tmp_path / "out.mkv", options("vp9"))
    assert "cannot flag as fields" in caplog.text


def sounds(path: Path) -> list[tuple[str, str | None, list[tuple[Fraction, bytes]]]]:
    """Codec, language and packets of each sound track."""
    with av.open(str(path)) as container:
        tracks: dict[int, list[Any]] = {s.index: [] for s in container.streams.audio}
        for packet in container.demux(container.streams.audio) if tracks else ():
            if packet.size:
                tracks[packet.stream_index].append((packet.pts * packet.time_base, bytes(packet)))
        return [(s.codec_context.name, s.metadata.get("language"), tracks[s.index]) for s in container.streams.audio]


@pytest.mark.parametrize(
    ("source", "suffix"), [("sound.mp4", ".mp4"), ("sounds.mkv", ".mkv"), ("sounds.mkv", ".mp4"), ("pcm.mov", ".mov")]
)
def test_every_sound_track_is_copied_packet_by_packet(source: str, suffix: str, clips: Clips, tmp_path: Path) -> None:
    before = sounds(clips(source))
    after = sounds(convert(clips(source), tmp_path / f"out{suffix}", options()))
    assert len(after) == len(before) >= 1
    for (codec, language, packets), (codec2, language2, packets2) in zip(before, after, strict=True):
        assert (codec, language) == (codec2, language2)
        assert b"".join(d for _, d in packets) == b"".join(d for _, d in packets2)
        assert abs(packets[0][0] - packets2[0][0]) < Fraction(1, 500)
        assert abs(packets[-1][0] - packets2[-1][0]) < Fraction(1, 30)


def test_no_sound_where_there_is_none_or_none_is_wanted(clips: Clips, tmp_path: Path) -> None:
    assert sounds(convert(clips("plain.mp4"), tmp_path / "a.mp4", options())) == []
    assert sounds(convert(clips("sound.mp4"), tmp_path / "b.mp4", options(audio=False))) == []


def test_sound_that_does_not_fit_is_refused_before_any_work(clips: Clips, tmp_path: Path) -> None:
    with open_media(clips("pcm.mov")) as media:
        with pytest.raises(MediaError, match=r"its sound \(pcm_s16le\) cannot go into webm"):
            open_writer(tmp_path / "out.webm", like=media, options=options("vp9"))
        assert list(tmp_path.iterdir()) == []
        with open_writer(tmp_path / "out.webm", like=media, options=options("vp9", audio=False)) as writer:
            writer.write(media.frame(0))


def test_titles_and_words_about_the_output(clips: Clips, tmp_path: Path) -> None:
    output = convert(clips("sound.mp4"), tmp_path / "o.mp4", options(), metadata={"comment": "synthetic"})
    with av.open(str(output)) as container:
        assert container.metadata["title"] == "Größe"
        assert container.metadata["comment"].endswith("synthetic")
        assert container.metadata["comment"].startswith("of the source")


def test_h265_carries_the_mark_quicktime_wants(clips: Clips, tmp_path: Path) -> None:
    output = convert(clips("plain.mp4"), tmp_path / "o.mp4", options("h265"))
    with av.open(str(output)) as container:
        assert container.streams.video[0].codec_context.codec_tag == "hvc1"


def test_pictures_become_a_video(tmp_path: Path) -> None:
    for i in range(9):
        write_image(tmp_path / "in" / f"{i}.png", np.full((48, 64, 3), 20 * i, np.uint8))
    output = convert(tmp_path / "in", tmp_path / "out.mp4", options(rate=12.5, crf=4))
    with open_media(output) as media:
        assert media.info.frame_count == 9
        assert media.info.average_rate == Fraction(25, 2)
        assert media.info.duration_s == pytest.approx(9 / 12.5)
        assert (media.info.pixel_format, media.info.color.space) == ("yuv420p", 1)
        for i, frame in enumerate(media.frames()):
            assert np.abs(frame.image.astype(int) - 20 * i).max() <= 4
    write_image(tmp_path / "in" / "a.png", np.zeros((40, 64, 3), np.uint8))
    with pytest.raises(MediaError, match="frame a is 64x40, the video 64x48"):
        convert(tmp_path / "in", tmp_path / "mixed.mp4", options())
    assert not (tmp_path / "mixed.mp4").exists()


def test_deep_pictures_become_deep_video(tmp_path: Path) -> None:
    ramp = np.repeat(np.linspace(0, 65535, 64).astype(np.uint16)[None, :, None], 3, 2).repeat(48, 0)
    write_image(tmp_path / "in" / "a.png", ramp)
    output = convert(tmp_path / "in", tmp_path / "out.mkv", options("ffv1"))
    with open_media(output) as media:
        assert (media.frame(0).image == ramp).all()


@pytest.mark.parametrize(
    ("path", "how", "what"),
    [
        ("out.avi", {}, r"\.avi is not written; take one of \.mp4"),
        ("out.png", {}, "40 frames do not go into one picture"),
        ("out.webm", {}, "h264 cannot go into webm"),
        ("out.mp4", {"codec": "prores", "preset": None}, "prores cannot go into mp4"),
        ("out.mp4", {"preset": "quickly"}, "libx264 refuses"),
        ("out.mp4", {"pixel_format": "yuv420p12le"}, "h264 cannot; it can yuv420p"),
    ],
)
def test_what_cannot_be_is_said_before_any_work(
    path: str, how: dict[str, Any], what: str, clips: Clips, tmp_path: Path
) -> None:
    with open_media(clips("plain.mp4")) as media, pytest.raises(MediaError, match=what):
        open_writer(tmp_path / path, like=media, options=EncodeOptions(**how))
    assert list(tmp_path.iterdir()) == []


def test_an_even_format_for_an_odd_size_is_refused(clips: Clips, tmp_path: Path) -> None:
    with open_media(clips("odd.mkv")) as media, pytest.raises(MediaError, match="needs an even size"):
        open_writer(tmp_path / "o.mp4", like=media, options=options(pixel_format="yuv420p"))


def test_the_source_is_never_overwritten(clips: Clips) -> None:
    before = clips("plain.mp4").read_bytes()
    with open_media(clips("plain.mp4")) as media, pytest.raises(MediaError, match="is the source itself"):
        open_writer(clips("plain.mp4"), like=media)
    assert clips("plain.mp4").read_bytes() == before


def test_wrong_frames_are_named(clips: Clips, tmp_path: Path) -> None:
    with open_media(clips("plain.mp4")) as media:
        writer = open_writer(tmp_path / "o.mp4", like=media, options=options())
        writer.write(media.frame(1))
        with pytest.raises(MediaError, match="frame plain_000000 is shown at tick 0, not after 3000"):
            writer.write(media.frame(0))
        with pytest.raises(MediaError, match="is 10x10, the video 96x64"):
            writer.write(media.frame(2).with_image(np.zeros((10, 10, 3), np.uint8)))
        writer.abort()
        writer.abort()
        with pytest.raises(MediaError, match="comes too late"):
            writer.write(media.frame(2))
        with pytest.raises(MediaError, match="no frames were written"), open_writer(tmp_path / "e.mp4", like=media):
            pass
    assert not (tmp_path / "e.mp4").exists()
    assert not (tmp_path / "e.mp4.parts").exists()


@pytest.mark.parametrize(
    "name",
    [
        "中文 ünï 🎭.mp4",
        "x" * 240 + ".mp4",
        "d" * 40 + "/" + ("long folder name of forty letters, about/" * 7) + "o.mp4",
    ],
)
def test_any_name_will_do(name: str, clips: Clips, tmp_path: Path) -> None:
    output = convert(clips("sound.mp4"), tmp_path / name, options())
    with open_media(output) as media:
        assert media.info.frame_count == 40
        assert media.info.audio_streams == 1
    assert [p.name for p in output.parent.iterdir()] == [output.name]


def test_a_part_of_the_frames(clips: Clips, tmp_path: Path) -> None:
    with open_media(clips("vfr.mp4")) as media:
        with open_writer(tmp_path / "o.mp4", like=media, options=options()) as writer:
            frames: Iterable[Frame] = list(media.frames(5, 31, 2))
            for frame in frames:
                writer.write(frame)
        with open_media(tmp_path / "o.mp4") as result:
            assert [f.pts for f in result.frames()] == [f.pts for f in frames]
