"""A set of faces to train on: found on disk, laid out for the model's crop, kept in memory within a budget."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fspp_core import geometry
from fspp_core.progress import CancelFlag, Progress
from fspp_core.training.facemasks import FaceMasks
from fspp_core.training.faces import CropPlan, TrainingFace, training_face
from fspp_core.training.findfaces import FaceRef, FaceSource, cut_faces, find_crops
from fspp_core.training.options import TrainOptions
from fspp_core.types import Side

LOG = logging.getLogger(__name__)

_COVERAGE_TOLERANCE = 0.02  # of the crop's side


class Budget:
    """Memory that several threads may take from until it is used up."""

    def __init__(self, nbytes: int) -> None:
        self._left = nbytes
        self._lock = threading.Lock()

    def take(self, nbytes: int) -> bool:
        """Take `nbytes` if they are left."""
        with self._lock:
            if nbytes > self._left:
                return False
            self._left -= nbytes
            return True


class Faceset:
    """Faces of one side by number, decoded when first asked for.

    Args:
        refs: the faces, at least one.
        plan: the crop the model sees.
        masks: None when masks are not used.
        budget: memory for decoded faces; what does not fit is decoded at each use.
    """

    def __init__(self, refs: Sequence[FaceRef], plan: CropPlan, *, masks: FaceMasks | None, budget: Budget) -> None:
        self.refs = refs
        self.plan = plan
        self._masks = masks
        self._budget = budget
        self._cache: dict[int, TrainingFace] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.refs)

    @property
    def fingerprint(self) -> str:
        """Hex digest of the faces' names and landmarks."""
        digest = hashlib.sha256()
        for ref in self.refs:
            digest.update(ref.name.encode("utf-8", "surrogateescape"))
            digest.update(np.ascontiguousarray(ref.landmarks, np.float32).tobytes())
        return digest.hexdigest()

    def face(self, index: int) -> TrainingFace:
        """A face ready to be sampled; may be called from any thread."""
        cached = self._cache.get(index)
        if cached is not None:
            return cached
        ref = self.refs[index]
        image, masks = ref.read()
        mask = None if self._masks is None else self._masks.mask(ref, image, masks)
        face = training_face(image, ref.matrix, ref.landmarks, mask, self.plan)
        cost = 0 if face.image is image and ref.resident else face.image.nbytes
        cost += 0 if face.mask is None else face.mask.nbytes
        with self._lock:
            if index not in self._cache and self._budget.take(cost):
                self._cache[index] = face
        return face

    def close(self) -> None:
        """Let the masker go; may be called twice."""
        if self._masks is not None:
            self._masks.close()

    def spread(self, count: int) -> list[int]:
        """Up to `count` numbers of faces, evenly over the set."""
        count = min(count, len(self))
        return [int(number) for number in np.linspace(0, len(self) - 1, count).round()]


def open_facesets(
    places: Mapping[Side, FaceSource],
    plan: CropPlan,
    masks: Mapping[Side, FaceMasks],
    options: TrainOptions,
    *,
    progress: Progress,
    cancel: CancelFlag | None,
) -> dict[Side, Faceset]:
    """Find the faces of both sides; they share one memory budget. Sides without `masks` get none."""
    budget = Budget(options.cache_mb * 2**20)
    sets: dict[Side, Faceset] = {}
    for side, place in places.items():
        if place.media is None:
            refs = find_crops(place.path, workers=options.workers, cancel=cancel)
            warn_of_narrow_crops(place.path, refs, plan)
        else:
            refs = cut_faces(place, plan, budget, progress=progress, cancel=cancel)
        LOG.info("%s: %d faces from %s", side, len(refs), place.path)
        sets[side] = Faceset(refs, plan, masks=masks.get(side), budget=budget)
    return sets


def warn_of_changes(before: Mapping[str, Any], sets: Mapping[Side, Faceset]) -> None:
    """Log which sides have other faces than the checkpoint's record `before` says."""
    for side, faces in sets.items():
        old = before.get(side)
        if old is not None and old["fingerprint"] != faces.fingerprint:
            LOG.warning(
                "%s: the faces have changed since the last run (%d before, %d now); training goes on with these",
                side,
                old["faces"],
                len(faces),
            )


def warn_of_narrow_crops(where: Path, refs: Sequence[FaceRef], plan: CropPlan) -> int:
    """Log how many pictures show less than the training crop, whose edges will then be repeated; return the count."""
    narrow = [ref for ref in refs if not covers(ref, plan)]
    if narrow:
        LOG.warning(
            "%s: %d of %d faces are stored narrower than face type %r, the first is %s; the missing edges are filled "
            "with the nearest pixels. Extract again with --face-type %s or wider, or train a narrower one",
            where,
            len(narrow),
            len(refs),
            plan.face_type,
            narrow[0].name,
            plan.face_type,
        )
    return len(narrow)


def covers(ref: FaceRef, plan: CropPlan) -> bool:
    """Whether the picture shows the whole training crop, but for a sliver."""
    size = plan.largest
    to_crop = geometry.crop_matrix(ref.landmarks, plan.face_type, size)
    slack = _COVERAGE_TOLERANCE * size
    inset = np.array([(x, y) for x in (slack, size - slack) for y in (slack, size - slack)])
    corners = geometry.transform(inset, geometry.compose(ref.matrix, geometry.invert(to_crop)))
    return bool((corners >= 0).all() and (corners <= ref.size).all())
