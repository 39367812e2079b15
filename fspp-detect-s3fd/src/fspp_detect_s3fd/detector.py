"""The detector over batches of frames: scaled, through the network, boxes read, one left for each face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from fspp_core.backend import devices
from fspp_core.errors import PluginError, ShapeError
from fspp_core.inference import Network
from fspp_core.types import Detection, FloatArray, Image
from fspp_detect_s3fd import network
from fspp_detect_s3fd.boxes import Boxes, decode, suppress
from fspp_detect_s3fd.convert import load
from fspp_detect_s3fd.frames import Fit, fill, fit
from fspp_detect_s3fd.options import S3FDOptions

WEIGHTS = "s3fd"
_SIZES = 4  # input sizes that stay compiled; a folder of photos may have any number
_BATCH_ON_GPU = 8


class S3FDDetector:
    """Single shot scale-invariant face detector, Zhang et al. 2017 (arXiv:1708.05237). Gives boxes without keypoints.

    Args:
        options: what to look for.
        weights: files by the name the component's `WeightFile` has.

    Raises:
        PluginError: when the weights are missing or not those of S3FD.
    """

    def __init__(self, options: S3FDOptions, weights: Mapping[str, Path]) -> None:
        if WEIGHTS not in weights:
            raise PluginError(f"detector s3fd needs its weights {WEIGHTS}; received: {', '.join(weights) or 'none'}")
        self._options, self._for_crops = options, replace(options, input_rule="deepfacelab")
        on_gpu = options.engine == "keras" and _on_gpu()
        self.batch_size = options.batch_size or (_BATCH_ON_GPU if on_gpu else 1)
        path = Path(weights[WEIGHTS])
        self._network = Network(
            lambda: network.s3fd(load(path)),
            (self.batch_size, None, None, 3),
            name="s3fd",
            engine=options.engine,
            precision=options.precision,
            made_of=(path, Path(network.__file__)),
            kept=_SIZES,
        )

    def warm_up(self, height: int, width: int) -> None:
        """Compile for frames of that size, so that the first ones take no longer than the others."""
        fitted = fit(height, width, self._options)
        self._network.warm_up((self.batch_size, fitted.rows, fitted.columns, 3))

    def detect(self, images: Sequence[Image]) -> list[list[Detection]]:
        """Find the faces of each picture; see `fspp_core.interfaces.Detector`."""
        return self._detect(images, self._options)

    def detect_crops(self, crops: Sequence[Image]) -> list[list[Detection]]:
        """Find the faces of crops at half their size, as DeepFaceLab; see `fspp_core.interfaces.CropDetector`."""
        return self._detect(crops, self._for_crops)

    def _detect(self, images: Sequence[Image], options: S3FDOptions) -> list[list[Detection]]:
        if not len(images):
            return []
        _check(images)
        height, width = images[0].shape[:2]
        fitted = fit(height, width, options)
        batch: FloatArray = np.zeros((self.batch_size, fitted.rows, fitted.columns, 3), np.float32)
        found: list[list[Detection]] = []
        for first in range(0, len(images), self.batch_size):
            part = list(images[first : first + self.batch_size])
            fill(batch, part, fitted, self._options.channel_order)
            maps = [values[: len(part)] for values in self._network(batch)]
            boxes = suppress(
                decode(maps, self._options.confidence),
                self._options.nms_threshold,
                vote=self._options.nms_mode == "vote",
            )
            found += self._detections(boxes, fitted, len(part), height, width)
        return found

    def _detections(self, boxes: Boxes, fitted: Fit, count: int, height: int, width: int) -> list[list[Detection]]:
        """By picture, best first; small boxes, and those of which nothing lies in the picture, are left out."""
        corners = boxes.corners * np.array(fitted.scale * 2, np.float32)
        sides = corners[:, 2:] - corners[:, :2]
        large = sides.min(axis=1, initial=np.inf) >= self._options.min_face
        corners[:, 3] += sides[:, 1] * np.float32(self._options.extend_bottom)
        corners = np.clip(corners, 0, np.array([width, height, width, height], np.float32))
        shown = large & (corners[:, 2:] > corners[:, :2]).all(axis=1)
        found: list[list[Detection]] = [[] for _ in range(count)]
        for picture, corner, score in zip(boxes.picture[shown], corners[shown], boxes.scores[shown], strict=True):
            found[picture].append(Detection(box=corner, score=float(score)))
        return found


def _on_gpu() -> bool:
    return any(device.kind == "gpu" for device in devices())


def _check(images: Sequence[Image]) -> None:
    for number, image in enumerate(images):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise ShapeError(
                f"picture {number} must be (height, width, 3) uint8 BGR. Received: shape {image.shape}, {image.dtype}"
            )
        if image.shape != images[0].shape:
            raise ShapeError(
                f"pictures of a batch must be of one size: picture {number} is {image.shape[1]}x{image.shape[0]}, the "
                f"first {images[0].shape[1]}x{images[0].shape[0]}"
            )
