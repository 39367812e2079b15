"""The demo's clips: portraits really move, smoothly and periodically, and the encoded file has picture and sound."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from fspp_core.demo.animate import animate, tone
from fspp_core.demo.portraits import ASTRONAUT, HOPPER, Portrait, load
from fspp_core.errors import FsppError, MediaError
from fspp_core.media.clip import AUDIO_RATE, write_clip


@pytest.mark.parametrize("portrait", [ASTRONAUT, HOPPER], ids=lambda p: p.who)
def test_every_frame_differs_a_little_from_the_one_before(portrait: Portrait) -> None:
    frames = np.stack(list(animate(portrait, load(portrait), frames=24, size=96))).astype(float)
    steps = np.abs(np.diff(frames, axis=0)).mean((1, 2, 3))
    far = np.abs(frames[0] - frames[12]).mean()
    assert steps.min() > 0.5
    assert steps.max() < 40
    assert far > steps.mean()


def test_the_portrait_itself_is_left_as_it_was() -> None:
    image = load(ASTRONAUT)
    before = image.copy()
    next(animate(ASTRONAUT, image, frames=2, size=32))
    assert np.array_equal(image, before)


def test_light_changes_over_the_clip() -> None:
    levels = [f.mean() for f in animate(HOPPER, load(HOPPER), frames=16, size=48)]
    assert max(levels) / min(levels) > 1.1


def test_a_missing_package_names_the_line_that_installs_it() -> None:
    lost = Portrait(
        who="Nobody", credit="", package="no-such-package", folder=("fspp_no_such_package",), file="x.png",
        center=(0, 0), radius=1, view=1,
    )  # fmt: skip
    with pytest.raises(FsppError, match=r"no-such-package.*pip install fspp-core\[demo\]"):
        load(lost)


def test_a_clip_has_its_pictures_and_its_sound(tmp_path: Path) -> None:
    images = list(animate(ASTRONAUT, load(ASTRONAUT), frames=12, size=64))
    path = write_clip(tmp_path / "ünïcode" / "clip.mp4", images, rate=Fraction(24), sound=tone(0.5, 440.0))
    with av.open(str(path)) as container:
        decoded = [f.to_ndarray(format="bgr24") for f in container.decode(video=0)]
    assert len(decoded) == 12
    assert np.abs(np.stack(decoded).astype(int) - np.stack(images)).mean() < 6
    with av.open(str(path)) as container:
        sound = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    assert len(sound) >= 0.5 * AUDIO_RATE
    spectrum = np.abs(np.fft.rfft(sound[: AUDIO_RATE // 2]))
    assert spectrum.argmax() * 2 == pytest.approx(440, abs=4)


def test_a_clip_without_pictures_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="at least one picture"):
        write_clip(tmp_path / "empty.mp4", [], rate=Fraction(24))
    assert list(tmp_path.iterdir()) == []


def test_a_clip_that_fails_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    def images():  # type: ignore[no-untyped-def]
        yield np.zeros((32, 32, 3), np.uint8)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        write_clip(tmp_path / "half.mp4", images(), rate=Fraction(24))
    assert list(tmp_path.iterdir()) == []
