"""The detect stage: faces of a group of frames, those kept that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fspp_core import geometry
from fspp_core.extraction.answers import check_count
from fspp_core.extraction.options import ExtractOptions
from fspp_core.extraction.shots import Group
from fspp_core.interfaces import Detector
from fspp_core.types import Detection


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detecting:
    """Finds faces; keeps those asked for, largest first, equal ones from left to right."""

    detector: Detector
    options: ExtractOptions

    def __call__(self, group: Group) -> Group:
        """The same frames with their detections."""
        found = self.detector.detect([shot.image for shot in group])
        check_count(f"detector {self.options.detector!r}", found, group)
        return [replace(shot, detections=self._kept(faces)) for shot, faces in zip(group, found, strict=True)]

    def _kept(self, detections: Sequence[Detection]) -> tuple[Detection, ...]:
        options = self.options
        kept = [
            detection
            for detection in detections
            if max(detection.box[2:] - detection.box[:2]) >= options.min_size and detection.score >= options.min_score
        ]
        kept.sort(key=lambda detection: (-float(geometry.area(detection.box)), *detection.box.tolist()))
        return tuple(kept[: options.max_faces])
