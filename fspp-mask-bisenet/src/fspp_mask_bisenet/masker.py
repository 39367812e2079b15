"""Masks and label maps of batches of face crops."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from fspp_core.concurrency import few_sizes
from fspp_core.errors import ConfigError, PluginError, ShapeError
from fspp_core.inference import Network
from fspp_core.types import FloatArray, Image
from fspp_mask_bisenet import network
from fspp_mask_bisenet.network import CELL, Stretch, bisenet, labels, share
from fspp_mask_bisenet.options import BiSeNetOptions, FaceOptions, HeadOptions, OriginalOptions
from fspp_mask_bisenet.schemes import FACESWAP, ORIGINAL, Scheme
from fspp_mask_bisenet.weights import load


class BiSeNetMasker:
    """BiSeNet for face parsing, Yu et al. 2018 (arXiv:1808.00897); a masker, and label maps besides.

    Args:
        options: what the network sees, and what counts.
        weights: the one safetensors file, as `weights.convert` makes it, by the name its spec gives it.

    Attributes:
        scheme: the classes of the weights.
        face_type: crop the network sees.
        size: side of crops, masks and label maps in pixels.

    Raises:
        ConfigError: when no part counts.
        PluginError: when the weights are missing, damaged, or of other classes.
    """

    scheme: ClassVar[Scheme]

    def __init__(self, options: OriginalOptions | FaceOptions | HeadOptions, weights: Mapping[str, Path]) -> None:
        if len(weights) != 1:
            raise PluginError(
                f"masker bisenet needs one file of weights; received {len(weights)}: {', '.join(weights)}"
            )
        if not options.parts:
            raise ConfigError(f"masker bisenet: parts names none; choose from {', '.join(self.scheme.parts)}")
        [path] = weights.values()
        self._options: BiSeNetOptions = options
        self._members = self.scheme.members(options.parts)
        self.face_type = options.face_type or ("fs-head" if "hair" in options.parts else "fs-face")
        self.size, self._side = options.size, options.input_side
        self._kept = options.batch_size.bit_length() + 1  # as many sizes of batches as there are
        self._network = Network(
            lambda: bisenet(load(Path(path), len(self.scheme.classes)), self.scheme, self._side),
            (None, self._side, self._side, 3),
            name="bisenet",
            engine=options.engine,
            precision=options.precision,
            made_of=(Path(path), f"{self._side} pixels", Path(network.__file__)),
            kept=self._kept,
        )

    def mask(self, crops: Image, landmarks: FloatArray) -> FloatArray:
        """Mask a batch of faces; see `fspp_core.interfaces.Masker`. Landmarks are not looked at.

        Raises:
            ShapeError: for crops of another size, or damaged weights.
        """
        if self._options.soft:
            return self._run(self._share, crops)
        counts = np.zeros(256, np.float32)
        counts[list(self._members)] = 1
        return counts[self.labels(crops)]

    def labels(self, crops: Image) -> Image:
        """The most probable class of every pixel.

        Args:
            crops: (n, size, size, 3) uint8 BGR of `face_type`.

        Returns:
            (n, size, size) uint8, numbers of `scheme.classes`.

        Raises:
            ShapeError: for crops of another size, or damaged weights.
        """
        return self._run(self._labels, crops).astype(np.uint8)

    @cached_property
    def _labels(self) -> Network:
        return self._read("labels", labels)

    @cached_property
    def _share(self) -> Network:
        return self._read("share", lambda stretch, maps: share(stretch, self._members, maps))

    def _read(self, name: str, reading: Callable[[Stretch, Any], Any]) -> Network:
        """What reads the network's maps; in Keras and float32 always, as an export might decide ties otherwise."""
        cells = self._side // CELL

        def build() -> Callable[[Any], Any]:
            stretch = Stretch(cells, self._side, self.size)
            return lambda maps: reading(stretch, maps)

        shape = (None, cells, cells, len(self.scheme.classes))
        return Network(build, shape, name=f"bisenet-{name}", kept=self._kept)

    def _run(self, reading: Network, crops: Image) -> FloatArray:
        size, side = self.size, self._side
        if crops.shape[1:] != (size, size, 3) or crops.dtype != np.uint8:
            raise ShapeError(
                f"masker bisenet: crops must be (n, {size}, {size}, 3) uint8; received {crops.shape} {crops.dtype}"
            )
        made = np.empty((len(crops), size, size), np.float32)
        for part in few_sizes(len(crops), self._options.batch_size):
            seen = crops[part] if size == side else np.stack([_scaled(crop, side) for crop in crops[part]])
            [maps] = self._network(seen.astype(np.float32))
            [made[part]] = reading(maps)
        return made


class OriginalMasker(BiSeNetMasker):
    """With zllrunning's weights, 19 classes."""

    scheme = ORIGINAL


class FaceswapMasker(BiSeNetMasker):
    """With Faceswap's weights, 5 classes."""

    scheme = FACESWAP


def _scaled(crop: Image, side: int) -> Any:
    interpolation = cv2.INTER_AREA if len(crop) > side else cv2.INTER_CUBIC
    return cv2.resize(crop, (side, side), interpolation=interpolation)
