"""Hook implementations: says what BiSeNet is, and where its weights are, without importing it."""

from __future__ import annotations

from fspp_core.hookspecs import hookimpl
from fspp_core.specs import ComponentSpec, WeightFile
from fspp_mask_bisenet.options import FaceOptions, HeadOptions, OriginalOptions

FSPP_API = 1

_FACESWAP = "https://github.com/deepfakes-models/faceswap-models/releases/download"
_UNKNOWN = "not stated, nor what they were trained on; Faceswap itself is GPL-3.0"

ORIGINAL = WeightFile(
    name="bisenet-original",
    urls=(
        "https://github.com/xinntao/facexlib/releases/download/v0.2.0/parsing_bisenet.pth",
        "https://huggingface.co/ManyOtherFunctions/face-parse-bisent/resolve/main/79999_iter.pth",
    ),
    sha256="468e13ca13a9b43cc0881a9f99083a430e9c0a38abd935431d1c28ee94b26567",
    size=53_289_463,
    licence="MIT repository; trained on CelebAMask-HQ, whose terms allow research that is not commercial",
    source="zllrunning/face-parsing.PyTorch on GitHub (79999_iter.pth); network: BiSeNet, arXiv:1808.00897",
    convert="fspp_mask_bisenet.weights:convert_original",
)
FACE = WeightFile(
    name="bisenet_face_parsing_v6",
    urls=(f"{_FACESWAP}/v14.6/bisenet_face_parsing_v6.zip",),
    sha256="",
    size=None,
    licence=_UNKNOWN,
    source="Faceswap's weights for face crops, deepfakes-models/faceswap-models on GitHub, v14.6",
    convert="fspp_mask_bisenet.weights:convert_faceswap",
)
HEAD = WeightFile(
    name="bisenet_face_parsing_v5",
    urls=(f"{_FACESWAP}/v14.5/bisenet_face_parsing_v5.zip",),
    sha256="",
    size=None,
    licence=_UNKNOWN,
    source="Faceswap's weights for head crops with hair, deepfakes-models/faceswap-models on GitHub, v14.5",
    convert="fspp_mask_bisenet.weights:convert_faceswap",
)


@hookimpl
def fspp_maskers() -> list[ComponentSpec]:
    """One masker for each set of weights."""
    return [
        ComponentSpec(
            name="bisenet",
            kind="masker",
            summary="BiSeNet (Yu et al. 2018) with 19 classes: any parts of the head, from brows to clothes.",
            factory="fspp_mask_bisenet.masker:OriginalMasker",
            options=OriginalOptions,
            weights=(ORIGINAL,),
        ),
        ComponentSpec(
            name="bisenet-face",
            kind="masker",
            summary="BiSeNet with Faceswap's weights for face crops: skin, ears, hair, glasses; its bisenet-fp_face.",
            factory="fspp_mask_bisenet.masker:FaceswapMasker",
            options=FaceOptions,
            weights=(FACE,),
        ),
        ComponentSpec(
            name="bisenet-head",
            kind="masker",
            summary="BiSeNet with Faceswap's weights for head crops: hair counts too; its bisenet-fp_head.",
            factory="fspp_mask_bisenet.masker:FaceswapMasker",
            options=HeadOptions,
            weights=(HEAD,),
        ),
    ]
