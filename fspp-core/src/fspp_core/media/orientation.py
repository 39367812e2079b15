"""Which way up a stored picture is to be shown: the display matrix of a video, applied to arrays and frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

from fspp_core.media.light import side_data
from fspp_core.media.pixels import depth, plane_view, set_plane


@dataclass(frozen=True, slots=True)
class Orientation:
    """How to make a stored picture upright: swap rows and columns first, then flip."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @property
    def upright(self) -> bool:
        """Whether nothing is to be done."""
        return not (self.transpose or self.flip_x or self.flip_y)

    @property
    def mirrored(self) -> bool:
        """Whether left and right are exchanged, which no turning can undo."""
        return self.transpose ^ self.flip_x ^ self.flip_y

    @property
    def rotation(self) -> int:
        """Degrees clockwise of the turn, after the mirroring if there is one."""
        turned, flip_y = self.transpose, self.flip_y
        if turned:
            return 270 if flip_y else 90
        return 180 if flip_y else 0

    def apply(self, image: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The upright picture of a stored one."""
        if self.transpose:
            image = cv2.transpose(image)
        if self.flip_x or self.flip_y:
            image = cv2.flip(image, -1 if self.flip_x and self.flip_y else int(self.flip_x))
        return image


def read_orientation(frame: av.VideoFrame) -> tuple[Orientation, bool]:
    """The orientation a decoded frame asks for, and whether that says all (False: the angle is no quarter turn)."""
    matrix = side_data(frame, "DISPLAYMATRIX")
    if matrix is None:
        return Orientation(), True
    a, b, _, c, d = (int(v) for v in np.frombuffer(matrix, np.int32)[:5])
    if a == d == 0 and b and c:
        return Orientation(True, c < 0, b < 0), True
    if b == c == 0 and a and d:
        return Orientation(False, a < 0, d < 0), True
    return Orientation(), False


def turn_frame(frame: av.VideoFrame, orientation: Orientation) -> av.VideoFrame | None:
    """A decoded frame made upright sample by sample, without touching a value.

    Returns:
        None where that cannot be done: packed formats, and chroma that would not fall on whole samples.
    """
    if orientation.upright:
        return frame
    width, height = frame.width, frame.height
    if orientation.transpose:
        width, height = height, width
    first, *rest = frame.planes
    if frame.format.name.startswith(("nv", "p0", "p2", "p4")) or len(frame.planes) != len(frame.format.components):
        return None
    across = {-(-first.width // p.width) for p in rest}
    down = {-(-first.height // p.height) for p in rest}
    if orientation.transpose and across != down:
        return None
    odd = any(first.width % n for n in across) or any(first.height % n for n in down)
    if odd:
        return None
    turned = av.VideoFrame(width, height, frame.format.name)
    dtype = np.uint8 if depth(frame.format.name) == 8 else np.uint16
    for plane, stored in zip(turned.planes, frame.planes, strict=True):
        set_plane(plane, orientation.apply(plane_view(stored, dtype)))
    turned.pts, turned.time_base = frame.pts, frame.time_base
    return turned
