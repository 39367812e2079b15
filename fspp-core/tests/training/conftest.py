"""What the training tests share: two real faces as training faces, in memory and on disk."""

from __future__ import annotations

import numpy as np
import pytest

from fspp_core import geometry
from fspp_core.types import Face

KEYPOINTS = {
    "astronaut": [(204, 100), (245, 102), (224, 126), (202, 139), (244, 140)],
    "hopper": [(220, 190), (308, 186), (268, 237), (232, 277), (304, 273)],
}


@pytest.fixture(scope="session")
def portraits(astronaut, hopper):
    """By name: the picture and its face, landmarks fitted to keypoints that MTCNN found."""
    pictures = {"astronaut": astronaut, "hopper": hopper}
    result = {}
    for name, picture in pictures.items():
        keypoints = np.array(KEYPOINTS[name], np.float32)
        landmarks = geometry.fit_keypoints(keypoints)
        box = np.array([*landmarks.min(axis=0), *landmarks.max(axis=0)], np.float32)
        result[name] = (
            picture,
            Face(
                box=box,
                score=0.99,
                landmarks=landmarks,
                landmarks_origin="fitted",
                detector="mtcnn",
                aligner="keypoints",
                keypoints=keypoints,
            ),
        )
    return result
