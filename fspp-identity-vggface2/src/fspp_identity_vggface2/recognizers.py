"""The recognizers: crops in, embeddings of unit length out, in batches of few sizes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import keras
import numpy as np

from fspp_core.concurrency import few_sizes
from fspp_core.errors import PluginError, ShapeError
from fspp_core.inference import Network
from fspp_core.types import FloatArray, Image
from fspp_identity_vggface2 import folding, ir_network, vggface2_network
from fspp_identity_vggface2.ir_tensors import IR_50, IR_101, load_ir
from fspp_identity_vggface2.options import RecognizerOptions
from fspp_identity_vggface2.vggface2_tensors import load_vggface2

_CODE = (Path(folding.__file__), Path(ir_network.__file__), Path(vggface2_network.__file__))  # makes the networks
_LEAST = 1e-12  # length of features that can be made 1


class NetworkRecognizer(ABC):
    """What the recognizers have in common.

    Args:
        options: how faces go through the network.
        weights: the one safetensors file, by the name its spec gives it.

    Raises:
        PluginError: when the weights are missing, damaged, or those of something else.
    """

    name: ClassVar[str]
    size: int
    face_type: str = "fs-legacy"
    dimensions: int = 512
    same_person: float = 0.6
    """Cosine from which two faces are taken for one person: the default of Faceswap's identity filter, for all its
    recognizers alike."""

    def __init__(self, options: RecognizerOptions, weights: Mapping[str, Path]) -> None:
        if len(weights) != 1:
            named = ", ".join(weights) or "none"
            raise PluginError(f"recognizer {self.name} needs one file of weights; received: {named}")
        [path] = weights.values()
        self._options = options
        self._network = Network(
            lambda: self._built(Path(path)),
            (None, self.size, self.size, 3),
            name=self.name,
            engine=options.engine,
            precision=options.precision,
            made_of=(Path(path), *_CODE),
            kept=options.batch_size.bit_length() + 1,  # the sizes of `few_sizes`
        )

    @abstractmethod
    def _built(self, path: Path) -> keras.Model:
        """The network with the weights in a file."""

    def embed(self, crops: Image) -> FloatArray:
        """Embed faces; see `fspp_core.interfaces.Recognizer`. Any number of them in one call.

        Returns:
            (n, 512) float32 of unit length; zeros for a crop in which the network finds nothing at all.

        Raises:
            ShapeError: for crops of another shape, or damaged weights.
        """
        if crops.shape[1:] != (self.size, self.size, 3) or crops.dtype != np.uint8:
            raise ShapeError(
                f"recognizer {self.name}: crops must be (n, {self.size}, {self.size}, 3) uint8 BGR; "
                f"received {crops.shape} {crops.dtype}"
            )
        features = np.zeros((len(crops), self.dimensions), np.float32)
        for part in few_sizes(len(crops), self._options.batch_size):
            batch = crops[part].astype(np.float32)
            [features[part]] = self._network(batch)
            if self._options.flip:
                [mirrored] = self._network(batch[:, :, ::-1])
                features[part] += mirrored
        lengths = np.linalg.norm(features, axis=1, keepdims=True)
        return np.asarray(features / np.maximum(lengths, _LEAST), np.float32)


class VGGFace2Recognizer(NetworkRecognizer):
    """VGGFace2's ResNet-50, Cao et al. 2018 (arXiv:1710.08092). No number of its embeddings is below 0."""

    name = "vggface2"
    size = vggface2_network.SIDE

    def _built(self, path: Path) -> keras.Model:
        return vggface2_network.vggface2(load_vggface2(path))


class IR50Recognizer(NetworkRecognizer):
    """TFace's IR-50, a network of ArcFace's kind, Deng et al. 2019 (arXiv:1801.07698)."""

    name = "ir-50"
    size = ir_network.SIDE
    units: ClassVar[tuple[int, ...]] = IR_50

    def _built(self, path: Path) -> keras.Model:
        return ir_network.ir(load_ir(path, self.units, self.name), self.units)


class IR101Recognizer(IR50Recognizer):
    """TFace's IR-101: the same with more blocks."""

    name = "ir-101"
    units = IR_101
