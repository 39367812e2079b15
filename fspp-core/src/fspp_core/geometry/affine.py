"""2x3 matrices: fit them to points, invert, chain and apply them."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from fspp_core.errors import ShapeError
from fspp_core.types import Matrix

Points = TypeVar("Points", bound=npt.NDArray[Any])


def similarity(source: npt.NDArray[Any], target: npt.NDArray[Any]) -> Matrix:
    """The rotation, scale and shift that take `source` nearest to `target` in least squares; never a reflection.

    The answer of Umeyama, "Least-squares estimation of transformation parameters between two point patterns" (1991). In
    the plane it needs no singular values: a similarity is then linear in its cosine, its sine and its shift.

    Args:
        source: (n, 2) points, at least two of them different.
        target: (n, 2) points.

    Raises:
        ShapeError: when the shapes differ, a number is not finite or all points of `source` are one.
    """
    source = checked_points(source, "source")
    target = checked_points(target, "target")
    if source.shape != target.shape:
        raise ShapeError(f"a similarity needs as many points on both sides; received {source.shape} and {target.shape}")
    source_middle, target_middle = source.mean(axis=0), target.mean(axis=0)
    x, y = (source - source_middle).T
    u, v = (target - target_middle).T
    spread = float(x @ x + y @ y)
    if spread <= 0.0 or not np.isfinite(spread):
        raise ShapeError(f"a similarity needs at least two different points; received {len(source)} at one place")
    cosine, sine = float(x @ u + y @ v) / spread, float(x @ v - y @ u) / spread
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([linear, target_middle - linear @ source_middle])


def checked_points(points: npt.NDArray[Any], name: str, count: int | None = None) -> npt.NDArray[np.float64]:
    """`points` as float64 (n, 2), all finite.

    Raises:
        ShapeError: when they are not that, naming `name`.
    """
    array = np.asarray(points, np.float64)
    if array.ndim != 2 or array.shape[1] != 2 or (count is not None and len(array) != count):
        wanted = "n" if count is None else count
        raise ShapeError(f"{name} must be ({wanted}, 2) points, x before y; received shape {array.shape}")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise ShapeError(f"{name} must be finite; received {array[row].tolist()} in row {row}")
    return array


def checked_matrix(matrix: npt.NDArray[Any]) -> Matrix:
    """`matrix` as float64 (2, 3), all finite.

    Raises:
        ShapeError: when it is not that.
    """
    array = np.asarray(matrix, np.float64)
    if array.shape != (2, 3) or not np.isfinite(array).all():
        raise ShapeError(f"a matrix must be (2, 3) finite numbers; received shape {array.shape}: {array.tolist()}")
    return array


def invert(matrix: npt.NDArray[Any]) -> Matrix:
    """The matrix that undoes `matrix`.

    Raises:
        ShapeError: when it maps the plane to a line or a point.
    """
    (a, b, tx), (c, d, ty) = checked_matrix(matrix)
    determinant = a * d - b * c
    if determinant == 0.0 or not np.isfinite(1.0 / determinant):
        raise ShapeError(f"a matrix without area cannot be inverted; received {np.asarray(matrix).tolist()}")
    linear = np.array([[d, -b], [-c, a]]) / determinant
    return np.column_stack([linear, -linear @ (tx, ty)])


def compose(outer: npt.NDArray[Any], inner: npt.NDArray[Any]) -> Matrix:
    """The matrix that does `inner` first and `outer` after it."""
    outer, inner = checked_matrix(outer), checked_matrix(inner)
    result = outer[:, :2] @ inner
    result[:, 2] += outer[:, 2]
    return result


def transform(points: Points, matrix: npt.NDArray[Any]) -> Points:
    """Apply `matrix` to (..., 2) points; the result has their dtype (float64 for integers)."""
    matrix = np.asarray(matrix, np.float64)
    moved = np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]
    kept = points.dtype if np.issubdtype(points.dtype, np.floating) else np.float64
    return cast("Points", moved.astype(kept, copy=False))


def transform_each(points: Points, matrices: npt.NDArray[Any]) -> Points:
    """Apply each of (n, 2, 3) matrices to its own of (n, k, 2) points; the result has their dtype."""
    matrices = np.asarray(matrices, np.float64)
    moved = np.asarray(points, np.float64) @ matrices[:, :, :2].swapaxes(1, 2) + matrices[:, None, :, 2]
    return cast("Points", moved.astype(points.dtype, copy=False))


def untransform_each(points: Points, matrices: npt.NDArray[Any]) -> Points:
    """Undo each of (n, 2, 3) matrices, which have area, on its own of (n, k, 2) points; the result has their dtype."""
    matrices = np.asarray(matrices, np.float64)
    centered = np.asarray(points, np.float64) - matrices[:, None, :, 2]
    moved = centered @ np.linalg.inv(matrices[:, :, :2]).swapaxes(1, 2)
    return cast("Points", moved.astype(points.dtype, copy=False))


def between_centers(matrix: npt.NDArray[Any]) -> Matrix:
    """A matrix for points as the one to draw the picture with.

    OpenCV's samples are the middles of pixels, half a pixel from where points count from. Drawn so, everything lies
    where the points say, whatever the scale and the turn.
    """
    matrix = checked_matrix(matrix).copy()
    matrix[:, 2] += matrix[:, :2].sum(axis=1) / 2 - 0.5
    return matrix


def between_points(matrix: npt.NDArray[Any]) -> Matrix:
    """The matrix for points of a picture drawn with `matrix`; undoes `between_centers`."""
    matrix = checked_matrix(matrix).copy()
    matrix[:, 2] += 0.5 - matrix[:, :2].sum(axis=1) / 2
    return matrix


def scale_of(matrix: npt.NDArray[Any]) -> float:
    """How many target pixels one source pixel becomes along a side, averaged over directions."""
    matrix = np.asarray(matrix, np.float64)
    return float(np.sqrt(abs(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0])))


def about(center: npt.NDArray[Any], scale: float, to: npt.NDArray[Any] | float) -> Matrix:
    """The matrix that scales by `scale` and puts `center` at `to`."""
    center = np.asarray(center, np.float64)
    return np.column_stack([np.eye(2) * scale, np.broadcast_to(to, 2) - scale * center])
