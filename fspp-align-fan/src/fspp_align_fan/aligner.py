"""FAN over a batch of pictures: every face of all of them cut out, run in batches of few sizes, and mapped back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fspp_align_fan import network
from fspp_align_fan.heatmaps import decode, mirrored
from fspp_align_fan.network import INPUT_SIDE, MAP_SIDE
from fspp_align_fan.options import FANOptions
from fspp_align_fan.weights import load
from fspp_align_fan.windows import Windows, cut, windows_of
from fspp_core.concurrency import consecutive, few_sizes
from fspp_core.errors import PluginError, ShapeError
from fspp_core.inference import Network
from fspp_core.types import Detection, FloatArray, Image, LandmarksOrigin


class FANAligner:
    """Face alignment network, Bulat and Tzimiropoulos 2017 (arXiv:1703.07332).

    Args:
        options: what the network sees and how its answer is read.
        weights: the one safetensors file, as `weights.convert` makes it, by the name its spec gives it.

    Raises:
        PluginError: when the weights are missing, damaged, or not FAN's.
    """

    landmarks_origin: LandmarksOrigin = "detected"
    crop_size = INPUT_SIDE

    def __init__(self, options: FANOptions, weights: Mapping[str, Path]) -> None:
        if len(weights) != 1:
            raise PluginError(f"aligner fan needs one file of weights; received {len(weights)}: {', '.join(weights)}")
        [path] = weights.values()
        self._options = options
        stacks = options.stacks
        self._network = Network(
            lambda: network.fan(load(path, stacks), stacks),
            (None, INPUT_SIDE, INPUT_SIDE, 3),
            name="fan",
            engine=options.engine,
            precision=options.precision,
            made_of=(path, f"{stacks} stacks", Path(network.__file__)),
            kept=options.batch_size.bit_length() + 1,  # the sizes of `few_sizes`
        )

    def align(self, images: Sequence[Image], detections: Sequence[Sequence[Detection]]) -> list[FloatArray]:
        """Find landmarks; see `fspp_core.interfaces.Aligner`. The faces of all pictures go through together.

        Raises:
            ShapeError: for a picture that is not (height, width, 3) uint8, a box without area, or damaged weights.
        """
        windows, pictures = self._windows(images, detections)
        cells = np.empty((len(windows), 68, 2), np.float32)
        for part in few_sizes(len(windows), self._options.batch_size):
            cells[part] = self._cells(self._crops(windows, pictures, part))
        landmarks = windows.to_picture(cells)
        return [landmarks[part] for part in consecutive(map(len, detections))]

    def cut(
        self, images: Sequence[Image], detections: Sequence[Sequence[Detection]]
    ) -> tuple[Image, npt.NDArray[np.float64]]:
        """Cut out all faces as `align` does; see `fspp_core.interfaces.CropAligner`.

        Returns:
            (n, 256, 256, 3) uint8 BGR, and matrices (n, 2, 3) float64, picture -> crop.
        """
        windows, pictures = self._windows(images, detections)
        return self._crops(windows, pictures, slice(None)), windows.matrices

    def align_crops(self, crops: Image) -> FloatArray:
        """Find the landmarks of faces that fill a picture already, for a second pass.

        Args:
            crops: (n, 256, 256, 3) uint8 BGR, upright.

        Returns:
            (n, 68, 2) float32 in the crops' pixels.

        Raises:
            ShapeError: for crops of another shape, or damaged weights.
        """
        if crops.shape[1:] != (INPUT_SIDE, INPUT_SIDE, 3) or crops.dtype != np.uint8:
            raise ShapeError(f"aligner fan: crops must be (n, 256, 256, 3) uint8; received {crops.shape} {crops.dtype}")
        cells = np.empty((len(crops), 68, 2), np.float32)
        for part in few_sizes(len(crops), self._options.batch_size):
            cells[part] = self._cells(crops[part])
        return cells * np.float32(INPUT_SIDE / MAP_SIDE)

    def _windows(
        self, images: Sequence[Image], detections: Sequence[Sequence[Detection]]
    ) -> tuple[Windows, list[Image]]:
        """The square of each face, and the picture it is in."""
        _check(images, detections)
        pictures = [image for image, found in zip(images, detections, strict=True) for _ in found]
        faces = [detection for found in detections for detection in found]
        return windows_of(faces, self._options.crop, self._options.seed), pictures

    def _crops(self, windows: Windows, pictures: Sequence[Image], part: slice) -> Image:
        places = zip(pictures[part], windows.centers[part], windows.sides[part], strict=True)
        crops = [cut(picture, center, side, self._options.crop) for picture, center, side in places]
        return np.stack(crops) if crops else np.empty((0, INPUT_SIDE, INPUT_SIDE, 3), np.uint8)

    def _cells(self, crops: Image) -> FloatArray:
        """Landmarks (n, 68, 2) of crops (n, 256, 256, 3), in cells of the heat maps."""
        batch = crops.astype(np.float32)
        [maps] = self._network(batch)
        if self._options.flip:
            [others] = self._network(batch[:, :, ::-1])
            maps = (maps + mirrored(others)) * np.float32(0.5)
        return decode(maps, self._options.decoder)[0]


def _check(images: Sequence[Image], detections: Sequence[Sequence[Detection]]) -> None:
    if len(images) != len(detections):
        raise ShapeError(f"aligner fan: received {len(images)} pictures and detections of {len(detections)}")
    for number, image in enumerate(images):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise ShapeError(
                f"aligner fan: picture {number} must be (height, width, 3) uint8 BGR; "
                f"received {image.shape} {image.dtype}"
            )
