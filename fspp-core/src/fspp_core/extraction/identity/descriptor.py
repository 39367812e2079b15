"""The recognizer that needs no network: gradients and colours of the upright face, described in 220 numbers."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fspp_core.errors import ShapeError
from fspp_core.extraction.identity.mean_gradients import MEAN_GRADIENTS
from fspp_core.options import NoOptions
from fspp_core.types import FloatArray, Image

_SIZE = 64
_CELLS, _ANGLES = MEAN_GRADIENTS.shape[0], MEAN_GRADIENTS.shape[2]
_LIGHTS, _TINTS = 4, 8  # bins of L, and of a and b each
_TINT_RANGE = 30.0  # of a and b in CIELAB; skin lies well inside
_COLOR_SHARE = 0.15  # of the likeness
_SIGMA = 1.0  # of the gradients' Gaussian, in crop pixels
_MOST = 0.2  # of a block's length that one of its numbers may be
_LEAST_LENGTH = 0.01  # of a block, below which it counts as flat
_INNER = (0.32, 0.42)  # half axes of the ellipse of skin, in sides of the crop


class HogColor:
    """Histograms of oriented gradients, and of colours inside the face.

    This is no face recognition network. It tells faces apart that are seen in like pose and like light: from one frame
    to the next, and among the few people of a scene. A turned head, another hair cut or a shadow can outweigh the
    difference between two people.

    The gradients (Dalal and Triggs, "Histograms of oriented gradients for human detection", 2005) of the square root of
    luma fall into 5x5 cells of eight directions without sign; each cell is normalised by the four blocks it lies in,
    whose results are averaged. The mean of many faces is taken off, so that what all have in common does not count:
    two people are about as like as any two numbers, 0.1 to 0.2 in the mean.
    """

    face_type = "full"
    size = _SIZE
    same_person = 0.6
    """More alike than this is 1 in 200 pairs of different people; less are 3 in 100 pairs of one person in a shot."""

    def __init__(self, options: NoOptions) -> None:
        pass

    def embed(self, crops: Image) -> FloatArray:
        """Describe faces; see `fspp_core.interfaces.Recognizer`.

        Raises:
            ShapeError: for crops of another size or dtype.
        """
        if crops.shape != (len(crops), _SIZE, _SIZE, 3) or crops.dtype != np.uint8:
            raise ShapeError(
                f"hog-color takes crops {(len(crops), _SIZE, _SIZE, 3)} uint8; received {crops.shape} {crops.dtype}"
            )
        if not len(crops):
            return np.zeros((0, MEAN_GRADIENTS.size + _LIGHTS + 2 * _TINTS), np.float32)
        shape = _unit(gradient_histograms(crops) - MEAN_GRADIENTS.ravel())
        shares = np.sqrt(np.array([1.0 - _COLOR_SHARE, _COLOR_SHARE], np.float32))
        return np.concatenate([shape * shares[0], _unit(np.sqrt(_color_histograms(crops))) * shares[1]], axis=1)


def gradient_histograms(crops: Image) -> FloatArray:
    """Normalised histograms of oriented gradients: (n, 200) float32 of unit length, by row, column and angle of a cell.

    Args:
        crops: (n, 64, 64, 3) uint8 BGR.
    """
    luma = crops.astype(np.float32) @ np.array([0.114, 0.587, 0.299], np.float32)
    light = np.sqrt(luma / 255)
    smooth, derivative, pool = _filters()
    across, down = smooth @ light @ derivative.T, derivative @ light @ smooth.T
    angles = np.arctan2(down, across) * np.float32(_ANGLES / np.pi)
    angles += _ANGLES * (angles < 0)  # in bins, a half turn being one round
    away = np.abs(angles[:, None] - np.arange(_ANGLES, dtype=np.float32)[:, None, None])
    votes = np.maximum(1 - np.minimum(away, _ANGLES - away), 0) * np.hypot(across, down)[:, None]
    cells = np.ascontiguousarray((pool @ votes @ pool.T).transpose(0, 2, 3, 1))
    return _unit(_block_normalized(cells).reshape(len(crops), -1))


def _block_normalized(cells: FloatArray) -> FloatArray:
    """Each cell of (n, rows, columns, angles) by the mean of its four blocks of 2x2 cells, large numbers cut off."""
    energy = np.pad((cells**2).sum(axis=-1), ((0, 0), (1, 1), (1, 1)), mode="edge")
    blocks = energy[:, :-1, :-1] + energy[:, 1:, :-1] + energy[:, :-1, 1:] + energy[:, 1:, 1:]
    lengths = np.sqrt(blocks + np.float32(_LEAST_LENGTH**2))[..., None]
    corners = (lengths[:, :-1, :-1], lengths[:, 1:, :-1], lengths[:, :-1, 1:], lengths[:, 1:, 1:])
    return np.asarray(sum(np.minimum(cells / length, _MOST) for length in corners) / len(corners), np.float32)


def _color_histograms(crops: Image) -> FloatArray:
    """Shares of the inner face's pixels by L, by a and by b, each in the two bins nearest: (n, 20) float32."""
    tall = cv2.cvtColor(crops.reshape(-1, _SIZE, 3), cv2.COLOR_BGR2LAB)
    pixels = tall.reshape(len(crops), -1, 3)[:, _inner_pixels()].astype(np.float32)
    lightness = pixels[..., 0] / 255
    tints = (pixels[..., 1:] - 128 + _TINT_RANGE) / (2 * _TINT_RANGE)
    return np.concatenate(
        [_shares(lightness, _LIGHTS), _shares(tints[..., 0], _TINTS), _shares(tints[..., 1], _TINTS)], axis=1
    )


def _shares(values: FloatArray, bins: int) -> FloatArray:
    places = np.clip(values * bins - 0.5, 0, bins - 1)[:, None]
    near = np.maximum(1 - np.abs(places - np.arange(bins, dtype=np.float32)[:, None]), 0)
    # In memory as it is indexed, so that one face adds up in the order that many do.
    return np.asarray(np.ascontiguousarray(near).mean(axis=-1), np.float32)


@cache
def _filters() -> tuple[FloatArray, FloatArray, FloatArray]:
    """Matrices that smooth a row of pixels, derive it, and pool it into cells, each pixel into the two nearest."""
    places = np.arange(_SIZE)
    apart = places[None] - places[:, None]
    gaussian = np.exp(-(apart**2) / (2 * _SIGMA**2))
    gaussian /= gaussian.sum(axis=1, keepdims=True)
    central = np.zeros((_SIZE, _SIZE))
    inside = places[1:-1]
    central[inside, inside + 1], central[inside, inside - 1] = 1.0, -1.0
    cells = (places + 0.5) / _SIZE * _CELLS - 0.5
    pool = np.maximum(1 - np.abs(cells[None] - np.arange(_CELLS)[:, None]), 0)
    return gaussian.astype(np.float32), (central @ gaussian).astype(np.float32), pool.astype(np.float32)


@cache
def _inner_pixels() -> npt.NDArray[np.intp]:
    """Numbers of the crop's pixels that lie in the ellipse of skin."""
    middle = (np.arange(_SIZE) + 0.5) / _SIZE - 0.5
    inside = (middle[None] / _INNER[0]) ** 2 + (middle[:, None] / _INNER[1]) ** 2 < 1
    return np.flatnonzero(inside)


def _unit(vectors: npt.NDArray[Any]) -> FloatArray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
