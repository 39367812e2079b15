"""Alignments: the file, the journal it grows from, and the records inside face crops; each loaded when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fspp_core.lazy import lazy

if TYPE_CHECKING:
    from fspp_core.alignments.crops import (
        FaceCrop,
        FaceCropRecord,
        read_face_crop,
        read_face_record,
        write_face_crop,
    )
    from fspp_core.alignments.document import Alignments
    from fspp_core.alignments.faces import from_record, to_record
    from fspp_core.alignments.journal import AlignmentsJournal
    from fspp_core.alignments.migrations import SCHEMA_VERSION
    from fspp_core.alignments.records import FaceRecord, FrameRecord, MaskRecord, MediaRecord
    from fspp_core.alignments.schema import alignments_schema

_HOMES = {
    "SCHEMA_VERSION": "migrations",
    "Alignments": "document",
    "AlignmentsJournal": "journal",
    "FaceCrop": "crops",
    "FaceCropRecord": "crops",
    "FaceRecord": "records",
    "FrameRecord": "records",
    "MaskRecord": "records",
    "MediaRecord": "records",
    "alignments_schema": "schema",
    "from_record": "faces",
    "read_face_crop": "crops",
    "read_face_record": "crops",
    "to_record": "faces",
    "write_face_crop": "crops",
}

__all__ = [
    "SCHEMA_VERSION",
    "Alignments",
    "AlignmentsJournal",
    "FaceCrop",
    "FaceCropRecord",
    "FaceRecord",
    "FrameRecord",
    "MaskRecord",
    "MediaRecord",
    "alignments_schema",
    "from_record",
    "read_face_crop",
    "read_face_record",
    "to_record",
    "write_face_crop",
]

__getattr__, __dir__ = lazy(__name__, _HOMES)
