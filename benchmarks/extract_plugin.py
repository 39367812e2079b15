"""A plugin of one file, for the extract benchmark: S3FD in full, its answers replaced by known ones; and FAN, timed."""

from __future__ import annotations

from dataclasses import dataclass

import fspp_detect_s3fd.plugin
from fspp_align_fan.options import FANOptions
from fspp_align_fan.plugin import WEIGHTS_2D
from fspp_core.hookspecs import hookimpl
from fspp_core.options import option
from fspp_core.specs import ComponentSpec
from fspp_detect_s3fd.options import S3FDOptions

FSPP_API = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownS3FDOptions(S3FDOptions):
    """S3FD's, and what is known."""

    known: str = option("", "JSON file with the face of each frame.")
    square: bool = option(False, "Fill frames up to a square before they are detected in.")


@hookimpl
def fspp_detectors() -> list[ComponentSpec]:
    """S3FD, in whose boxes' place known ones are given."""
    [spec] = fspp_detect_s3fd.plugin.fspp_detectors()
    return [
        ComponentSpec(
            name="known-s3fd",
            kind="detector",
            summary="S3FD with known answers, for the benchmark.",
            factory="extract_stand_ins:known_s3fd",
            options=KnownS3FDOptions,
            weights=spec.weights,
        )
    ]


@hookimpl
def fspp_aligners() -> list[ComponentSpec]:
    """FAN, which tells how long it takes."""
    return [
        ComponentSpec(
            name="timed-fan",
            kind="aligner",
            summary="FAN with a stopwatch, for the benchmark.",
            factory="extract_stand_ins:timed_fan",
            options=FANOptions,
            weights=(WEIGHTS_2D,),
        )
    ]
