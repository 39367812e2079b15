"""What every component of every kind must do; the classes by kind add to it."""

from __future__ import annotations

import dataclasses
import json
import pickle
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, ClassVar

import jsonschema
import numpy as np
import pytest

from fspp_core.concurrency import close
from fspp_core.errors import ConfigError, WeightsError
from fspp_core.options import options_dict, parse_options
from fspp_core.registry import Registry, load_registry
from fspp_core.specs import ComponentSpec, Kind
from fspp_core.testing.probes import heavy_imports, refused_network, watched_writes

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
SHA256 = re.compile(r"[0-9a-f]{8,64}")
KEYWORDS = {
    *("$schema", "title", "description", "default", "type", "enum", "items", "properties", "additionalProperties"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern", "x-group", "x-fixed"),
}


class Conformance:
    """Checks for every kind. Subclass the class of your component's kind and name the component.

    A standard check may only be overridden with `@pytest.mark.xfail(reason=...)`.

    Attributes:
        component: its name.
        options: raw option values to build it with for the checks of its work.
        preset: preset to build it with.
        plugin_files: single-file plugins to load besides what is installed.
    """

    kind: ClassVar[Kind]
    component: ClassVar[str]
    options: ClassVar[Mapping[str, Any]] = {}
    preset: ClassVar[str | None] = None
    plugin_files: ClassVar[tuple[Path, ...]] = ()
    _shared: ClassVar[Any]

    @classmethod
    def registry(cls) -> Registry:
        """Everything installed, and `plugin_files`."""
        return load_registry(plugin_files=cls.plugin_files)

    @classmethod
    def spec(cls) -> ComponentSpec:
        """The component's own description."""
        return cls.registry().spec(cls.kind, cls.component)

    @classmethod
    def weights(cls) -> Mapping[str, Path] | None:
        """Files of weights to build it with, by name, such as a test makes them; None for those in the store."""
        return None

    @classmethod
    def build(cls) -> Any:
        """A fresh component."""
        return cls._build(dict(cls.options), cls.preset)

    @classmethod
    def _build(cls, raw: Mapping[str, Any], preset: str | None = None) -> Any:
        """A component; where its weights are missing the check is skipped, with their names and how to get them."""
        registry = cls.registry()
        options = registry.options(cls.kind, cls.component, raw, preset=preset)
        try:
            return registry.construct(cls.kind, cls.component, options, weights=cls.weights())
        except WeightsError as error:
            pytest.skip(str(error))

    @classmethod
    def built(cls) -> Any:
        """The component all checks of this class share, since building may be slow."""
        if "_shared" not in cls.__dict__:
            cls._shared = cls.build()
        return cls._shared

    @classmethod
    def teardown_class(cls) -> None:
        """Close the shared component."""
        if "_shared" in cls.__dict__:
            close(cls._shared)
            del cls._shared

    @classmethod
    def exercise(cls, component: Any) -> Any:
        """Let the component do its work once; each kind says how."""
        raise TypeError(f"{cls.__name__} must subclass the conformance class of its kind, not Conformance itself")

    def test_no_standard_check_is_overridden(self) -> None:
        """A check that does not hold is marked, with the reason, not replaced."""
        kit = next(c for c in type(self).__mro__ if c.__module__.startswith("fspp_core.testing."))
        for name in (n for n in dir(kit) if n.startswith("test_")):
            mine = getattr(type(self), name, None)
            if mine is getattr(kit, name):
                continue
            reasons = [m.kwargs.get("reason") for m in getattr(mine, "pytestmark", []) if m.name == "xfail"]
            assert any(reasons), f"{name} is overridden without @pytest.mark.xfail(reason=...)"

    def test_plugin_module_is_light(self) -> None:
        """Listing plugins must not import a network library or OpenCV."""
        statement = self._listing()
        heavy = heavy_imports(statement)
        assert not heavy, f"{statement!r} imports {', '.join(heavy)}: import them where the component is built"

    @classmethod
    def _listing(cls) -> str:
        """Python that does what listing this component's plugin does."""
        if cls.plugin_files:
            files = ", ".join(f"pathlib.Path({str(p)!r})" for p in cls.plugin_files)
            return (
                f"import pathlib; from fspp_core.registry import load_registry; load_registry(plugin_files=[{files}])"
            )
        from importlib.metadata import distribution

        from fspp_core.hookspecs import GROUP

        owner = cls.registry().owner(cls.kind, cls.component)
        modules = sorted({e.module for e in distribution(owner.distribution).entry_points if e.group == GROUP})
        options = cls.spec().options
        return f"import {', '.join([*modules, options.__module__])}"

    def test_spec_is_sane(self) -> None:
        """Name, summary, factory, licence and weights are filled in as documented."""
        spec = self.spec()
        assert spec.kind == self.kind, f"kind is {spec.kind!r}"
        assert NAME.fullmatch(spec.name), f"name {spec.name!r}: lower case letters and digits, with single hyphens"
        assert spec.summary.strip() == spec.summary != "", "summary is empty or has spaces around"
        assert "\n" not in spec.summary, "summary must be one line"
        assert len(spec.summary) <= 120, f"summary has {len(spec.summary)} characters, at most 120"
        assert FACTORY.fullmatch(spec.factory), f"factory {spec.factory!r} is not 'module:Class'"
        assert spec.licence, "licence is empty"
        for weight in spec.weights:
            assert weight.name, "a weight file has no name"
            assert "/" not in weight.name, f"{weight.name!r} is not a file name"
            assert "\\" not in weight.name, f"{weight.name!r} is not a file name"
            digest = weight.sha256
            assert not digest or SHA256.fullmatch(digest), f"{weight.name}: sha256 {digest!r} is not lower-case hex"
            assert weight.size is None or weight.size > 0, f"{weight.name}: size {weight.size}"
            assert weight.licence, f"{weight.name}: licence is empty"
            assert weight.source, f"{weight.name}: source is empty"
            fits = weight.convert is None or FACTORY.fullmatch(weight.convert)
            assert fits, f"{weight.name}: convert {weight.convert!r} is not 'module:function'"
            assert all(u.startswith("https://") for u in weight.urls), f"{weight.name}: an address is not https"

    def test_spec_can_be_pickled(self) -> None:
        """Specs travel to other processes."""
        spec = self.spec()
        assert pickle.loads(pickle.dumps(spec)) == spec

    def test_options_are_a_frozen_dataclass(self) -> None:
        """Values cannot change under a component."""
        options = self.spec().options
        assert dataclasses.is_dataclass(options), f"{options.__name__} is not a dataclass"
        assert options.__dataclass_params__.frozen, f"{options.__name__} is not frozen"  # type: ignore[attr-defined]

    def test_schema_is_valid_and_closed(self) -> None:
        """The schema says all and allows nothing else; every option explains itself."""
        schema = self.spec().options_schema
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        assert schema["additionalProperties"] is False
        unknown = _keywords(schema) - KEYWORDS
        assert not unknown, f"unknown keywords in the schema: {', '.join(sorted(unknown))}"
        for name, entry in schema["properties"].items():
            assert entry.get("description"), f"option {name} has no description"

    def test_schema_defaults_are_the_dataclass_defaults(self) -> None:
        """One truth: what the schema promises is what the component gets, and it is valid."""
        spec = self.spec()
        properties = spec.options_schema["properties"]
        defaults = {name: entry["default"] for name, entry in properties.items()}
        assert options_dict(spec.options()) == defaults
        assert parse_options(spec.options, defaults) == spec.options()
        assert parse_options(spec.options, {}) == spec.options()

    def test_unknown_option_is_refused_with_its_path(self) -> None:
        """A misspelt option must not be ignored."""
        with pytest.raises(ConfigError, match="no_such_option"):
            self.registry().options(self.kind, self.component, {"no_such_option": 1})

    def test_presets_are_valid(self) -> None:
        """Every preset holds options the component has, with values they may have."""
        spec, registry = self.spec(), self.registry()
        names = registry.presets(self.kind, self.component)
        if spec.presets is None:
            assert not names
            return
        package, _, folder = spec.presets.partition(":")
        files = [f for f in resources.files(package).joinpath(folder).iterdir() if f.name.endswith(".json")]
        assert sorted(f.name.removesuffix(".json") for f in files) == sorted(names)
        assert names, f"{spec.presets} holds no preset"
        for file in files:
            values = json.loads(file.read_text(encoding="utf-8"))
            assert isinstance(values, dict), f"{file.name} is not an object"
            registry.options(self.kind, self.component, preset=file.name.removesuffix(".json"))

    def test_factory_resolves(self) -> None:
        """The class is where the spec says."""
        assert isinstance(resolve_name(self.spec().factory), type), f"{self.spec().factory} is not a class"

    def test_builds_with_defaults(self) -> None:
        """A user who sets nothing gets a working component."""
        close(self._build({}))

    def test_close_twice(self) -> None:
        """Closing is safe to repeat."""
        component = self.build()
        close(component)
        close(component)

    def test_no_network(self) -> None:
        """Neither building nor working opens a connection; weights are fetched by the core, on request."""
        with refused_network() as attempts:
            component = self.build()
            self.exercise(component)
            close(component)
        assert not attempts, f"the component tried {', '.join(attempts)}"

    def test_writes_nothing_outside_its_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Neither building nor working leaves files about, least of all in the working directory."""
        monkeypatch.chdir(tmp_path)
        with watched_writes(tmp_path) as strays:
            component = self.build()
            self.exercise(component)
            close(component)
        assert not strays, f"the component wrote {', '.join(map(str, strays))}"
        left = sorted(p.name for p in tmp_path.iterdir())
        assert not left, f"the component left {', '.join(left)} in the working directory"


def assert_float32(array: Any, shape: tuple[int, ...]) -> None:
    """A numpy array of that shape and dtype float32, nothing like it."""
    assert isinstance(array, np.ndarray), f"expected an array, received {type(array).__name__}"
    assert array.shape == shape, f"expected shape {shape}, received {array.shape}"
    assert array.dtype == np.float32, f"expected float32, received {array.dtype}"


def assert_within_0_and_1(array: Any, what: str) -> None:
    """Finite everywhere, and from 0 to 1."""
    finite = bool(np.isfinite(array).all())
    assert finite, f"{what} is not finite"
    low, high = float(np.min(array, initial=1)), float(np.max(array, initial=0))
    assert low >= 0, f"{what} goes down to {low}"
    assert high <= 1, f"{what} goes up to {high}"


def _keywords(schema: Mapping[str, Any]) -> set[str]:
    found = set(schema)
    for entry in schema.get("properties", {}).values():
        found |= _keywords(entry)
    if "items" in schema:
        found |= _keywords(schema["items"])
    return found
