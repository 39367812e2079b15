"""What the gradients of faces have in common: a table for the plain descriptor."""

from __future__ import annotations

import numpy as np

from fspp_core.types import FloatArray

# The mean of `descriptor.gradient_histograms` over the 100 small grey faces that scikit-image carries (a selection from
# Labeled Faces in the Wild), laid over its mirror image; in thousandths, left half and middle, by row, column, angle.
_LEFT = np.array(
    [
        [[92, 81, 44, 28, 59, 25, 20, 46], [91, 81, 55, 47, 59, 50, 34, 45], [49, 34, 41, 56, 64, 56, 41, 34]],
        [[94, 83, 51, 40, 74, 44, 40, 63], [79, 78, 75, 94, 103, 96, 72, 64], [87, 86, 80, 86, 90, 86, 80, 86]],
        [[90, 53, 28, 26, 69, 43, 54, 86], [77, 62, 62, 66, 76, 64, 63, 78], [80, 74, 70, 80, 87, 80, 70, 74]],
        [[83, 46, 33, 34, 69, 43, 65, 88], [82, 51, 46, 52, 61, 65, 89, 95], [48, 53, 71, 96, 99, 96, 71, 53]],
        [[87, 45, 27, 29, 52, 28, 47, 63], [96, 42, 23, 27, 38, 56, 84, 85], [77, 40, 47, 61, 71, 61, 47, 40]],
    ],
    np.float32,
)
_MIRRORED_ANGLES = -np.arange(8) % 8

MEAN_GRADIENTS: FloatArray = np.asarray(
    np.concatenate([_LEFT, _LEFT[:, 1::-1, _MIRRORED_ANGLES]], axis=1) / 1000, np.float32
)
"""(5, 5, 8) float32, by row, column and angle of a cell."""
MEAN_GRADIENTS.setflags(write=False)
