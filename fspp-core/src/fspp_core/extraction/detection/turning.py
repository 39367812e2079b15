"""Rotation search: frames in which no face was found are turned until one is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from fspp_core import geometry
from fspp_core.errors import ConfigError
from fspp_core.extraction.options import ExtractOptions
from fspp_core.extraction.shots import Group, Shot, Turned
from fspp_core.types import Image, Matrix

_WHOLE_TURN = 360


def angles_of(options: ExtractOptions) -> tuple[float, ...]:
    """The angles to turn frames by, in degrees clockwise, in the order to try them; never 0, none twice.

    Raises:
        ConfigError: when both a list and a step are given.
    """
    if options.rotate and options.rotate_step is not None:
        raise ConfigError(
            f"rotate, rotate_step: received both the angles {', '.join(f'{angle:g}' for angle in options.rotate)} and "
            f"a step of {options.rotate_step}; give one of them"
        )
    step = options.rotate_step
    given = options.rotate if step is None else range(step, _WHOLE_TURN, step)
    return tuple(dict.fromkeys(turn for angle in given if (turn := float(angle) % _WHOLE_TURN % _WHOLE_TURN)))


def turn(image: Image, degrees: float) -> Turned:
    """A frame turned clockwise about its middle, on a canvas that holds all of it; what is beside it is black.

    By right angles every pixel is kept as it is.
    """
    cosine, sine = _direction(degrees)
    height, width = image.shape[:2]
    canvas = math.ceil(width * abs(cosine) + height * abs(sine)), math.ceil(width * abs(sine) + height * abs(cosine))
    linear = np.array([[cosine, -sine], [sine, cosine]])
    middle, to = (np.array(size) / 2 - 0.5 for size in ((width, height), canvas))
    return _drawn(image, np.column_stack([linear, to - linear @ middle]), canvas)


def turn_like(image: Image, other: Turned) -> Turned:
    """A frame turned as another of its size was."""
    height, width = other.image.shape[:2]
    return _drawn(image, other.matrix, (width, height))


def search(group: Group, angles: tuple[float, ...], detect: Callable[[Group], Group]) -> Group:
    """Turn the frames without a face, by one angle after another, until they have one.

    Args:
        group: frames of one size; those with detections are left alone.
        angles: as `angles_of` gives them.
        detect: gives frames, of which `turned` is set, their detections. It is asked once an angle, for all frames that
            are still without a face.

    Returns:
        The frames in their order; `turned` is set in those that had to be turned and have a face now.
    """
    faceless = {place: shot for place, shot in enumerate(group) if not shot.detections}
    found: dict[int, Shot] = {}
    for degrees in angles:
        if not faceless:
            break
        seen = detect([replace(shot, turned=turn(shot.image, degrees)) for shot in faceless.values()])
        found |= {place: shot for place, shot in zip(faceless, seen, strict=True) if shot.detections}
        faceless = {place: shot for place, shot in faceless.items() if place not in found}
    return [found.get(place, shot) for place, shot in enumerate(group)]


def _direction(degrees: float) -> tuple[float, float]:
    """Cosine and sine, exact at right angles."""
    quarters, rest = divmod(degrees % _WHOLE_TURN, 90)
    if rest == 0:
        return ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[int(quarters) % 4]
    return math.cos(math.radians(degrees)), math.sin(math.radians(degrees))


def _drawn(image: Image, matrix: Matrix, canvas: tuple[int, int]) -> Turned:
    cosine, sine = matrix[:, 0]
    if cosine * sine:
        return Turned(image=geometry.warp(image, matrix, canvas, interpolation="linear"), matrix=matrix)
    quarters = (0 if cosine > 0 else 2) if cosine else (1 if sine > 0 else 3)
    return Turned(image=np.ascontiguousarray(np.rot90(image, -quarters)), matrix=matrix)
