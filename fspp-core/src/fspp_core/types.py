"""The data that flows between stages: frozen dataclasses over numpy arrays.

Conventions, fixed here once:

* pictures are BGR, (height, width, 3), uint8; footage deeper than 8 bits may be uint16 over its full range;
* boxes are float32 (left, top, right, bottom) in pixels, half-open;
* points are float32 (n, 2), x before y, and pixel (i, j) covers [i, i+1) x [j, j+1), OpenCV warps place its
  sample at (i, j);
* matrices are float64 (2, 3), frame -> crop;
* left and right are the viewer's, as in the picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
DeepImage = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
FloatArray = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]

Side = Literal["source", "target"]
LandmarksOrigin = Literal["detected", "fitted", "edited"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One picture of the footage, known by its index and its presentation time.

    Attributes:
        index: 0-based place among all frames of the footage.
        name: stem under which things made from this frame are filed, unique in the footage.
        image: (height, width, 3) uint8 or uint16 BGR, upright (rotation already applied). Never modified in place.
        pts: presentation time in units of `time_base`; None for picture folders.
        time_base: seconds per tick; None for picture folders.
        duration: in ticks, None when the container does not say.
        native: what the reader decoded (an `av.VideoFrame` or the file's path), so that a writer can pass an untouched
            frame through without another conversion; dropped by `with_image`.
    """

    index: int
    name: str
    image: DeepImage
    pts: int | None = None
    time_base: Fraction | None = None
    duration: int | None = None
    native: Any = None

    @property
    def bgr8(self) -> Image:
        """`image` as uint8: itself, or its high bytes rounded."""
        if self.image.dtype == np.uint8:
            return self.image  # type: ignore[return-value]
        return ((self.image.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)

    @property
    def seconds(self) -> float | None:
        """Presentation time in seconds, None for picture folders."""
        if self.pts is None or self.time_base is None:
            return None
        return float(self.pts * self.time_base)

    def with_image(self, image: DeepImage) -> Frame:
        """The same frame showing another picture of the same size."""
        return replace(self, image=image, native=None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detection:
    """A face found by a detector.

    Attributes:
        box: (4,) float32 left, top, right, bottom in frame pixels, half-open.
        score: confidence 0..1.
        keypoints: (5, 2) float32 in frame pixels or None: left eye, right eye, nose tip, left and right mouth corner.
    """

    box: FloatArray
    score: float
    keypoints: FloatArray | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mask:
    """A stored mask of one face.

    Attributes:
        image: (height, width) uint8, 0 = outside, 255 = face.
        matrix: (2, 3) float64, frame -> mask pixels.
    """

    image: Image
    matrix: Matrix


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Face:
    """A face in a frame: detection, landmarks, masks.

    Attributes:
        box: (4,) float32 in frame pixels, as the detector gave it.
        score: the detector's confidence 0..1.
        landmarks: (68, 2) float32 in frame pixels, iBUG-68 order.
        landmarks_origin: "detected" by a 68-point aligner, "fitted" from fewer points, "edited" by hand.
        detector: name of the detector component.
        aligner: name of the aligner component.
        keypoints: (5, 2) float32 in frame pixels as the detector gave them, or None.
        masks: stored masks by name.
        identity: embeddings by recognizer name, each (d,) float32.
        track: number of the track over consecutive frames this face belongs to, None when not tracked.
    """

    box: FloatArray
    score: float
    landmarks: FloatArray
    landmarks_origin: LandmarksOrigin
    detector: str
    aligner: str
    keypoints: FloatArray | None = None
    masks: Mapping[str, Mask] = field(default_factory=dict)
    identity: Mapping[str, FloatArray] = field(default_factory=dict)
    track: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crop:
    """An upright square picture of one face.

    Attributes:
        image: (size, size, 3) uint8 BGR.
        matrix: (2, 3) float64, frame -> crop pixels.
        face_type: how much of the head it shows; a name from `geometry.FACE_TYPES`.
    """

    image: Image
    matrix: Matrix
    face_type: str

    @property
    def size(self) -> int:
        """Side in pixels."""
        return int(self.image.shape[0])
