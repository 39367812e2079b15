"""Masks of batches of face crops."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from keras import ops

from fspp_core.concurrency import few_sizes
from fspp_core.errors import PluginError, ShapeError
from fspp_core.inference import Network
from fspp_core.types import FloatArray, Image
from fspp_mask_xseg import layers, network
from fspp_mask_xseg.options import XSegOptions
from fspp_mask_xseg.weights import SIDE, load


class XSegMasker:
    """DeepFaceLab's segmentation network as a masker; see `fspp_core.interfaces.Masker`.

    Args:
        options: what the network sees, and how its answer becomes a mask.
        weights: the one safetensors file, as `weights.convert` makes it, by the name its spec gives it.

    Attributes:
        face_type: crop the network sees.
        size: side of crops and masks in pixels.

    Raises:
        PluginError: when the weights are missing, damaged, or not XSeg's.
    """

    def __init__(self, options: XSegOptions, weights: Mapping[str, Path]) -> None:
        if len(weights) != 1:
            raise PluginError(f"masker xseg needs one file of weights; received {len(weights)}: {', '.join(weights)}")
        path = Path(next(iter(weights.values())))
        self._options = options
        self.face_type, self.size = options.face_type, options.size
        self._network = Network(
            lambda: _probable(path),
            (None, SIDE, SIDE, 3),
            name="xseg",
            engine=options.engine,
            precision=options.precision,
            made_of=(path, Path(network.__file__), Path(layers.__file__)),
            kept=options.batch_size.bit_length() + 1,
        )

    def mask(self, crops: Image, landmarks: FloatArray) -> FloatArray:
        """Mask a batch of faces; landmarks are not looked at.

        Args:
            crops: (n, size, size, 3) uint8 BGR of `face_type`.
            landmarks: (n, 68, 2), for other maskers.

        Returns:
            (n, size, size) float32, 0..1.

        Raises:
            ShapeError: for crops of another size, or damaged weights.
        """
        size = self.size
        if crops.shape[1:] != (size, size, 3) or crops.dtype != np.uint8:
            raise ShapeError(
                f"masker xseg: crops must be (n, {size}, {size}, 3) uint8; received {crops.shape} {crops.dtype}"
            )
        masks = np.empty((len(crops), size, size), np.float32)
        for part in few_sizes(len(crops), self._options.batch_size):
            seen = np.stack([_scaled(crop, SIDE) for crop in crops[part]]).astype(np.float32)
            [probable] = self._network(seen * np.float32(1 / 255))
            surely = np.where(probable < self._options.floor, np.float32(0), probable)
            masks[part] = [_scaled(mask, size) for mask in surely]
        np.clip(masks, 0, 1, out=masks)  # Lanczos goes beyond
        threshold = self._options.threshold
        return masks if threshold is None else (masks >= threshold).astype(np.float32)


def _probable(path: Path) -> Callable[[Any], Any]:
    """From (n, 256, 256, 3) BGR 0..1 to how probable it is that a pixel belongs to the face, (n, 256, 256)."""
    logits = network.xseg(load(path))
    return lambda picture: ops.sigmoid(ops.cast(logits(picture)[..., 0], "float32"))


def _scaled(picture: Any, size: int) -> Any:
    if len(picture) == size:
        return picture
    interpolation = cv2.INTER_AREA if len(picture) > size else cv2.INTER_LANCZOS4
    return cv2.resize(picture, (size, size), interpolation=interpolation)
