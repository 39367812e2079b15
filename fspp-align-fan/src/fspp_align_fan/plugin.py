"""Hook implementations: says what FAN is without importing it."""

from __future__ import annotations

from fspp_align_fan.options import FANOptions
from fspp_core.hookspecs import hookimpl
from fspp_core.specs import ComponentSpec, WeightFile

FSPP_API = 1

WEIGHTS_2D = WeightFile(
    name="2dfan4",
    urls=("https://www.adrianbulat.com/downloads/python-fan/2DFAN4-cd938726ad.zip",),
    sha256="cd938726adb1f15f361263cce2db9cb820c42585fa8796ec72ce19107f369a46",
    size=None,
    licence="BSD-3-Clause; the owners of the pictures it was trained on (300W-LP, 300W) allow research",
    source="Bulat and Tzimiropoulos 2017 (arXiv:1703.07332), https://github.com/1adrianb/face-alignment",
    convert="fspp_align_fan.weights:convert",
)
WEIGHTS_3D = WeightFile(
    name="3dfan4",
    urls=("https://www.adrianbulat.com/downloads/python-fan/3DFAN4-4a694010b9.zip",),
    sha256="4a694010b93140609b64a6ea734afc0ee80a4798394740281b0c5bea0ebef1d9",
    size=None,
    licence="BSD-3-Clause; the owners of the pictures it was trained on (300W-LP) allow research",
    source="Bulat and Tzimiropoulos 2017 (arXiv:1703.07332), https://github.com/1adrianb/face-alignment",
    convert="fspp_align_fan.weights:convert",
)


@hookimpl
def fspp_aligners() -> list[ComponentSpec]:
    """One aligner for each set of weights."""
    return [
        ComponentSpec(
            name="fan",
            kind="aligner",
            summary="FAN (Bulat and Tzimiropoulos 2017): 68 landmarks along the visible outline of the face.",
            factory="fspp_align_fan.aligner:FANAligner",
            options=FANOptions,
            weights=(WEIGHTS_2D,),
        ),
        ComponentSpec(
            name="fan-3d",
            kind="aligner",
            summary="FAN trained on 3D annotations: the jaw where it is, hidden or not; for profiles and whole heads.",
            factory="fspp_align_fan.aligner:FANAligner",
            options=FANOptions,
            weights=(WEIGHTS_3D,),
        ),
    ]
