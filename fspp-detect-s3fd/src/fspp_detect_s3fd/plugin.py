"""Hook implementations: says what S3FD is, and where its weights are, without importing it."""

from __future__ import annotations

from fspp_core.hookspecs import hookimpl
from fspp_core.specs import ComponentSpec, WeightFile
from fspp_detect_s3fd.options import S3FDOptions

FSPP_API = 1


@hookimpl
def fspp_detectors() -> list[ComponentSpec]:
    """The detector."""
    return [
        ComponentSpec(
            name="s3fd",
            kind="detector",
            summary="S3FD (Zhang et al. 2017): boxes of faces large and small; weights are fetched or imported once.",
            factory="fspp_detect_s3fd.detector:S3FDDetector",
            options=S3FDOptions,
            weights=(
                WeightFile(
                    name="s3fd",
                    urls=("https://www.adrianbulat.com/downloads/python-fan/s3fd-619a316812.pth",),
                    sha256="619a316812",
                    size=None,
                    licence="not stated by its authors; trained on WIDER FACE, whose terms are for research",
                    source="face-alignment (github.com/1adrianb/face-alignment); network: arXiv:1708.05237",
                    convert="fspp_detect_s3fd.convert:convert",
                ),
            ),
        )
    ]
