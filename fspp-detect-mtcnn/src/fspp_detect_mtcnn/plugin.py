"""Hook implementations: says what MTCNN is without importing it."""

from __future__ import annotations

from fspp_core.hookspecs import hookimpl
from fspp_core.specs import ComponentSpec
from fspp_detect_mtcnn.options import MTCNNOptions

FSPP_API = 1


@hookimpl
def fspp_detectors() -> list[ComponentSpec]:
    """The detector."""
    return [
        ComponentSpec(
            name="mtcnn",
            kind="detector",
            summary="MTCNN (Zhang et al. 2016): boxes and five keypoints; weights (MIT) from the mtcnn package.",
            factory="fspp_detect_mtcnn.detector:MTCNNDetector",
            options=MTCNNOptions,
        )
    ]
