"""What the network sees of a frame: scaled with its proportions kept, filled up, the mean taken away."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from fspp_core.types import FloatArray, Image
from fspp_detect_s3fd.network import LEAST_SIDE, MEAN
from fspp_detect_s3fd.options import S3FDOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How frames of one size lie in the network's input.

    Attributes:
        height: of the frame as the network sees it, in pixels; it lies at the top left.
        width: likewise.
        rows: of the whole input, in pixels.
        columns: likewise.
        scale: pixels of the frame to one of the input, across and down.
        interpolation: OpenCV's number for the way the frame is scaled.
    """

    height: int
    width: int
    rows: int
    columns: int
    scale: tuple[float, float]
    interpolation: int


def fit(height: int, width: int, options: S3FDOptions) -> Fit:
    """How frames of that size are shown to the network."""
    longer = max(height, width)
    if options.input_rule == "deepfacelab":
        target = 640 if longer >= 1280 else max(64, longer / 2)
        ratio = longer / target
        size = (max(1, int(height / ratio)), max(1, int(width / ratio)))
        multiple, interpolation, scale = 1, cv2.INTER_LINEAR, (ratio, ratio)
    else:
        ratio = longer / options.input_side
        size = (max(1, round(height / ratio)), max(1, round(width / ratio)))
        multiple, scale = options.pad_multiple, (width / size[1], height / size[0])
        interpolation = cv2.INTER_AREA if options.input_side <= longer else cv2.INTER_CUBIC
    rows, columns = (multiple * math.ceil(max(LEAST_SIDE, side) / multiple) for side in size)
    return Fit(height=size[0], width=size[1], rows=rows, columns=columns, scale=scale, interpolation=interpolation)


def fill(batch: FloatArray, images: list[Image], fitted: Fit, channel_order: str) -> None:
    """Write frames into the first places of a batch (n, rows, columns, 3), and the mean colour, 0, around them."""
    batch[...] = 0
    mean = np.array(MEAN, np.float32)
    for place, image in zip(batch, images, strict=False):
        scaled = image
        if image.shape[:2] != (fitted.height, fitted.width):
            scaled = cv2.resize(image, (fitted.width, fitted.height), interpolation=fitted.interpolation)
        ordered = scaled if channel_order == "bgr" else scaled[..., ::-1]
        np.subtract(ordered, mean, out=place[: fitted.height, : fitted.width])
