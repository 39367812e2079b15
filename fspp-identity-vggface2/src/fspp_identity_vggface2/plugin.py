"""Hook implementations: says which recognizers there are, and where their weights are, without importing them."""

from __future__ import annotations

from fspp_core.hookspecs import hookimpl
from fspp_core.specs import ComponentSpec, WeightFile
from fspp_identity_vggface2.options import RecognizerOptions

FSPP_API = 1

_FACESWAP = "https://github.com/deepfakes-models/faceswap-models/releases/download"
_TFACE = "Apache-2.0, as TFace's code; the terms of the pictures it was trained on are not stated"

# Faceswap publishes no digests: what cannot be checked is imported by hand, and never fetched.
VGGFACE2 = WeightFile(
    name="vggface2_resnet50_v3",
    urls=(f"{_FACESWAP}/v10.3/vggface2_resnet50_v3.zip",),
    sha256="",
    size=None,
    licence="CC-BY-NC-4.0, as Faceswap states; VGGFace2's pictures are for research",
    source="Cao et al. 2018 (arXiv:1710.08092), https://github.com/WeidiXie/Keras-VGGFace2-ResNet50, through Faceswap",
    convert="fspp_identity_vggface2.vggface2_tensors:convert",
)
IR_50 = WeightFile(
    name="tface_v1",
    urls=(f"{_FACESWAP}/v33.1/tface_v1.zip",),
    sha256="",
    size=None,
    licence=_TFACE,
    source="IR-50 of https://github.com/Tencent/TFace, through Faceswap; network: Deng et al. 2019 (arXiv:1801.07698)",
    convert="fspp_identity_vggface2.ir_tensors:convert_50",
)
IR_101 = WeightFile(
    name="tface_v2",
    urls=(f"{_FACESWAP}/v33.2/tface_v2.zip",),
    sha256="",
    size=None,
    licence=_TFACE,
    source="IR-101 of https://github.com/Tencent/TFace, through Faceswap; network: Deng et al. 2019 (arXiv:1801.07698)",
    convert="fspp_identity_vggface2.ir_tensors:convert_101",
)


@hookimpl
def fspp_recognizers() -> list[ComponentSpec]:
    """One recognizer for each network."""
    return [
        ComponentSpec(
            name="vggface2",
            kind="recognizer",
            summary="VGGFace2's ResNet-50 (Cao et al. 2018): 512 numbers a face; Faceswap's vggface2.",
            factory="fspp_identity_vggface2.recognizers:VGGFace2Recognizer",
            options=RecognizerOptions,
            weights=(VGGFACE2,),
        ),
        ComponentSpec(
            name="ir-50",
            kind="recognizer",
            summary="TFace's IR-50, of ArcFace's kind (Deng et al. 2019): 512 numbers a face; Faceswap's t-face ir-50.",
            factory="fspp_identity_vggface2.recognizers:IR50Recognizer",
            options=RecognizerOptions,
            weights=(IR_50,),
        ),
        ComponentSpec(
            name="ir-101",
            kind="recognizer",
            summary="TFace's IR-101, of ArcFace's kind: 512 numbers a face, in twice ir-50's time; Faceswap's t-face.",
            factory="fspp_identity_vggface2.recognizers:IR101Recognizer",
            options=RecognizerOptions,
            weights=(IR_101,),
        ),
    ]
