"""The mask of each face to train on: stored, made by maskers, or mixed of both."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from fspp_core import geometry
from fspp_core.concurrency import close
from fspp_core.errors import ConfigError, PluginError, TrainingError, WeightsError
from fspp_core.interfaces import Masker, looks_at_pixels
from fspp_core.masks.choosing import MissingMaskError, Sources, choose
from fspp_core.masks.evaluating import Layer, evaluate, layers_of
from fspp_core.masks.expression import Learned, MaskExpression, Named
from fspp_core.masks.parsing import meant_apart, parse_mask, pointed
from fspp_core.masks.shape import MaskShape
from fspp_core.registry import Registry
from fspp_core.training.faces import CropPlan
from fspp_core.training.findfaces import FaceRef
from fspp_core.training.options import TrainOptions
from fspp_core.types import FloatArray, Image, Mask

_REACH = 1.5  # sides of the crop that a mixed mask covers, so that it can be turned and shifted


def training_expression(text: str, *, where: str = "mask") -> MaskExpression:
    """Read a mask expression for training, where no swapped face is there to be masked.

    Raises:
        ConfigError: pointing at what cannot be read, or at what only conversions have.
    """
    expression = parse_mask(text, where=where)
    for leaf in expression.leaves:
        if isinstance(leaf, Learned) or (isinstance(leaf, Named) and leaf.swapped):
            message = f"{leaf} is there in conversions only; a training needs masks that do not come from its model"
            raise ConfigError(f"{where}: {pointed(message, text, leaf.column)}")
    return expression


def training_shape(options: TrainOptions) -> MaskShape:
    """How the masks of a training are shaped."""
    blurs = options.mask_blur != "none" and options.mask_blur_size > 0
    return MaskShape(
        threshold=options.mask_threshold,
        keep_largest=options.mask_keep_largest,
        fill_holes=options.mask_fill_holes,
        erode=options.mask_erode,
        blur=options.mask_blur if blurs else "none",
        blur_size=options.mask_blur_size if blurs else 0.0,
        blur_passes=options.mask_blur_passes if blurs else 1,
    )


class Maskers:
    """Makes masks, one at a time, with maskers that are built when first asked for.

    Args:
        components: option values by component name.
    """

    def __init__(self, registry: Registry, components: Mapping[str, Mapping[str, Any]]) -> None:
        self.names = frozenset(spec.name for spec in registry.specs("masker"))
        self._registry = registry
        self._components = components
        self._built: dict[str, Masker] = {}
        self._lock = threading.Lock()

    def make(self, name: str, ref: FaceRef, image: Image) -> Layer:
        """What the masker of this name makes of a face; may be called from any thread.

        Raises:
            PluginError: when there is none, or it cannot be built.
        """
        with self._lock:  # maskers need not be safe for threads
            if name not in self._built:
                self._built[name] = self._registry.build("masker", name, self._components.get(name, {}))
            masker = self._built[name]
            matrix = geometry.crop_matrix(ref.landmarks, masker.face_type, masker.size)
            crop = np.zeros((masker.size, masker.size, 3), np.uint8)
            if looks_at_pixels(masker):
                crop = geometry.warp(image, geometry.compose(matrix, geometry.invert(ref.matrix)), masker.size)
            landmarks = geometry.transform(ref.landmarks, matrix)
            return Layer(masker.mask(crop[None], landmarks[None].astype(np.float32))[0], matrix)

    def close(self) -> None:
        """Let the maskers go; may be called twice."""
        for masker in self._built.values():
            close(masker)


class FaceMasks:
    """Gives each face of one side its mask.

    Args:
        expression: as `training_expression` gives it.
        maskers: make what is not stored.
        plan: the crop the model sees.
        shape: what is done to every mask; None leaves them alone.
    """

    def __init__(
        self, expression: MaskExpression, maskers: Maskers, plan: CropPlan, shape: MaskShape | None = None
    ) -> None:
        self._expression, self._maskers, self._plan = expression, maskers, plan
        self._shape = None if shape == MaskShape() else shape

    def mask(self, ref: FaceRef, image: Image, masks: Mapping[str, Mask]) -> Mask:
        """The mask of one face; a single one in its own space, mixed ones in a crop around the model's.

        Args:
            image: the face's picture, as `ref.read` gives it.
            masks: its stored masks, likewise.

        Raises:
            TrainingError: when it lacks a mask and no masker of this name can be built.
            ConfigError: when no range of the expression holds its frame.
        """
        try:
            node = choose(self._expression.at(ref.frame), frozenset(masks), Sources(maskers=self._maskers.names))
            layers = layers_of(node, masks, lambda leaf: self._made(str(leaf), ref, image, masks))
        except MissingMaskError as error:
            self._made(str(error.leaf), ref, image, masks)  # says why there is none
            raise
        if isinstance(node, Named):
            mask = _as_stored(layers[node])
        else:
            size = math.ceil(_REACH * self._plan.output_size)
            matrix = geometry.crop_matrix(ref.landmarks, self._plan.face_type, size, scale=1 / _REACH)
            mask = _as_stored(Layer(evaluate(node, layers, matrix, size), matrix))
        return self._shaped(mask, ref)

    def close(self) -> None:
        """Let the maskers go; may be called twice."""
        self._maskers.close()

    def _shaped(self, mask: Mask, ref: FaceRef) -> Mask:
        if self._shape is None:
            return mask
        face_px = geometry.scale_of(mask.matrix) / geometry.scale_of(geometry.crop_matrix(ref.landmarks, "half", 1))
        values = mask.image.astype(np.float32) / np.float32(255)
        return _as_stored(Layer(self._shape.apply(values, face_px, inset=False), mask.matrix))

    def _made(self, name: str, ref: FaceRef, image: Image, masks: Mapping[str, Mask]) -> Layer:
        try:
            return self._maskers.make(name, ref, image)
        except (PluginError, WeightsError) as error:
            apart = meant_apart(name, {*masks, *self._maskers.names})
            message = (
                f"{ref.name}: no mask {name!r} is stored with the face (frame {ref.frame}; stored: "
                f"{', '.join(masks) or 'none'}) and none can be made: {error}{apart}. Choose another mask, or set "
                "background_weight to 1 to train without"
            )
            raise TrainingError(message) from error


def _as_stored(layer: Layer) -> Mask:
    """With uint8 values, as masks are stored."""
    image: FloatArray | Image = layer.image
    if image.dtype != np.uint8:
        image = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    return Mask(image=image.astype(np.uint8, copy=False), matrix=layer.matrix)
