"""One detector for two stages, which run in threads of their own."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from fspp_core.interfaces import CropDetector, Detector
from fspp_core.types import Detection, Image


class SharedDetector:
    """A detector that does one thing at a time: what components keep between calls is not made for two threads."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._lock = threading.Lock()

    def detect(self, images: Sequence[Image]) -> list[list[Detection]]:
        """As the detector's own."""
        with self._lock:
            return self._detector.detect(images)

    def detect_crops(self, crops: Sequence[Image]) -> list[list[Detection]]:
        """As the detector's own, which may be that for frames."""
        with self._lock:
            if isinstance(self._detector, CropDetector):
                return self._detector.detect_crops(crops)
            return self._detector.detect(crops)
