"""What components do: Protocols with shapes. A component is any class that fits; nothing needs to be inherited.

Every component is built as `Class(options)` and may define `close()`; it may be called twice.
Arrays go in and out batch first, so that a component could run in another process. Inputs are never modified.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from fspp_core.types import Detection, FloatArray, Image, LandmarksOrigin, Side

if TYPE_CHECKING:
    import keras
    import numpy as np
    import numpy.typing as npt


class Detector(Protocol):
    """Finds faces.

    One that compiles may define `warm_up(height, width)`; it is called with the size of a video's frames before the
    first of them is decoded.
    """

    def detect(self, images: Sequence[Image]) -> list[list[Detection]]:
        """Find the faces of each picture.

        Args:
            images: (height, width, 3) uint8 BGR each, all of one size.

        Returns:
            For each picture its detections, best score first, boxes clipped to the picture.

        Raises:
            ShapeError: when the pictures are not of one size, three channels and uint8.
        """
        ...


@runtime_checkable
class CropDetector(Detector, Protocol):
    """A detector that knows crops which a face fills from whole frames, and looks at them for less."""

    def detect_crops(self, crops: Sequence[Image]) -> list[list[Detection]]:
        """Find the faces of upright crops made around one face each; arguments, answer and errors as for `detect`."""
        ...


class Aligner(Protocol):
    """Finds the 68 landmarks of detected faces."""

    landmarks_origin: LandmarksOrigin
    """"detected", or "fitted" when landmarks are a mean face laid over fewer points."""

    def align(self, images: Sequence[Image], detections: Sequence[Sequence[Detection]]) -> list[FloatArray]:
        """Find landmarks.

        Args:
            images: (height, width, 3) uint8 BGR each.
            detections: the faces of each picture.

        Returns:
            For each picture (faces, 68, 2) float32 in its pixels; (0, 68, 2) for none.

        Raises:
            ShapeError: for a box without area, naming it, or for missing keypoints where they are needed.
        """
        ...


@runtime_checkable
class CropAligner(Aligner, Protocol):
    """An aligner that looks at one square crop of each face, and lets others change the crops or make their own.

    What `align_crops` finds on the crops of `cut`, mapped back, is what `align` gives. An aligner that has these three
    besides `align` can align again on whole crops, and has its crops themselves evened out by a normalisation.
    """

    crop_size: int
    """Side of the crops in pixels."""

    def cut(
        self, images: Sequence[Image], detections: Sequence[Sequence[Detection]]
    ) -> tuple[Image, npt.NDArray[np.float64]]:
        """Cut out all faces; arguments and errors as for `align`.

        Returns:
            Crops (n, crop_size, crop_size, 3) uint8 BGR of the faces of all pictures in their order, and the matrices
            (n, 2, 3) float64, picture -> crop, through which landmarks go back.
        """
        ...

    def align_crops(self, crops: Image) -> FloatArray:
        """Find the landmarks of faces that fill a picture already.

        Args:
            crops: (n, crop_size, crop_size, 3) uint8 BGR.

        Returns:
            (n, 68, 2) float32 in the crops' pixels.

        Raises:
            ShapeError: for crops of another shape or dtype.
        """
        ...


class Masker(Protocol):
    """Says which pixels of a face crop belong to the face.

    One that goes by the landmarks alone may have an attribute `looks_at_pixels` that is False; every job then spares
    itself the crops and gives black ones.
    """

    face_type: str
    """The crop it wants, a name from `geometry.FACE_TYPES`."""
    size: int
    """Side of that crop in pixels."""

    def mask(self, crops: Image, landmarks: FloatArray) -> FloatArray:
        """Mask a batch of faces.

        Args:
            crops: (n, size, size, 3) uint8 BGR.
            landmarks: (n, 68, 2) float32 in crop pixels.

        Returns:
            (n, size, size) float32, 0..1.
        """
        ...


def looks_at_pixels(masker: Masker) -> bool:
    """Whether a masker wants to see the crops; one that does not may be given black ones."""
    return bool(getattr(masker, "looks_at_pixels", True))


class Recognizer(Protocol):
    """Describes whose face it is.

    It may have `same_person`, a float: the cosine of two embeddings from which they are taken to be of one person where
    the user says nothing.
    """

    face_type: str
    """The crop it wants, a name from `geometry.FACE_TYPES`."""
    size: int
    """Side of that crop in pixels."""

    def embed(self, crops: Image) -> FloatArray:
        """Embed a batch of faces.

        Args:
            crops: (n, size, size, 3) uint8 BGR.

        Returns:
            (n, d) float32 of unit length; nearer means more alike.
        """
        ...


class SwapModel(Protocol):
    """A swapping network as named parts, the unit of saving, freezing, loading elsewhere and importing.

    The parts are Keras models; `reconstruct` and `swap` wire them and accept both Keras tensors, to build graphs, and
    arrays. Weights are created in the constructor: two models of equal options have parts of equal names and shapes.
    """

    parts: Mapping[str, keras.Model]
    input_size: int
    """Side of the square input in pixels."""
    output_size: int
    """Side of the square output in pixels."""
    channel_order: Literal["bgr", "rgb"]
    """Order of the three channels, in and out."""
    has_mask: bool
    """Whether a mask is predicted beside the face."""

    def reconstruct(self, side: Side, faces: Any) -> tuple[Any, Any | None]:
        """Encode and decode faces as the identity of `side`, as trained.

        Args:
            faces: (n, input_size, input_size, 3) float, 0..1, in `channel_order`.

        Returns:
            Faces (n, output_size, output_size, 3) float32 0..1 and masks (n, output_size, output_size, 1) or None.
        """
        ...

    def swap(self, faces: Any) -> tuple[Any, Any | None]:
        """Put the source identity into faces of the target; shapes as in `reconstruct`."""
        ...


class Loss(Protocol):
    """Compares faces. Written with `keras.ops` only, so that it runs on every backend."""

    def __call__(self, true: Any, predicted: Any) -> Any:
        """Compare a batch.

        Args:
            true: (n, h, w, 3) float32, 0..1.
            predicted: likewise.

        Returns:
            (n, h, w, 1) where the loss has a spatial form, so that masks can weigh it, else (n,). Zero at equality,
            gradients finite everywhere.
        """
        ...


class Schedule(Protocol):
    """A learning-rate schedule, a pure function of the update count, so that it survives any resume."""

    def factor(self, step: int, total: int) -> float:
        """Factor on the base learning rate.

        Args:
            step: updates done so far, from 0; more than `total` is allowed.
            total: updates planned in all, at least 1.

        Returns:
            Zero or more, finite.
        """
        ...


class ColorTransfer(Protocol):
    """Gives the swapped face the colours of the frame it goes into."""

    def transfer(self, faces: FloatArray, references: FloatArray, masks: FloatArray) -> FloatArray:
        """Recolour a batch.

        Args:
            faces: (n, h, w, 3) float32 BGR 0..1, the swapped faces.
            references: likewise, the crops of the original frames.
            masks: (n, h, w) float32 0..1, the pixels that count for the statistics.

        Returns:
            Like `faces`, 0..1; unchanged where a mask is empty.
        """
        ...


class OptimizerFactory(Protocol):
    """Makes a Keras optimizer."""

    def build(self, learning_rate: float) -> keras.optimizers.Optimizer:
        """A fresh optimizer whose `learning_rate` is a plain variable, set by the loop before each update."""
        ...
