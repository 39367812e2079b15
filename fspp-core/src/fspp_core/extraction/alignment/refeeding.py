"""Re-feed: landmarks as the mean over boxes shifted and scaled at random, which evens out the aligner's whims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fspp_core.extraction.answers import check_count
from fspp_core.interfaces import Aligner
from fspp_core.types import Detection, FloatArray, Image

_JITTER = 0.05  # of the box's shorter side, as in Faceswap, but not rounded to whole pixels

Seed = tuple[int, int]
"""A face: index of its frame and number within it. Its boxes are drawn from these alone, whatever else is at work."""


def align_refed(
    who: str,
    aligner: Aligner,
    images: Sequence[Image],
    detections: Sequence[Sequence[Detection]],
    seeds: Sequence[Sequence[Seed]],
    times: int,
) -> list[FloatArray]:
    """Align faces around their boxes and around `times` jittered ones each, all in one call.

    Args:
        who: names the aligner in messages.
        seeds: of each of the detections.

    Returns:
        For each picture the means (faces, 68, 2) float32.

    Raises:
        PluginError: when the aligner gives landmarks for more or fewer faces than it was asked for.
    """
    asked = [_fed(faces, of, times) for faces, of in zip(detections, seeds, strict=True)]
    found = aligner.align(images, asked)
    check_count(who, found, images)
    for landmarks, faces in zip(found, asked, strict=True):
        check_count(who, landmarks, faces)
    if not times:
        return found
    return [
        landmarks.reshape(1 + times, len(faces), 68, 2).mean(axis=0, dtype=np.float64).astype(np.float32)
        for landmarks, faces in zip(found, detections, strict=True)
    ]


def jittered(boxes: npt.NDArray[np.float32], seeds: Sequence[Seed], times: int) -> npt.NDArray[np.float32]:
    """Boxes whose left, top, width and height are each changed by up to 5 % of the shorter side, evenly distributed.

    Args:
        boxes: (n, 4).

    Returns:
        (times, n, 4) float32.
    """
    draws = [np.random.default_rng(seed).uniform(-_JITTER, _JITTER, (times, 4)) for seed in seeds]
    sizes = boxes[:, 2:] - boxes[:, :2]
    changes = np.array(draws).reshape(-1, times, 4) * sizes.min(axis=1)[:, None, None]
    corners = boxes[:, None, :2] + changes[..., :2]
    shaped = np.concatenate([corners, corners + sizes[:, None] + changes[..., 2:]], axis=2)
    return shaped.swapaxes(0, 1).astype(np.float32)


def _fed(faces: Sequence[Detection], seeds: Sequence[Seed], times: int) -> list[Detection]:
    """The faces as they are, then all of them jittered, `times` times; keypoints go with their boxes."""
    if not times or not faces:
        return list(faces)
    boxes = np.stack([face.box for face in faces])
    jitter = jittered(boxes, seeds, times)
    grown = (jitter[..., 2:] - jitter[..., :2]) / (boxes[:, 2:] - boxes[:, :2])
    again = [
        replace(
            face,
            box=box,
            keypoints=None if face.keypoints is None else (face.keypoints - face.box[:2]) * factor + box[:2],
        )
        for of_round, factors in zip(jitter, grown, strict=True)
        for face, box, factor in zip(faces, of_round, factors, strict=True)
    ]
    return [*faces, *again]
