"""Bring a still portrait to life: camera moves, a turning and speaking face, changing light; one warp a frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from fspp_core.demo.portraits import Portrait
from fspp_core.media.clip import AUDIO_RATE
from fspp_core.types import FloatArray, Image

_TAU = 2 * np.pi
_HEADROOM = 0.1  # the face sits this share of the frame above its middle
Plane = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Motion:
    """State of camera, face and light at one moment; all amplitudes are small and smooth, all periods whole."""

    pan: tuple[float, float]
    zoom: float
    roll: float
    yaw: float
    pitch: float
    mouth: float
    smile: float
    brows: float
    gain: float
    slant: float

    @classmethod
    def at(cls, time: float, phase: float) -> _Motion:
        def wave(cycles: float, offset: float = 0.0) -> float:
            return float(np.sin(_TAU * (cycles * time + offset + phase)))

        return cls(
            pan=(0.05 * wave(1), 0.035 * wave(2, 0.2)),
            zoom=1.0 + 0.10 * wave(1, 0.35),
            roll=np.deg2rad(9.0) * wave(1, 0.6),
            yaw=0.13 * wave(2, 0.1),
            pitch=0.07 * wave(3, 0.4),
            mouth=0.5 + 0.5 * wave(4),
            smile=wave(3, 0.25),
            brows=0.5 + 0.5 * wave(2, 0.55),
            gain=1.0 + 0.12 * wave(2, 0.75),
            slant=0.10 * wave(1, 0.15),
        )


def animate(portrait: Portrait, image: Image, *, frames: int, size: int, phase: float = 0.0) -> Iterator[Image]:
    """Frames of the portrait in motion.

    Args:
        portrait: where the face is in `image`.
        image: (height, width, 3) uint8 BGR.
        frames: how many; the motion is periodic over them.
        size: side of the square frames in pixels.
        phase: 0..1, shifts the motion so that two portraits do not move in step.

    Yields:
        (size, size, 3) uint8 BGR.
    """
    grid = (np.mgrid[0:size, 0:size].astype(np.float64)[::-1] + 0.5) / size - 0.5
    for number in range(frames):
        motion = _Motion.at(number / frames, phase)
        x, y = _camera(portrait, motion, grid[0], grid[1])
        dx, dy = _expression(
            motion, (x - portrait.center[0]) / portrait.radius, (y - portrait.center[1]) / portrait.radius
        )
        warped = cv2.remap(
            image,
            (x + dx * portrait.radius - 0.5).astype(np.float32),
            (y + dy * portrait.radius - 0.5).astype(np.float32),
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        light = motion.gain * (1.0 + motion.slant * 2 * grid[0])
        yield np.clip(warped * light[..., None] + 0.5, 0, 255).astype(np.uint8)


def _camera(portrait: Portrait, motion: _Motion, u: Plane, v: Plane) -> tuple[Plane, Plane]:
    """Portrait pixels shown at frame positions u, v (-0.5..0.5)."""
    side = portrait.view / motion.zoom
    cos, sin = np.cos(motion.roll), np.sin(motion.roll)
    u, v = u + motion.pan[0], v + motion.pan[1] + _HEADROOM
    return (
        portrait.center[0] + side * (cos * u - sin * v),
        portrait.center[1] + side * (sin * u + cos * v),
    )


def _expression(motion: _Motion, a: Plane, b: Plane) -> tuple[Plane, Plane]:
    """Shift of the sampling point in face radii, at face coordinates a, b (nose tip at 0, cheeks at +-1)."""
    depth = np.exp(-0.9 * (a**2 + (0.8 * b) ** 2))
    dx = motion.yaw * depth
    dy = motion.pitch * depth
    below = _bump(a, b, 0.0, 0.86, 0.55, 0.30)
    dy = dy - 0.10 * motion.mouth * below
    for side in (-1.0, 1.0):
        corner = _bump(a, b, side * 0.38, 0.52, 0.22, 0.20)
        dx = dx - side * 0.05 * motion.smile * corner
        dy = dy + 0.05 * motion.smile * corner
        dy = dy + 0.07 * motion.brows * _bump(a, b, side * 0.42, -0.78, 0.36, 0.20)
    return dx, dy


def _bump(a: Plane, b: Plane, x: float, y: float, width: float, height: float) -> Plane:
    return np.exp(-(((a - x) / width) ** 2) - ((b - y) / height) ** 2)


def tone(seconds: float, pitch_hz: float) -> FloatArray:
    """A quiet tone that swells once a second: (samples,) float32 -1..1 at `AUDIO_RATE`."""
    time = np.arange(round(seconds * AUDIO_RATE)) / AUDIO_RATE
    return (0.2 * np.sin(_TAU * pitch_hz * time) * (0.6 + 0.4 * np.sin(_TAU * time))).astype(np.float32)
