"""The detect stage: faces of a group of frames, those kept that were asked for; turned frames where that finds some."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from fspp_core import geometry
from fspp_core.extraction.answers import check_count
from fspp_core.extraction.detection.turning import angles_of, search
from fspp_core.extraction.options import ExtractOptions
from fspp_core.extraction.shots import Group
from fspp_core.interfaces import Detector
from fspp_core.types import Detection


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detecting:
    """Finds faces; keeps those asked for, and turns the frames that have none of them."""

    detector: Detector
    options: ExtractOptions

    def __call__(self, group: Group) -> Group:
        """The same frames with their detections; frames that are only context for others stay without."""
        wanted = [shot for shot in group if not shot.context]
        found = {shot.index: shot for shot in self.detect(wanted)} if wanted else {}
        return [found.get(shot.index, shot) for shot in group]

    def detect(self, group: Group) -> Group:
        """The same frames with their detections, context or not."""
        return search(self._as_they_stand(group), angles_of(self.options), self._as_they_stand)

    def _as_they_stand(self, group: Group) -> Group:
        found = self.detector.detect([shot.picture for shot in group])
        check_count(f"detector {self.options.detector!r}", found, group)
        return [replace(shot, detections=kept(faces, self.options)) for shot, faces in zip(group, found, strict=True)]


def kept(detections: Iterable[Detection], options: ExtractOptions) -> tuple[Detection, ...]:
    """The detections asked for by size, score and number, largest first, equal ones from left to right."""
    order = sorted(
        (detection for detection in detections if _wanted(detection, options)),
        key=lambda detection: (-float(geometry.area(detection.box)), *detection.box.tolist()),
    )
    return tuple(order[: options.max_faces])


def _wanted(detection: Detection, options: ExtractOptions) -> bool:
    side = float(max(detection.box[2:] - detection.box[:2]))
    largest = float("inf") if options.max_size is None else options.max_size
    return options.min_size <= side <= largest and detection.score >= options.min_score
