"""Contact sheets: rows of captioned pictures under a title, for previews and for the demo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from fspp_core.errors import ShapeError
from fspp_core.types import Image

_PAPER, _INK, _FAINT = (24, 24, 24), (235, 235, 235), (160, 160, 160)
_MARGIN = 8


@dataclass(frozen=True, slots=True)
class Row:
    """One line of pictures.

    Attributes:
        label: written above the row.
        images: (h, w, 3) uint8 BGR each, of any size.
    """

    label: str
    images: Sequence[Image]


def contact_sheet(rows: Sequence[Row], *, cell: int, title: str = "", notes: Sequence[str] = ()) -> Image:
    """Lay rows of pictures out on one dark sheet.

    Args:
        rows: rows may differ in length.
        cell: side in pixels of the square each picture is fitted into.
        title: large line on top.
        notes: small lines below the title, such as a disclosure.

    Returns:
        (height, width, 3) uint8 BGR.

    Raises:
        ShapeError: when there is no picture at all.
    """
    columns = max((len(row.images) for row in rows), default=0)
    if columns == 0:
        raise ShapeError("a contact sheet needs at least one picture, got none")
    width = columns * (cell + _MARGIN) + _MARGIN
    large, small = _fitting(title, 22, width), [_fitting(note, 14, width) for note in notes]
    label_font = ImageFont.load_default(13)
    head = _MARGIN + (30 if title else 0) + 20 * len(notes)
    height = head + len(rows) * (cell + 22 + _MARGIN) + _MARGIN
    sheet = np.full((height, width, 3), _PAPER, np.uint8)
    for number, row in enumerate(rows):
        top = head + number * (cell + 22 + _MARGIN) + 22
        for column, image in enumerate(row.images):
            left = _MARGIN + column * (cell + _MARGIN)
            fitted = _fit(image, cell)
            y, x = top + (cell - fitted.shape[0]) // 2, left + (cell - fitted.shape[1]) // 2
            sheet[y : y + fitted.shape[0], x : x + fitted.shape[1]] = fitted
    page = Pillow.fromarray(sheet)
    draw = ImageDraw.Draw(page)
    if title:
        draw.text((_MARGIN, _MARGIN), title, font=large, fill=_INK)
    for number, (note, font) in enumerate(zip(notes, small, strict=True)):
        draw.text((_MARGIN, _MARGIN + (30 if title else 0) + 20 * number), note, font=font, fill=_FAINT)
    for number, row in enumerate(rows):
        draw.text((_MARGIN, head + number * (cell + 22 + _MARGIN) + 3), row.label, font=label_font, fill=_INK)
    return np.asarray(page).copy()


def _fitting(text: str, size: int, width: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The largest font up to `size` in which `text` fits the sheet; the greys of the text need no channel order."""
    while size > 8 and ImageFont.load_default(size).getlength(text) > width - 2 * _MARGIN:
        size -= 1
    return ImageFont.load_default(size)


def _fit(image: Image, cell: int) -> Image:
    height, width = image.shape[:2]
    scale = cell / max(height, width)
    shape = (max(1, round(width * scale)), max(1, round(height * scale)))
    mode = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, shape, interpolation=mode), np.uint8)
