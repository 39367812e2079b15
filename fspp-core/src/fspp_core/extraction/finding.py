"""Faces of a group of frames: detected, those kept that were asked for, given landmarks and masks."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass, replace

import numpy as np

from fspp_core import geometry
from fspp_core.concurrency import batched
from fspp_core.errors import PluginError
from fspp_core.extraction.options import ExtractOptions
from fspp_core.extraction.plan import Tools
from fspp_core.extraction.shots import Group, Shot
from fspp_core.interfaces import Masker
from fspp_core.types import Detection, Face, Image, Mask

_FACES_AT_ONCE = 64  # crops a masker gets at once


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Finder:
    """The components at work; every method takes a group of frames of one size and gives it back further on."""

    tools: Tools
    options: ExtractOptions

    def detect(self, group: Group) -> Group:
        """Find faces; keep those asked for, largest first, equal ones from left to right."""
        found = self.tools.detector.detect([shot.image for shot in group])
        _check_count(f"detector {self.options.detector!r}", found, group)
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

    def align(self, group: Group) -> Group:
        """Give the faces landmarks."""
        seen = [shot for shot in group if shot.detections]
        if not seen:
            return group
        aligner, who = self.tools.aligner, f"aligner {self.options.aligner!r}"
        found = aligner.align([shot.image for shot in seen], [shot.detections for shot in seen])
        _check_count(who, found, seen)
        landmarks = {shot.index: points for shot, points in zip(seen, found, strict=True)}

        def completed(shot: Shot) -> Shot:
            _check_count(who, landmarks[shot.index], shot.detections)
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

    def mask(self, group: Group) -> Group:
        """Give the faces masks."""
        places = [(shot, face) for shot in group for face in shot.faces]
        masks: list[dict[str, Mask]] = [{} for _ in places]
        for name, masker in self.tools.maskers.items():
            numbered = list(zip(places, masks, strict=True))
            for part in batched(numbered, _FACES_AT_ONCE):
                made = _masks(name, masker, [place for place, _ in part])
                for (_, of_face), mask in zip(part, made, strict=True):
                    of_face[name] = mask
        each = iter(masks)
        return [replace(shot, faces=tuple(replace(face, masks=next(each)) for face in shot.faces)) for shot in group]


def _masks(name: str, masker: Masker, places: Sequence[tuple[Shot, Face]]) -> list[Mask]:
    matrices = [geometry.crop_matrix(face.landmarks, masker.face_type, masker.size) for _, face in places]
    crops: Image = np.stack(
        [geometry.warp(shot.image, matrix, masker.size) for (shot, _), matrix in zip(places, matrices, strict=True)]
    )
    landmarks = np.stack(
        [geometry.transform(face.landmarks, matrix) for (_, face), matrix in zip(places, matrices, strict=True)]
    )
    values = masker.mask(crops, landmarks.astype(np.float32))
    _check_count(f"masker {name!r}", values, places)
    images = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return [Mask(image=image, matrix=matrix) for image, matrix in zip(images, matrices, strict=True)]


def _check_count(who: str, answers: Sized, asked: Sized) -> None:
    if len(answers) != len(asked):
        raise PluginError(f"{who} gave {len(answers)} answers for {len(asked)}; run: fspp plugins check")
