"""How older alignments become today's: one step for each version of the schema, on plain dicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from fspp_core.errors import AlignmentsError

SCHEMA_VERSION = 1

Step = Callable[[dict[str, Any]], dict[str, Any]]

MIGRATIONS: Mapping[int, Step] = MappingProxyType({})
"""By version: the step that turns a document of that version into one of the next. Version 1 is the first."""


def migrate(
    document: dict[str, Any], *, steps: Mapping[int, Step] = MIGRATIONS, to: int = SCHEMA_VERSION
) -> dict[str, Any]:
    """Bring a decoded alignments file to version `to`, step by step.

    Raises:
        AlignmentsError: when a step is missing.
    """
    version: int = document["schema_version"]
    while version != to:
        if version not in steps:
            known = ", ".join(str(number) for number in sorted({*steps, to}))
            raise AlignmentsError(f"schema_version {version} is unknown; this fspp reads {known}")
        document = steps[version](document)
        version += 1
        document["schema_version"] = version
    return document
