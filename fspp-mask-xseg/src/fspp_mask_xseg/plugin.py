"""Hook implementations: says what XSeg is without importing it."""

from __future__ import annotations

from fspp_core.hookspecs import hookimpl
from fspp_core.specs import ComponentSpec, WeightFile
from fspp_mask_xseg.options import XSegOptions

FSPP_API = 1

# Every user of DeepFaceLab trains weights of their own, so that there is no one digest.
WEIGHTS = WeightFile(
    name="XSeg_256",
    urls=(),
    sha256="",
    size=None,
    licence="of whoever trained them; DeepFaceLab's generic ones come with its builds, without terms of their own",
    source="XSeg_256.npy of a DeepFaceLab workspace or build; network: iperov/DeepFaceLab on GitHub",
    convert="fspp_mask_xseg.weights:convert",
)


@hookimpl
def fspp_maskers() -> list[ComponentSpec]:
    """The masker."""
    return [
        ComponentSpec(
            name="xseg",
            kind="masker",
            summary="XSeg: the network DeepFaceLab's users train on their own labels, from its XSeg_256.npy.",
            factory="fspp_mask_xseg.masker:XSegMasker",
            options=XSegOptions,
            weights=(WEIGHTS,),
        )
    ]
