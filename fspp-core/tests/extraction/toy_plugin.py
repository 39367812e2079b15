"""A plugin in one file: a detector that takes bright squares for faces, slow on request, and wrong in every way."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fspp_core.errors import ShapeError
from fspp_core.hookspecs import hookimpl
from fspp_core.options import option
from fspp_core.specs import ComponentSpec
from fspp_core.types import Detection

FSPP_API = 1

EVENTS = []
BUILT = []
SEEN = []  # shapes of the batches

POINTS = np.array([(0.3, 0.35), (0.7, 0.35), (0.5, 0.55), (0.35, 0.75), (0.65, 0.75)])


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobOptions:
    least: int = option(100, "Least brightness of a face.", minimum=0, maximum=255)
    keypoints: bool = option(True, "Give keypoints.")
    fault: str = option("", "What to do wrongly.")


class Blobs:
    """Every bright square is a face; its score falls with its distance from the left edge."""

    def __init__(self, options):
        if options.fault == "build":
            raise RuntimeError("no weights here")
        self.options = options
        self.closed = 0
        BUILT.append(self)

    def detect(self, images):
        import cv2

        SEEN.append((len(images), *images[0].shape[:2]))
        time.sleep(float(os.environ.get("TOY_PAUSE_S", "0")))
        if self.options.fault == "shape":
            raise ShapeError("the detector does not like it")
        if self.options.fault == "count":
            return []
        found = []
        for image in images:
            bright = (image.min(axis=2) >= self.options.least).astype(np.uint8)
            stats = cv2.connectedComponentsWithStats(bright)[2][1:]
            found.append([self._face(*row[:4], image.shape[1]) for row in stats.tolist() if row[4] >= 64])
        return found

    def _face(self, left, top, width, height, whole):
        box = np.array([left, top, left + width, top + height], np.float32)
        keypoints = (POINTS * (width, height) + (left, top)).astype(np.float32)
        return Detection(box=box, score=1 - left / whole, keypoints=keypoints if self.options.keypoints else None)

    def close(self):
        self.closed += 1


@hookimpl
def fspp_detectors():
    return [
        ComponentSpec(
            name="blobs", kind="detector", summary="Squares.", factory=f"{__name__}:Blobs", options=BlobOptions
        )
    ]


@hookimpl
def fspp_frame_extracted(index, faces):
    EVENTS.append((index, faces))
    if "TOY_LOG" in os.environ:  # outlives a kill
        with Path(os.environ["TOY_LOG"]).open("a", encoding="utf-8") as log:
            log.write(f"{index}\n")
