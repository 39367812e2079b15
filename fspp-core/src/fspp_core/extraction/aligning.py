"""The align stage: landmarks for the detections of a group of frames."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fspp_core.extraction.answers import check_count
from fspp_core.extraction.options import ExtractOptions
from fspp_core.extraction.shots import Group, Shot
from fspp_core.interfaces import Aligner
from fspp_core.types import Face


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Aligning:
    """Gives detected faces landmarks."""

    aligner: Aligner
    options: ExtractOptions

    def __call__(self, group: Group) -> Group:
        """The same frames with a face for each detection."""
        seen = [shot for shot in group if shot.detections]
        if not seen:
            return group
        aligner, who = self.aligner, f"aligner {self.options.aligner!r}"
        found = aligner.align([shot.image for shot in seen], [shot.detections for shot in seen])
        check_count(who, found, seen)
        landmarks = {shot.index: points for shot, points in zip(seen, found, strict=True)}

        def completed(shot: Shot) -> Shot:
            check_count(who, landmarks[shot.index], shot.detections)
            faces = (
                Face(
                    box=detection.box,
                    score=detection.score,
                    landmarks=points,
                    landmarks_origin=aligner.landmarks_origin,
                    detector=self.options.detector,
                    aligner=self.options.aligner,
                    keypoints=detection.keypoints,
                )
                for detection, points in zip(shot.detections, landmarks[shot.index], strict=True)
            )
            return replace(shot, faces=tuple(faces))

        return [completed(shot) if shot.detections else shot for shot in group]
