"""The one module that changes the order of channels: BGR inside fspp, RGB for networks and files that want it."""

from __future__ import annotations

from typing import Any, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

_Array = TypeVar("_Array", bound=npt.NDArray[Any])


def _swap(image: _Array) -> _Array:
    return np.ascontiguousarray(image[..., ::-1])  # type: ignore[return-value]


def bgr_to_rgb(image: _Array) -> _Array:
    """A contiguous copy of (..., 3) BGR as RGB, of any dtype."""
    return _swap(image)


def rgb_to_bgr(image: _Array) -> _Array:
    """A contiguous copy of (..., 3) RGB as BGR, of any dtype."""
    return _swap(image)


def to_order(image: _Array, order: str) -> _Array:
    """BGR as `order`, "bgr" (the array itself) or "rgb"; the inverse is the same call."""
    return image if order == "bgr" else _swap(image)


def to_bgr(image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Grey (h, w), (h, w, 1), grey with alpha, BGR or BGRA of OpenCV as (h, w, 3) BGR; alpha is dropped."""
    if image.ndim == 2 or image.shape[2] == 1:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
    if image.shape[2] == 2:
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(image[..., 0]), cv2.COLOR_GRAY2BGR))
    return image if image.shape[2] == 3 else np.ascontiguousarray(image[..., :3])
