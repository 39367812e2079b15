"""Flags from options dataclasses, each with its help, choices, range and default; their schema checks the values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from fspp_core.errors import PluginError
from fspp_core.options import NoOptions, parse_assignments, schema_of

if TYPE_CHECKING:
    from fspp_core.registry import Registry

_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
}


class _Word(click.ParamType):  # type: ignore[type-arg]
    """Any word: what it may be is shown here, and checked later, together with everything else."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.choices = _choices(schema.get("items", schema))
        self.name = type_name(schema)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return f"[{self.name}]" if self.choices else self.name.upper().replace(" ", "")

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(choice) for choice in self.choices if choice.startswith(incomplete)]


class _Flag(click.Option):
    """A flag that knows its section of the help."""

    group = ""


def type_name(schema: Mapping[str, Any]) -> str:
    """The type of an option in one word, or its choices."""
    if "enum" in schema:
        return "|".join(_choices(schema))
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kind = next(k for k in kinds if k != "null")
    if kind == "array":
        return f"{type_name(schema['items'])}, ..."
    return {"string": "text", "boolean": "yes|no"}.get(kind, str(kind))


def _choices(schema: Mapping[str, Any]) -> list[str]:
    return [choice for choice in schema.get("enum", ()) if choice is not None]


def limits(schema: Mapping[str, Any]) -> str:
    """Bounds and default of an option in words."""
    words = [text.format(schema[bound]) for bound, text in _BOUNDS.items() if bound in schema]
    if "multipleOf" in schema:
        words.append(f"a multiple of {schema['multipleOf']}")
    default = schema["default"]
    if default is not None and default not in ("", []):
        words.append(f"default {_plain(default)}")
    return ", ".join(words)


def flag_name(key: str) -> str:
    """The flag of an option."""
    return f"--{key.replace('_', '-')}"


def flags_of(options: type[Any]) -> list[click.Parameter]:
    """A flag for every field of an options dataclass."""
    return [_flag(key, schema) for key, schema in schema_of(options)["properties"].items()]


def _flag(key: str, schema: Mapping[str, Any]) -> click.Option:
    note = limits(schema)
    text = f"{schema['description']} ({note})" if note else schema["description"]
    flag = flag_name(key)
    if schema["type"] == "boolean":
        made = _Flag([f"{flag}/{flag_name(f'no_{key}')}", key], default=None, help=text)
    else:
        made = _Flag([flag, key], type=_Word(schema), multiple=schema["type"] == "array", help=text)
    made.group = schema.get("x-group", "")
    return made


def given_options(context: click.Context, options: type[Any]) -> dict[str, Any]:
    """Values of the flags that stand on the command line, by field; not yet checked."""
    values: dict[str, Any] = {}
    for key in schema_of(options)["properties"]:
        if context.get_parameter_source(key) is not ParameterSource.COMMANDLINE:
            continue
        value = context.params[key]
        if isinstance(value, bool):
            values[key] = value
        else:
            text = ",".join(value) if isinstance(value, tuple) else value
            values |= parse_assignments((f"{key}={text}",), options, where="--")
    return values


def component_values(words: Iterable[str], registry: Registry) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Read `-o component.key=value` words by the types of the component's options; unknown names are left to the check.

    Returns:
        Raw values by component name, and what is wrong with words of another form.
    """
    values: dict[str, dict[str, Any]] = {}
    faults = []
    for word in words:
        name, dot, assignment = word.partition(".")
        key, equals, _ = assignment.partition("=")
        if not (dot and equals and name and key):
            faults.append(f"-o {word}: expected component.key=value, such as mtcnn.min_face=40")
            continue
        try:
            kinds = [spec.options for spec in registry.named(name)]
        except PluginError:
            kinds = [NoOptions]
        fitting = [kind for kind in kinds if key.replace("-", "_") in schema_of(kind)["properties"]]
        values.setdefault(name, {}).update(parse_assignments((assignment,), (fitting or kinds)[0]))
    return values, faults


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return " ".join(map(_plain, value)) if isinstance(value, list) else str(value)
