"""What a plugin says about itself: plain frozen data, nothing heavy, so that listing plugins imports no network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from fspp_core.options import NoOptions, schema_of

API_VERSION = 1
"""Version of the plugin contract; a plugin module states the one it was made for as `FSPP_API`."""

Kind = Literal[
    "detector", "aligner", "masker", "model", "loss", "scheduler", "recognizer", "color_transfer", "optimizer"
]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFile:
    """A file of pretrained weights a component needs.

    Attributes:
        name: what the user types; the store keeps it as `NAME.safetensors`.
        urls: places it is published at, best first; empty when it can only be imported.
        sha256: full hex digest, or its known prefix; empty when its publisher names none: such a file can be imported
            by hand, and is never fetched.
        size: bytes, None when unknown.
        licence: SPDX name or a few words.
        source: where the weights come from: paper, repository.
        convert: `"module:function"` from the tensors as published, by name, to the plugin's own; None to keep them.
    """

    name: str
    urls: tuple[str, ...]
    sha256: str
    size: int | None
    licence: str
    source: str
    convert: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentSpec:
    """One component of a plugin.

    Attributes:
        name: what the user types, lower case with hyphens.
        kind: one of `KINDS`.
        summary: one line.
        factory: `"module:Class"`, imported when the component is built and called as `Class(options)` with an
            instance of `options`; with weights as `Class(options, weights)`: the path of each safetensors by its name.
        options: frozen dataclass whose fields are declared with `fspp_core.options.option`.
        presets: `"package:folder"` of `NAME.json` files holding option values, or None.
        weights: files of pretrained weights, all of which must be present to build.
        licence: of the code; weights have their own.
    """

    name: str
    kind: Kind
    summary: str
    factory: str
    options: type[Any] = NoOptions
    presets: str | None = None
    weights: tuple[WeightFile, ...] = ()
    licence: str = "Apache-2.0"

    @property
    def options_schema(self) -> dict[str, Any]:
        """Closed JSON Schema (2020-12) of the options."""
        return schema_of(self.options)
