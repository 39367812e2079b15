"""Frames in and out: videos through PyAV, pictures and folders of pictures; imported piece by piece, on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fspp_core.lazy import lazy

if TYPE_CHECKING:
    from fspp_core.media.coders import CodecInfo, codecs
    from fspp_core.media.info import ColorTags, MediaInfo
    from fspp_core.media.options import EncodeOptions
    from fspp_core.media.pictures import PICTURE_SUFFIXES, read_image, read_image_and_text, read_text, write_image
    from fspp_core.media.reader import MediaReader, open_media
    from fspp_core.media.writer import MediaWriter, open_writer

_HOMES = {
    "PICTURE_SUFFIXES": "pictures",
    "CodecInfo": "coders",
    "ColorTags": "info",
    "EncodeOptions": "options",
    "MediaInfo": "info",
    "MediaReader": "reader",
    "MediaWriter": "writer",
    "codecs": "coders",
    "open_media": "reader",
    "open_writer": "writer",
    "read_image": "pictures",
    "read_image_and_text": "pictures",
    "read_text": "pictures",
    "write_image": "pictures",
}

__all__ = [
    "PICTURE_SUFFIXES",
    "CodecInfo",
    "ColorTags",
    "EncodeOptions",
    "MediaInfo",
    "MediaReader",
    "MediaWriter",
    "codecs",
    "open_media",
    "open_writer",
    "read_image",
    "read_image_and_text",
    "read_text",
    "write_image",
]

__getattr__, __dir__ = lazy(__name__, _HOMES)
