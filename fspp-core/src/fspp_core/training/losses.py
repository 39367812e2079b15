"""Core's losses, in `keras.ops` only: structural dissimilarity, mean absolute and mean squared error."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from fspp_core.errors import ShapeError
from fspp_core.options import NoOptions
from fspp_core.training.loss_options import DSSIMOptions
from fspp_core.types import FloatArray


class MAE:
    """Mean absolute error, a map (n, h, w, 1)."""

    def __init__(self, options: NoOptions) -> None:
        self.options = options

    def __call__(self, true: Any, predicted: Any) -> Any:
        """Absolute differences, averaged over the channels."""
        return ops.mean(ops.abs(predicted - true), axis=-1, keepdims=True)


class MSE:
    """Mean squared error, a map (n, h, w, 1)."""

    def __init__(self, options: NoOptions) -> None:
        self.options = options

    def __call__(self, true: Any, predicted: Any) -> Any:
        """Squared differences, averaged over the channels."""
        return ops.mean(ops.square(predicted - true), axis=-1, keepdims=True)


class DSSIM:
    """Structural dissimilarity of Gaussian windows, by default a map (n, h, w, 1).

    With `border="valid"` it is one number a picture, (n,), the mean over the windows that lie inside.

    Reference: Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004.
    """

    def __init__(self, options: DSSIMOptions) -> None:
        self.options = options
        self._window = gaussian_window(options.window, options.sigma)

    def __call__(self, true: Any, predicted: Any) -> Any:
        """(1 - SSIM) / 2, or 1 - SSIM when not halved, averaged over the channels."""
        o = self.options
        loss = dissimilarity_map(true, predicted, self._window, k1=o.k1, k2=o.k2, border=o.border)
        loss = loss * (0.5 if o.halved else 1.0)
        if o.border == "valid":
            return ops.mean(loss, axis=(1, 2, 3))
        return ops.mean(loss, axis=-1, keepdims=True)


def gaussian_window(size: int, sigma: float) -> FloatArray:
    """(size,) float32 samples of a Gaussian around the middle, of sum 1."""
    offsets = np.arange(size) - (size - 1) / 2
    window = np.exp(-np.square(offsets) / (2 * sigma * sigma))
    return np.asarray(window / window.sum(), np.float32)


def dissimilarity_map(true: Any, predicted: Any, window: FloatArray, *, k1: float, k2: float, border: str) -> Any:
    """1 - SSIM of each pixel and channel, exactly zero where both pictures are equal.

    Args:
        true: (n, h, w, c) float32 of range 0..1.
        predicted: likewise.
        window: (k,) weights, used down and across.
        border: "reflect" mirrors without repeating the edge; "valid" leaves out windows that reach over it.

    Returns:
        (n, h, w, c), for "valid" smaller by k - 1, values from 0 to 2.

    Raises:
        ShapeError: when the pictures are smaller than the window asks for.
    """
    channels, size = true.shape[-1], len(window)
    smallest = size if border == "valid" else size // 2 + 1
    if min(true.shape[1:3]) < smallest:
        raise ShapeError(
            f"dssim: pictures of {true.shape[2]}x{true.shape[1]} pixels are too small for a window of {size}; "
            f"set dssim.window to at most {min(true.shape[1:3])}"
        )
    # Means, and both variances as their sum and that of the difference: with luminance = 1 - p and structure = 1 - q
    # the loss is p + q - pq, which loses no digits where the pictures are nearly equal.
    squares = ops.square(true) + ops.square(predicted)
    stack = ops.concatenate([true, predicted, squares, ops.square(true - predicted)], axis=-1)
    if border == "reflect":
        before, after = (size - 1) // 2, size // 2
        stack = ops.pad(stack, ((0, 0), (before, after), (before, after), (0, 0)), mode="reflect")
    mean_true, mean_predicted, squares, difference = ops.split(_blur(stack, window, 4 * channels), 4, axis=-1)
    mean_squares = ops.square(mean_true) + ops.square(mean_predicted)
    mean_difference = ops.square(mean_true - mean_predicted)
    p = mean_difference / (mean_squares + k1 * k1)
    q = (difference - mean_difference) / (squares - mean_squares + k2 * k2)
    return p + q - p * q


def _blur(images: Any, window: FloatArray, channels: int) -> Any:
    """Separable, channel by channel, without padding."""
    down = np.tile(window[:, None, None, None], (1, 1, channels, 1))
    across = np.tile(window[None, :, None, None], (1, 1, channels, 1))
    return ops.depthwise_conv(ops.depthwise_conv(images, ops.convert_to_tensor(down)), ops.convert_to_tensor(across))
