"""Change a part of a decoded frame and nothing else: samples outside of it stay as they came out of the decoder.

Turning a whole frame to BGR and back rounds every sample and softens subsampled chroma, so that a touched frame would
differ from its untouched neighbours all over, and even a lossless codec would not bring the background back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from fspp_core.media.info import MediaInfo
from fspp_core.media.orientation import Orientation, read_orientation
from fspp_core.media.pixels import assumed_space, depth, is_planar, plane_view, set_plane, to_frame
from fspp_core.types import DeepImage, Frame

Box = tuple[int, int, int, int]


def repaint(frame: Frame, image: DeepImage, box: Box, info: MediaInfo) -> Frame:
    """The same frame showing another picture, its native samples kept wherever the picture is unchanged.

    Chroma samples that several pixels share change when one of these pixels does.

    Args:
        frame: as read. Not modified.
        image: like `frame.image`, and equal to it outside of `box`.
        box: left, top, right, bottom in pixels of the upright picture, half-open.
        info: facts about the footage.

    Returns:
        A frame with native samples to be written as they are; without, where the pixel format allows no such thing.
    """
    native = frame.native
    if not isinstance(native, av.VideoFrame) or not is_planar(native.format.name):
        return frame.with_image(image)
    orientation, _ = read_orientation(native)
    after, before = _stored(image, orientation), _stored(frame.image, orientation)
    left, top, right, bottom = _stored_box(box, orientation, image.shape[1], image.shape[0])
    across, down = _sharing(native)
    left, top = left // across * across, top // down * down
    right, bottom = min(native.width, -(-right // across) * across), min(native.height, -(-bottom // down) * down)
    region = np.ascontiguousarray(after[top:bottom, left:right])
    changed = (region != before[top:bottom, left:right]).any(axis=2)
    # What a file does not say depends on the size of the whole picture, not of this part.
    tags = replace(info.color, space=assumed_space(info.color, native.width, native.height))
    return replace(
        frame, image=image, native=_painted(native, to_frame(region, native.format.name, tags), changed, left, top)
    )


def _painted(
    native: av.VideoFrame, part: av.VideoFrame, changed: npt.NDArray[np.bool_], left: int, top: int
) -> av.VideoFrame:
    """A copy of `native` with the samples of `part` where it has `changed`; alpha is left alone."""
    result = av.VideoFrame(native.width, native.height, native.format.name)
    dtype = np.uint8 if depth(native.format.name) == 8 else np.uint16
    for number, (plane, stored) in enumerate(zip(result.planes, native.planes, strict=True)):
        samples = plane_view(stored, dtype).copy()
        if number < 3:
            across, down = -(-native.width // stored.width), -(-native.height // stored.height)
            x, y = left // across, top // down
            painted = plane_view(part.planes[number], dtype)
            target = samples[y : y + painted.shape[0], x : x + painted.shape[1]]
            np.copyto(target, painted, where=_any_of_block(changed, across, down))
        set_plane(plane, samples)
    result.pts, result.time_base = native.pts, native.time_base
    result.colorspace, result.color_range = native.colorspace, native.color_range
    return result


def _any_of_block(changed: npt.NDArray[np.bool_], across: int, down: int) -> npt.NDArray[np.bool_]:
    if across == down == 1:
        return changed
    height, width = changed.shape
    padded = np.pad(changed, ((0, -height % down), (0, -width % across)))
    blocks = padded.reshape(padded.shape[0] // down, down, padded.shape[1] // across, across)
    return np.asarray(blocks.any(axis=(1, 3)))


def _sharing(native: av.VideoFrame) -> tuple[int, int]:
    """How many pixels share a chroma sample in a row, and in a column."""
    return (
        max(-(-native.width // plane.width) for plane in native.planes),
        max(-(-native.height // plane.height) for plane in native.planes),
    )


def _stored(image: npt.NDArray[Any], orientation: Orientation) -> npt.NDArray[Any]:
    """An upright picture as it lies in the file, as a view: `Orientation.apply` undone."""
    if orientation.flip_x:
        image = image[:, ::-1]
    if orientation.flip_y:
        image = image[::-1]
    return image.swapaxes(0, 1) if orientation.transpose else image


def _stored_box(box: Box, orientation: Orientation, width: int, height: int) -> Box:
    left, top, right, bottom = box
    if orientation.flip_x:
        left, right = width - right, width - left
    if orientation.flip_y:
        top, bottom = height - bottom, height - top
    return (top, left, bottom, right) if orientation.transpose else (left, top, right, bottom)
