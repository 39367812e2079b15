"""The published JSON Schema of the plain files that faces can be imported from."""

from __future__ import annotations

from typing import Any

from fspp_core.extraction.detection.import_file import BOX_FIELDS, CORNER_FIELDS, LANDMARKS_FIELDS, SCHEMA_KEY

_SIDES = "Left, top, right, bottom in pixels of the upright frame, half-open."
_SHAPE = "Landmarks in pixels, x before y: the 68 of iBUG, or the 98 of WFLW, which are turned into these."


def import_schema() -> dict[str, Any]:
    """The schema (JSON Schema 2020-12) of files for the option `import_from`."""
    box, same_box = BOX_FIELDS
    landmarks, same_landmarks = LANDMARKS_FIELDS
    number = {"type": "number"}
    shape = {"anyOf": [_points(68), _points(98)], "description": _SHAPE}
    four = {"type": "array", "items": number, "minItems": 4, "maxItems": 4, "description": _SIDES}
    side = {"type": "number", "exclusiveMinimum": 0}
    face = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            box: four,
            same_box: {**four, "description": f"The same, as Faceswap calls it. {_SIDES}"},
            **{name: {**number, "description": "Left, or top, of the box in pixels."} for name in CORNER_FIELDS[:2]},
            **{name: {**side, "description": "Width, or height, of the box."} for name in CORNER_FIELDS[2:]},
            "score": {"type": "number", "minimum": 0, "maximum": 1, "default": 1, "description": "How sure it is."},
            "keypoints": {
                **_points(5),
                "description": "Eyes, nose tip, mouth corners in pixels, the viewer's left before right.",
            },
            landmarks: shape,
            same_landmarks: {**shape, "description": f"The same, as Faceswap calls it. {_SHAPE}"},
        },
        "anyOf": [{"required": [name]} for name in (*BOX_FIELDS, *LANDMARKS_FIELDS, CORNER_FIELDS[0])],
        "dependentRequired": {name: [other for other in CORNER_FIELDS if other != name] for name in CORNER_FIELDS},
        "allOf": [
            {"not": {"required": [box, same_box]}},
            {"not": {"required": [landmarks, same_landmarks]}},
            *({"not": {"required": [name, CORNER_FIELDS[0]]}} for name in BOX_FIELDS),
        ],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fspp faces to import",
        "description": "The faces of some footage by frame: its name with or without extension, or its index from 0.",
        "type": "object",
        "properties": {SCHEMA_KEY: {"type": "string"}},
        "additionalProperties": {"type": "array", "items": {"$ref": "#/$defs/face"}, "description": "May be empty."},
        "$defs": {"face": face},
    }


def _points(count: int) -> dict[str, Any]:
    return {
        "type": "array",
        "items": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
        "minItems": count,
        "maxItems": count,
    }
