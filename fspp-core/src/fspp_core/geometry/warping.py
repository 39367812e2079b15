"""Pictures through matrices: `cv2.warpAffine` with the interpolation that fits the scale."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeVar, cast

import cv2
import numpy as np
import numpy.typing as npt

from fspp_core.errors import ShapeError
from fspp_core.geometry.affine import checked_matrix, scale_of
from fspp_core.types import Matrix

Picture = TypeVar("Picture", bound=npt.NDArray[Any])
Interpolation = Literal["auto", "nearest", "linear", "cubic", "lanczos", "area"]
Border = float | Literal["replicate", "reflect"]

_FLAGS = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
}
_BORDERS = {"replicate": cv2.BORDER_REPLICATE, "reflect": cv2.BORDER_REFLECT_101}
_DTYPES = (np.uint8, np.uint16, np.float32, np.float64)
_SHRINKS = 0.9  # below this scale cubic samples begin to miss pixels
_MOST_PIXELS = 8192  # side of the finely sampled picture


def warp(
    image: Picture,
    matrix: npt.NDArray[Any],
    size: int | tuple[int, int],
    *,
    interpolation: Interpolation = "auto",
    border: Border = 0,
) -> Picture:
    """Draw `image` through `matrix`.

    Args:
        image: (height, width) or (height, width, channels up to 4), uint8, uint16, float32 or float64. Not modified.
        matrix: (2, 3), image -> result, between pixel centres as OpenCV has them: sample (i, j) lies at (i, j).
        size: side, or (width, height), of the result in pixels.
        interpolation: "auto" is "area" where the picture shrinks and "cubic" elsewhere. "area" samples linearly at the
            picture's own resolution and averages the samples of each pixel, so that nothing flickers or aliases. Only
            "nearest", "linear" and "area" never leave the range of the picture's values.
        border: what lies outside the picture: one value for all channels, its edge pixels, or its mirror image.

    Returns:
        (height, width[, channels]) of the dtype of `image`.

    Raises:
        ShapeError: for a picture, matrix or size other than these.
    """
    width, height = (size, size) if isinstance(size, (int, np.integer)) else size
    matrix = checked_matrix(matrix)
    _check(image, width, height)
    scale = scale_of(matrix)
    if interpolation == "auto":
        interpolation = "area" if scale < _SHRINKS else "cubic"
    if interpolation != "area":
        return _sample(image, matrix, (width, height), _FLAGS[interpolation], border)
    fine = min(math.ceil(1.0 / max(scale, 1e-6)), max(1, _MOST_PIXELS // max(width, height)))
    if fine == 1:
        return _sample(image, matrix, (width, height), cv2.INTER_LINEAR, border)
    finer = matrix * fine
    finer[:, 2] += (fine - 1) / 2  # the samples of a pixel lie evenly around its centre
    sampled = _sample(image, finer, (width * fine, height * fine), cv2.INTER_LINEAR, border)
    averaged = cv2.resize(sampled, (width, height), interpolation=cv2.INTER_AREA)
    return cast("Picture", averaged.reshape((height, width, *image.shape[2:])))


def _sample(image: Picture, matrix: Matrix, size: tuple[int, int], flags: int, border: Border) -> Picture:
    if isinstance(border, str):
        result = cv2.warpAffine(image, matrix, size, flags=flags, borderMode=_BORDERS[border])
    else:
        value = (float(border),) * 4
        result = cv2.warpAffine(image, matrix, size, flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=value)
    return cast("Picture", result.reshape((size[1], size[0], *image.shape[2:])))


def _check(image: npt.NDArray[Any], width: int, height: int) -> None:
    if (
        image.dtype.type not in _DTYPES
        or image.size == 0
        or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] <= 4))
    ):
        raise ShapeError(
            "a picture must be (height, width[, channels up to 4]) of uint8, uint16 or float and not empty; "
            f"received {image.shape} {image.dtype}"
        )
    if width < 1 or height < 1:
        raise ShapeError(f"the result of a warp needs a positive size; received {width}x{height}")
