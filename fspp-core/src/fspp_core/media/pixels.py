"""Decoded video frames as BGR arrays and back, by the matrix and range the file says, rounded and not truncated.

FFmpeg's own fast conversion is darker by one level in 255 on average and its 16-bit one by 0.4 %; that would show where
touched and untouched frames meet, so planar YUV goes through one matrix of ours. Chroma samples count as centred in
the pixels they cover, both ways, so that converting there and back does not drift.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation, VideoReformatter

from fspp_core.media.info import ColorTags
from fspp_core.types import DeepImage, Matrix

LOG = logging.getLogger(__name__)

FULL_RANGE = 2
_LUMA = {  # H.273 matrix coefficients: the shares of red and blue in luma
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}
_EXACT = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP
_HD_WIDTH, _SD_HEIGHT = 1280, 576


def assumed_space(tags: ColorTags, width: int, height: int) -> int:
    """The YUV matrix to use: the one said, or what players assume, BT.709 for high definition and BT.601 below."""
    if tags.space in _LUMA:
        return tags.space
    if tags.primaries == 9:
        return 9
    return 1 if width >= _HD_WIDTH or height > _SD_HEIGHT else 6


def is_full(tags: ColorTags, pixel_format: str) -> bool:
    """Whether samples use all values; limited where nothing is said, as players have it, but for grey and "yuvj"."""
    return tags.range == FULL_RANGE or pixel_format.startswith("yuvj") or (not tags.range and "gray" in pixel_format)


@lru_cache(maxsize=64)
def _to_bgr(space: int, full: bool, bits: int, top: int) -> Matrix:
    """(3, 4) matrix from Y, U, V samples of `bits` to B, G, R of 0..`top`."""
    red, blue = _LUMA[space]
    green = 1 - red - blue
    scale = 2 ** (bits - 8)
    luma, chroma, black = (2**bits - 1, 2**bits - 1, 0) if full else (219 * scale, 224 * scale, 16 * scale)
    turn = np.array(
        [
            [1, 2 * (1 - blue), 0],
            [1, -2 * blue * (1 - blue) / green, -2 * red * (1 - red) / green],
            [1, 0, 2 * (1 - red)],
        ]
    )
    turn = turn / np.array([luma, chroma, chroma]) * top
    return np.hstack([turn, -turn @ np.array([[black], [128 * scale], [128 * scale]])])


@lru_cache(maxsize=64)
def _from_bgr(space: int, full: bool, bits: int, top: int) -> Matrix:
    forward = _to_bgr(space, full, bits, top)
    turn = np.linalg.inv(forward[:, :3])
    return np.hstack([turn, -turn @ forward[:, 3:]])


@lru_cache(maxsize=64)
def depth(pixel_format: str) -> int:
    """Bits of the deepest channel of a pixel format."""
    return max((c.bits for c in av.VideoFormat(pixel_format).components), default=8)


@lru_cache(maxsize=64)
def is_planar(pixel_format: str) -> bool:
    """Whether each channel has a plane of its own, in whole numbers this machine reads as they are."""
    known = pixel_format.startswith(("yuv4", "yuva4", "yuvj4", "gray", "gbr"))
    plain = av.VideoFormat(pixel_format)
    whole = "f16" not in pixel_format and "f32" not in pixel_format
    return known and whole and not plain.is_big_endian and "msb" not in pixel_format


@lru_cache(maxsize=64)
def _stepping_stone(pixel_format: str) -> str:
    """The format that FFmpeg brings an unusual one to without loss worth the name."""
    plain, deep = av.VideoFormat(pixel_format), depth(pixel_format) > 8
    if plain.is_rgb or plain.has_palette:
        return "bgr48le" if deep else "bgr24"
    return "yuv444p16le" if deep else "yuv444p"


def plane_view(plane: Any, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """The samples of one plane as an array over the frame's own memory; not to be written to."""
    width = plane.line_size // np.dtype(dtype).itemsize
    return np.frombuffer(plane, dtype).reshape(-1, width)[: plane.height, : plane.width]


def set_plane(plane: Any, samples: npt.NDArray[Any]) -> None:
    """Fill one plane of a frame with (plane.height, plane.width) samples."""
    padded = np.zeros((plane.height, plane.line_size // samples.itemsize), samples.dtype)
    padded[:, : plane.width] = samples
    plane.update(padded)


def to_image(frame: av.VideoFrame, tags: ColorTags) -> DeepImage:
    """A decoded frame as it lies in the file, not turned.

    Args:
        tags: the colour tags of the stream; those of the frame do not count.

    Returns:
        (height, width, 3) BGR, uint8, or uint16 over its full range where the format is deeper than 8 bits.
    """
    name = frame.format.name
    if not is_planar(name):
        name = _stepping_stone(name)
        frame = VideoReformatter().reformat(frame, format=name, interpolation=_EXACT)
        if not name.startswith("yuv"):
            packed: DeepImage = np.ascontiguousarray(frame.to_ndarray())  # type: ignore[assignment]
            return packed
    image: DeepImage
    bits = depth(name)
    dtype, top = (np.uint8, 255) if bits == 8 else (np.uint16, 65535)
    samples = [plane_view(plane, dtype) for plane in frame.planes[:3]]
    if name.startswith("gbr"):
        green, blue, red = samples
        stretch = top / (2**bits - 1)
        image = cv2.merge([blue, green, red])
        return image if stretch == 1 else cv2.transform(image, np.eye(3) * stretch)
    matrix = _to_bgr(assumed_space(tags, frame.width, frame.height), is_full(tags, name), bits, top)
    luma = samples[0]
    if len(samples) < 3:
        neutral = matrix @ np.array([0, 128 * 2 ** (bits - 8), 128 * 2 ** (bits - 8), 1])
        image = cv2.transform(luma[..., None], np.stack([matrix[:, 0], neutral], axis=1))
    else:
        image = cv2.transform(cv2.merge([luma, *(_spread(s, luma.shape) for s in samples[1:])]), matrix)
    return image


def to_frame(image: npt.NDArray[Any], pixel_format: str, tags: ColorTags) -> av.VideoFrame:
    """A BGR picture as a frame of the pixel format asked for; the reverse of `to_image`.

    Args:
        image: (height, width, 3) uint8 or uint16 BGR.
    """
    bits = depth(pixel_format)
    image = _of_depth(image, deep=bits > 8)
    height, width = image.shape[:2]
    if not is_planar(pixel_format):
        stone = _stepping_stone(pixel_format)
        if stone.startswith("bgr"):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format=stone)
        else:
            frame = to_frame(image, stone, tags)
        return VideoReformatter().reformat(frame, format=pixel_format, interpolation=_EXACT)
    frame = av.VideoFrame(width, height, pixel_format)
    top = 65535 if bits > 8 else 255
    if pixel_format.startswith("gbr"):
        stretch = (2**bits - 1) / top
        blue, green, red = cv2.split(image if stretch == 1 else cv2.transform(image, np.eye(3) * stretch))
        planes = [green, blue, red]
    else:
        matrix = _from_bgr(assumed_space(tags, width, height), is_full(tags, pixel_format), bits, top)
        luma, *chroma = cv2.split(cv2.transform(image, matrix[: 1 if len(frame.planes) < 3 else 3]))
        planes = [luma, *(_gather(c, p) for c, p in zip(chroma, frame.planes[1:], strict=False))]
    for plane, samples in zip(frame.planes, planes, strict=False):
        set_plane(plane, samples)
    for alpha in frame.planes[len(planes) :]:
        set_plane(alpha, np.full((height, width), 2**bits - 1, image.dtype))
    return frame


def _of_depth(image: npt.NDArray[Any], *, deep: bool) -> npt.NDArray[Any]:
    if deep:
        return image if image.dtype == np.uint16 else image.astype(np.uint16) * 257
    return image if image.dtype == np.uint8 else cv2.convertScaleAbs(image, alpha=1 / 257)


def _spread(chroma: npt.NDArray[Any], shape: tuple[int, int]) -> npt.NDArray[Any]:
    """Chroma samples interpolated to one a pixel."""
    height, width = shape
    if chroma.shape == shape:
        return chroma
    across, down = -(-width // chroma.shape[1]), -(-height // chroma.shape[0])
    size = (chroma.shape[1] * across, chroma.shape[0] * down)
    return np.asarray(cv2.resize(chroma, size, interpolation=cv2.INTER_LINEAR))[:height, :width]


def _gather(chroma: npt.NDArray[Any], plane: Any) -> npt.NDArray[Any]:
    """Chroma averaged over the pixels that share a sample."""
    height, width = chroma.shape
    if (plane.height, plane.width) == (height, width):
        return chroma
    across, down = -(-width // plane.width), -(-height // plane.height)
    spare_y, spare_x = plane.height * down - height, plane.width * across - width
    if spare_x or spare_y:
        chroma = cv2.copyMakeBorder(chroma, 0, spare_y, 0, spare_x, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(chroma, (plane.width, plane.height), interpolation=cv2.INTER_AREA))
