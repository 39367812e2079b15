"""Label maps as pictures: a colour for every class, over the face or alone."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from fspp_core.errors import ShapeError
from fspp_core.types import Image

_GOLDEN = 0.618034  # steps around the circle of hues that never come near an earlier one


def palette(classes: int) -> Image:
    """A colour for each class: the background black, the others of hues far apart.

    Returns:
        (classes, 3) uint8 BGR, always the same.
    """
    number = np.arange(classes)
    hue = (number * _GOLDEN % 1) * 180
    dark = number % 2 == 0  # neighbours differ in brightness too
    hsv = np.stack([hue, np.where(dark, 150, 230), np.where(dark, 255, 190)], axis=-1)
    colors = cv2.cvtColor(hsv[None].astype(np.uint8), cv2.COLOR_HSV2BGR)[0]
    colors[:1] = 0
    return np.asarray(colors, np.uint8)


def draw_labels(labels: Image, classes: int, crops: Image | None = None, opacity: float = 0.6) -> Image:
    """Colour label maps in.

    Args:
        labels: (n, height, width) uint8.
        classes: how many there are.
        crops: (n, height, width, 3) uint8 BGR to lay the colours over; where there is background they stay as they are.
        opacity: of the colours, 0..1.

    Returns:
        (n, height, width, 3) uint8 BGR.

    Raises:
        ShapeError: for a class that is none of them, or crops of another size.
    """
    if labels.ndim != 3 or labels.max(initial=0) >= classes:
        raise ShapeError(
            f"label maps must be (n, height, width) with classes below {classes}; "
            f"received {labels.shape} with classes up to {labels.max(initial=0)}"
        )
    colors = palette(classes)[labels]
    if crops is None:
        return colors
    if crops.shape != colors.shape:
        raise ShapeError(f"crops must be {colors.shape} like the label maps; received {crops.shape}")
    share: npt.NDArray[np.float32] = np.where(labels[..., None] > 0, np.float32(opacity), np.float32(0))
    return np.rint(crops + (colors.astype(np.float32) - crops) * share).astype(np.uint8)
