"""A plugin in one file: a masker that takes bright pixels for the face, slow or faulty on request."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import numpy as np

from fspp_core.hookspecs import hookimpl
from fspp_core.options import option
from fspp_core.specs import ComponentSpec

FSPP_API = 1

BATCHES = []  # faces of each
CLOSED = []


@dataclass(frozen=True, slots=True, kw_only=True)
class BrightOptions:
    size: int = option(64, "Side of the mask.", minimum=8)
    least: float = option(0.5, "Least brightness.", minimum=0, maximum=1)
    face_type: str = option("full", "Crop.")
    engine: str = option("keras", "What runs it.")
    precision: str = option("f32", "Numbers.")
    fail_after: int = option(-1, "Fail after so many batches.")


class Bright:
    """Pixels that are bright belong to the face."""

    def __init__(self, options):
        self.face_type, self.size, self._options = options.face_type, options.size, options

    def mask(self, crops, landmarks):
        if len(BATCHES) == self._options.fail_after:
            raise RuntimeError("the masker has had enough")
        time.sleep(float(os.environ.get("TOY_PAUSE_S", "0")))
        BATCHES.append(len(crops))
        assert crops.shape[1:] == (self.size, self.size, 3)
        assert landmarks.shape == (len(crops), 68, 2)
        return (crops.mean(axis=3) >= 255 * self._options.least).astype(np.float32)

    def close(self):
        CLOSED.append(self)


@hookimpl
def fspp_maskers():
    return [
        ComponentSpec(
            name="bright", kind="masker", summary="Bright.", factory=f"{__name__}:Bright", options=BrightOptions
        )
    ]
