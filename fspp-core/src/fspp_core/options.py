"""Options: one frozen dataclass is the only truth; its JSON Schema, its defaults and its checks come from it.

    @dataclass(frozen=True, slots=True, kw_only=True)
    class MyOptions:
        min_face: int = option(20, "Smallest face to look for, in pixels.", minimum=12)

Field types understood: bool, int, float, str, Literal of strings, any of these `| None`, and tuple[T, ...] of them.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeVar

from fspp_core.errors import ConfigError

T = TypeVar("T")

_META = "fspp"
_JSON_TYPES: dict[Any, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def option(
    default: Any,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    exclusive_minimum: float | None = None,
    exclusive_maximum: float | None = None,
    multiple_of: float | None = None,
    pattern: str | None = None,
    group: str = "",
    fixed: bool = False,
) -> Any:
    """Declare an option as a dataclass field.

    Args:
        default: value used when nothing is given; must itself satisfy the bounds.
        description: one or two sentences for help texts, with the unit.
        group: heading under which the option is listed.
        fixed: cannot change once a model has been created with it.
    """
    bounds = {
        "minimum": minimum,
        "maximum": maximum,
        "exclusiveMinimum": exclusive_minimum,
        "exclusiveMaximum": exclusive_maximum,
        "multipleOf": multiple_of,
        "pattern": pattern,
    }
    meta = {
        "description": description,
        "bounds": {k: v for k, v in bounds.items() if v is not None},
        "group": group,
        "fixed": fixed,
    }
    return dataclasses.field(default=default, metadata={_META: meta})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NoOptions:
    """For components that have nothing to set."""


def _type_schema(annotation: Any, bounds: Mapping[str, Any]) -> dict[str, Any]:
    origin = typing.get_origin(annotation)
    if origin is Literal:
        return {"type": "string", "enum": list(typing.get_args(annotation))}
    if origin in (types.UnionType, typing.Union):
        members = [a for a in typing.get_args(annotation) if a is not type(None)]
        if len(members) != 1 or len(members) == len(typing.get_args(annotation)):
            raise TypeError(f"option type {annotation!r}: a union must be one type or None")
        inner = _type_schema(members[0], bounds)
        inner["type"] = [inner["type"], "null"]
        if "enum" in inner:
            inner["enum"] = [*inner["enum"], None]
        return inner
    if origin is tuple:
        item, *rest = typing.get_args(annotation)
        if rest != [Ellipsis]:
            raise TypeError(f"option type {annotation!r}: write tuple[T, ...]")
        return {"type": "array", "items": _type_schema(item, bounds)}
    if annotation not in _JSON_TYPES:
        raise TypeError(f"option type {annotation!r} is not one of {', '.join(t.__name__ for t in _JSON_TYPES)}")
    return {"type": _JSON_TYPES[annotation], **bounds}


def _plain(value: Any) -> Any:
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


@cache
def _schema_text(options: type[Any]) -> str:
    hints = typing.get_type_hints(options)
    properties: dict[str, Any] = {}
    for field in dataclasses.fields(options):
        meta = field.metadata[_META]
        entry = _type_schema(hints[field.name], meta["bounds"])
        entry["default"] = _plain(field.default)
        entry["title"] = field.name.replace("_", " ").capitalize()
        entry["description"] = meta["description"]
        if meta["group"]:
            entry["x-group"] = meta["group"]
        entry["x-fixed"] = meta["fixed"]
        properties[field.name] = entry
    return json.dumps(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": options.__name__,
            "type": "object",
            "additionalProperties": False,
            "properties": properties,
        }
    )


def schema_of(options: type[Any]) -> dict[str, Any]:
    """Closed JSON Schema (2020-12) of an options dataclass; `x-group` and `x-fixed` are annotations."""
    schema: dict[str, Any] = json.loads(_schema_text(options))  # type: ignore[arg-type]
    return schema


def option_faults(options: type[Any], raw: Mapping[str, Any], *, where: str = "") -> list[str]:
    """Everything wrong with `raw` as values for `options`, each as "path: what"; empty when nothing is.

    Args:
        where: prefix for the paths, such as "fspp.toml: extract.".
    """
    from difflib import get_close_matches

    import jsonschema

    schema = schema_of(options)
    faults = []
    known = list(schema["properties"])
    for key in raw:
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"
            faults.append(f"{where}{key}: unknown option; {hint}")
    inside = {k: _plain(v) for k, v in raw.items() if k in known}
    for error in sorted(jsonschema.Draft202012Validator(schema).iter_errors(inside), key=lambda e: str(e.path)):
        path = ".".join(str(p) for p in error.path)
        faults.append(f"{where}{path}: {error.message}")
    for key, value in inside.items():
        for item in value if isinstance(value, list) else [value]:
            kind = schema["properties"][key]
            kind = kind.get("items", kind)
            wants = kind["type"] if isinstance(kind["type"], list) else [kind["type"]]
            if isinstance(item, float) and not math.isfinite(item):
                faults.append(f"{where}{key}: {item} is not a finite number")
            elif isinstance(item, float) and "integer" in wants:
                faults.append(f"{where}{key}: {item} must be written as a whole number")
    return list(dict.fromkeys(faults))


def parse_options(options: type[T], raw: Mapping[str, Any], *, where: str = "") -> T:
    """Check `raw` against the schema of `options`, fill the defaults in and build it.

    Args:
        where: prefix for the paths in messages, such as "fspp.toml: extract.".

    Raises:
        ConfigError: listing every fault with its path.
    """
    faults = option_faults(options, raw, where=where)
    if faults:
        raise ConfigError("\n".join(faults))
    hints = typing.get_type_hints(options)
    values = {key: _typed(hints[key], value) for key, value in raw.items()}
    return options(**values)


def _typed(annotation: Any, value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(value)
    wants_float = annotation is float or float in typing.get_args(annotation)
    if wants_float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def options_dict(options: Any) -> dict[str, Any]:
    """Plain JSON-ready values of an options instance, every field included."""
    return {field.name: _plain(getattr(options, field.name)) for field in dataclasses.fields(options)}


def fixed_options(options: type[Any]) -> frozenset[str]:
    """Names of the options that cannot change once a model exists."""
    return frozenset(f.name for f in dataclasses.fields(options) if f.metadata[_META]["fixed"])


def parse_assignments(pairs: tuple[str, ...], options: type[Any], *, where: str = "-o ") -> dict[str, Any]:
    """Read `key=value` words from a command line by the types of `options`.

    Values are JSON where the type asks for a number, a boolean, a list or null, and taken as they stand for strings;
    a list may also be written with commas.

    Raises:
        ConfigError: for a word without `=`; unknown keys and wrong values are left to `parse_options`.
    """
    properties = schema_of(options)["properties"]
    values: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        key = key.strip().replace("-", "_")
        if not equals:
            raise ConfigError(f"{where}{pair}: expected key=value")
        kind = properties.get(key, {"type": "string"})
        values[key] = _from_text(kind, text)
    return values


def _from_text(kind: Mapping[str, Any], text: str) -> Any:
    wants = kind["type"] if isinstance(kind["type"], list) else [kind["type"]]
    if "array" in wants and not text.lstrip().startswith("["):
        return [_from_text(kind["items"], part.strip()) for part in text.split(",") if part.strip()]
    if "null" in wants and text in ("none", "null"):
        return None
    if "string" in wants:
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
