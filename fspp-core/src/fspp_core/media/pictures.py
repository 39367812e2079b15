"""Single pictures in and out, as BGR arrays, upright; never through a file name handed to OpenCV."""

from __future__ import annotations

import logging
import struct
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import imageio.v3 as iio
import numpy as np
import numpy.typing as npt

from fspp_core.errors import MediaError
from fspp_core.files import atomic_write, long_path
from fspp_core.media.color import rgb_to_bgr, to_bgr
from fspp_core.media.png import SIGNATURE, read_text_chunks, replace_text, with_text
from fspp_core.types import DeepImage

LOG = logging.getLogger(__name__)

PICTURE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".webp", ".bmp", ".tif", ".tiff", ".jp2", ".ppm", ".pgm", ".pnm", ".avif"}
)
_DEEP_SUFFIXES = frozenset({".png", ".tif", ".tiff"})
_WRITE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
_COLOR_ANY_DEPTH = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH  # applies EXIF orientation, drops alpha, keeps 16 bits


def read_image(path: Path | str) -> DeepImage:
    """Read a picture.

    EXIF orientation is applied, grey becomes three equal channels, and alpha is dropped with a note in the log.

    Returns:
        (height, width, 3) uint8, or uint16 where the file is deeper, BGR.

    Raises:
        MediaError: when the file is not there, cut off, or no picture of 8 or 16 bits.
    """
    return decode_image(_read(Path(path)), Path(path))


def read_image_and_text(path: Path | str) -> tuple[DeepImage, dict[str, str]]:
    """A picture and the texts inside it; the file is read once."""
    data = _read(Path(path))
    texts = read_text_chunks(BytesIO(data), Path(path)) if data.startswith(SIGNATURE) else {}
    return decode_image(data, Path(path)), texts


def read_text(path: Path | str) -> dict[str, str]:
    """The texts inside a PNG by keyword, without decoding pixels; empty for other formats.

    Raises:
        MediaError: when the file is not there, cut off, or its text is damaged.
    """
    path = Path(path)
    try:
        with long_path(path).open("rb") as file:
            if file.read(len(SIGNATURE)) != SIGNATURE:
                return {}
            file.seek(0)
            return read_text_chunks(file, path)
    except OSError as error:
        raise MediaError(f"{path}: cannot be read: {error.strerror or error}") from error


def write_image(
    path: Path | str, image: npt.NDArray[Any], *, text: Mapping[str, str] | None = None, quality: int = 95
) -> None:
    """Write a picture; the suffix chooses the format, and the file appears whole or not at all.

    Args:
        image: (height, width, 3) BGR or (height, width) grey, uint8, or uint16 for PNG and TIFF.
        text: texts to put inside, PNG only.
        quality: 1 to 100, for JPEG and WebP; 100 is lossless for WebP.

    Raises:
        MediaError: when format and picture do not fit, or the disk refuses.
    """
    path = Path(path)
    data = encode_image(image, path.suffix, quality=quality, path=path)
    if text:
        if path.suffix.lower() != ".png":
            raise MediaError(f"{path}: texts can be put into PNG files only, not into {path.suffix}; use .png")
        data = with_text(data, text)
    try:
        atomic_write(path, data)
    except OSError as error:
        raise MediaError(f"{path}: cannot be written: {error.strerror or error}") from error


def rewrite_text(path: Path | str, text: Mapping[str, str]) -> None:
    """Replace texts inside a PNG that has been read well, without touching its pixels; the file changes whole or not.

    Raises:
        MediaError: when it is no PNG, cut off, or the disk refuses.
    """
    path = Path(path)
    data = _read(path)
    if not data.startswith(SIGNATURE):
        raise MediaError(f"{path}: texts can be put into PNG files only, and this is none")
    _check_whole(data, path)
    try:
        atomic_write(path, replace_text(data, text))
    except OSError as error:
        raise MediaError(f"{path}: cannot be written: {error.strerror or error}") from error


def encode_image(image: npt.NDArray[Any], suffix: str, *, quality: int = 95, path: Path | None = None) -> bytes:
    """The bytes of a picture file of the format that `suffix` names; arguments as for `write_image`."""
    where = f"{path}: " if path is not None else ""
    kind = suffix.lower()
    if kind not in _WRITE_SUFFIXES:
        raise MediaError(
            f"{where}cannot write {suffix or 'without a suffix'}; use {', '.join(sorted(_WRITE_SUFFIXES))}"
        )
    if image.dtype not in (np.uint8, np.uint16) or image.ndim not in (2, 3) or image.size == 0:
        raise MediaError(f"{where}a picture is (h, w, 3) uint8 or uint16, received {image.shape} {image.dtype}")
    if image.ndim == 3 and image.shape[2] != 3:
        raise MediaError(f"{where}a picture has three channels, received {image.shape[2]}")
    if image.dtype == np.uint16 and kind not in _DEEP_SUFFIXES:
        raise MediaError(f"{where}{suffix} holds 8 bits a channel, the picture has 16; use .png or .tiff")
    settings: list[int] = []
    if kind in (".jpg", ".jpeg"):
        settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
    elif kind == ".webp":
        settings = [cv2.IMWRITE_WEBP_QUALITY, quality if quality < 100 else 101]  # OpenCV: above 100 is lossless
    try:
        done, data = cv2.imencode(kind, image, settings)
    except cv2.error as error:
        raise MediaError(f"{where}cannot be encoded: {error}") from error
    if not done:
        raise MediaError(f"{where}cannot be encoded as {suffix}")
    return data.tobytes()


def decode_image(data: bytes, path: Path) -> DeepImage:
    """Decode the bytes of a picture file; `path` is for messages. As `read_image`."""
    if not data:
        raise MediaError(f"{path}: the file is empty")
    _check_whole(data, path)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), _COLOR_ANY_DEPTH)
    if image is None:
        image = _decode_with_pillow(data, path)
    if image.dtype not in (np.uint8, np.uint16):
        raise MediaError(f"{path}: pictures of {image.dtype} are not read; convert it to 8 or 16 bits a channel")
    if _has_alpha(data):
        LOG.info("%s: its alpha channel is dropped", path)
    return to_bgr(image)


def _read(path: Path) -> bytes:
    try:
        return long_path(path).read_bytes()
    except OSError as error:
        raise MediaError(f"{path}: cannot be read: {error.strerror or error}") from error


def _decode_with_pillow(data: bytes, path: Path) -> npt.NDArray[Any]:
    try:
        image = iio.imread(data, plugin="pillow", index=0, rotate=True, mode="RGB")
    except Exception as error:  # Pillow and imageio raise many kinds for damaged files
        raise MediaError(f"{path}: not a picture that can be read, or damaged ({error})") from error
    return rgb_to_bgr(np.asarray(image))


def _check_whole(data: bytes, path: Path) -> None:
    """Refuse cut-off JPEG and PNG files, which decoders fill up with grey."""
    whole = True
    if data.startswith(b"\xff\xd8"):
        whole = data.find(b"\xff\xd9", _jpeg_scan_start(data)) >= 0
    elif data.startswith(SIGNATURE):
        whole = data.rfind(b"IEND") >= 0
    if not whole:
        raise MediaError(f"{path}: the picture is cut off ({len(data)} bytes, no end mark); copy it anew or remove it")


def _jpeg_scan_start(data: bytes) -> int:
    """Where the pixels start: past the headers, whose thumbnails have end marks of their own."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], struct.unpack_from(">H", data, at + 2)[0]
        if marker == 0xDA:
            break
        at += 2 + length
    return at


def _has_alpha(data: bytes) -> bool:
    if data.startswith(SIGNATURE):
        return data[25] in (4, 6) or b"tRNS" in data[33:2048]
    if data.startswith(b"\xff\xd8"):
        return False
    if data[12:16] == b"VP8X":
        return bool(data[20] & 0x10)
    if data[12:16] == b"VP8L":
        return bool(data[24] & 0x10)
    try:
        shape = iio.improps(data, plugin="pillow", index=0).shape
    except (OSError, ValueError):  # what Pillow does not know, OpenCV has read without alpha
        return False
    return len(shape) == 3 and shape[2] in (2, 4)
