"""The published JSON Schema of the alignments file, for those who write or check one without fspp."""

from __future__ import annotations

from typing import Any, get_args

from fspp_core.alignments.document import FORMAT
from fspp_core.alignments.migrations import SCHEMA_VERSION
from fspp_core.alignments.records import MediaKind
from fspp_core.types import LandmarksOrigin

_BASE64 = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"


def alignments_schema() -> dict[str, Any]:
    """The schema (JSON Schema 2020-12) of today's alignments files."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fspp alignments",
        "description": "The faces of a video, a folder of pictures or a picture. Points are pixels, x before y; left "
        "and right are the viewer's; matrices take frame pixels to mask pixels.",
        **_closed(
            {
                "format": {"const": FORMAT},
                "schema_version": {"const": SCHEMA_VERSION},
                "media": {"$ref": "#/$defs/media"},
                "settings": {"type": "object", "description": "Options and versions the alignments were made with."},
                "frames": {
                    "type": "array",
                    "items": {"$ref": "#/$defs/frame"},
                    "description": "The frames that were looked at, by rising index, each index once.",
                },
            }
        ),
        "$defs": {"media": _media(), "frame": _frame(), "face": _face(), "mask": _mask()},
    }


def _media() -> dict[str, Any]:
    return _closed(
        {
            "name": _text("Path or name of the footage."),
            "kind": {"enum": list(get_args(MediaKind))},
            "width": _count("Width of the upright frames in pixels; of the first for folders of mixed sizes."),
            "height": _count("Height likewise."),
            "frame_count": _count("Frames in the footage."),
            "fingerprint": _text("Tells this footage from any other."),
            "time_base": {
                "type": ["string", "null"],
                "description": "Seconds per tick of the frames' pts, as a fraction; null for pictures.",
            },
        },
        optional=("time_base",),
    )


def _frame() -> dict[str, Any]:
    return _closed(
        {
            "index": _count("0-based place in the footage."),
            "name": _text("Stem under which things made from the frame are filed."),
            "pts": {"type": ["integer", "null"], "description": "Presentation time in ticks; null for pictures."},
            "cut": {
                "type": "boolean",
                "description": "Whether another scene begins here, compared with the frame before; false where it is "
                "left out.",
            },
            "faces": {"type": "array", "items": {"$ref": "#/$defs/face"}, "description": "May be empty."},
        },
        optional=("pts", "cut", "faces"),
    )


def _face() -> dict[str, Any]:
    return _closed(
        {
            "box": _numbers(4, "Left, top, right, bottom in pixels, half-open, as the detector gave it."),
            "score": {"type": "number", "minimum": 0, "maximum": 1, "description": "The detector's confidence."},
            "landmarks": _points(68, "iBUG-68 landmarks in frame pixels, float32."),
            "landmarks_origin": {"enum": list(get_args(LandmarksOrigin))},
            "detector": _text("Name of the detector."),
            "aligner": _text("Name of the aligner."),
            "keypoints": {"anyOf": [_points(5, "Eyes, nose tip, mouth corners, left before right."), {"type": "null"}]},
            "masks": {"type": "object", "additionalProperties": {"$ref": "#/$defs/mask"}},
            "identity": {
                "type": "object",
                "additionalProperties": _base64("Embedding: little-endian float32 numbers."),
            },
            "track": {
                "type": ["integer", "null"],
                "description": "Number of the track over frames that the face belongs to.",
            },
        },
        optional=("keypoints", "masks", "identity", "track"),
    )


def _mask() -> dict[str, Any]:
    return _closed(
        {
            "png": _base64("An 8-bit grey PNG, 0 outside and 255 inside the face."),
            "matrix": {
                "type": "array",
                "items": _numbers(3, "A row."),
                "minItems": 2,
                "maxItems": 2,
                "description": "Frame pixels to mask pixels.",
            },
        }
    )


def _closed(properties: dict[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _count(description: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": 0, "description": description}


def _numbers(count: int, description: str) -> dict[str, Any]:
    return {
        "type": "array",
        "items": {"type": "number"},
        "minItems": count,
        "maxItems": count,
        "description": description,
    }


def _points(count: int, description: str) -> dict[str, Any]:
    return {
        "type": "array",
        "items": _numbers(2, "x, y"),
        "minItems": count,
        "maxItems": count,
        "description": description,
    }


def _base64(description: str) -> dict[str, Any]:
    return {"type": "string", "contentEncoding": "base64", "pattern": _BASE64, "description": description}
