"""Components by kind and name: what is installed, whose it is, its validated options, and how one is built."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib import resources
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, cast

from fspp_core.errors import ConfigError, FsppError, PluginError
from fspp_core.options import parse_options
from fspp_core.specs import KINDS, ComponentSpec, Kind
from fspp_core.weights.store import WeightStore

if TYPE_CHECKING:
    from fspp_core.plugins import BrokenPlugin, Owner, Plugin, Plugins

HOOKS: dict[Kind, str] = {
    "detector": "fspp_detectors",
    "aligner": "fspp_aligners",
    "masker": "fspp_maskers",
    "model": "fspp_models",
    "loss": "fspp_losses",
    "scheduler": "fspp_schedulers",
    "recognizer": "fspp_recognizers",
    "color_transfer": "fspp_color_transfers",
    "optimizer": "fspp_optimizers",
}
"""The hook that describes each kind of component."""

KNOWN: dict[tuple[Kind, str], str] = {
    ("detector", "mtcnn"): "fspp-detect-mtcnn",
    ("detector", "s3fd"): "fspp-detect-s3fd",
    ("aligner", "fan"): "fspp-align-fan",
    ("aligner", "fan-3d"): "fspp-align-fan",
    ("recognizer", "vggface2"): "fspp-identity-vggface2",
    ("recognizer", "ir-50"): "fspp-identity-vggface2",
    ("recognizer", "ir-101"): "fspp-identity-vggface2",
    ("masker", "bisenet"): "fspp-mask-bisenet",
    ("masker", "bisenet-face"): "fspp-mask-bisenet",
    ("masker", "bisenet-head"): "fspp-mask-bisenet",
    ("masker", "xseg"): "fspp-mask-xseg",
    ("model", "phaze-a"): "fspp-model-phaze-a",
    ("model", "saehd"): "fspp-model-saehd",
}
"""Our own components and the distributions they come in, so that a missing one gets the line that installs it."""

_ARTICLES = {kind: "an" if kind[0] in "aeiou" else "a" for kind in KINDS}


def install_line(distribution: str) -> str:
    """The command that installs a distribution."""
    return f"python -m pip install {distribution}"


@dataclass(frozen=True, slots=True)
class _Entry:
    spec: ComponentSpec
    plugin: Plugin


class Registry:
    """The components of loaded plugins; each (kind, name) belongs to one plugin."""

    def __init__(self, plugins: Plugins) -> None:
        """Ask every plugin for its components; one that answers wrongly, or claims a taken name, is recorded broken."""
        self._plugins = plugins
        self._entries: dict[tuple[Kind, str], _Entry] = {}
        for entry in _unrivalled(plugins, list(_described(plugins))):
            self._entries[entry.spec.kind, entry.spec.name] = entry

    @property
    def plugins(self) -> list[Plugin]:
        """Plugins that loaded, in order of loading."""
        return list(self._plugins.loaded.values())

    @property
    def broken(self) -> list[BrokenPlugin]:
        """Plugins that did not load or broke the contract."""
        return list(self._plugins.broken)

    @property
    def left_out(self) -> dict[str, Owner]:
        """Installed plugins that `FSPP_PLUGINS` leaves out, by entry point."""
        return dict(self._plugins.left_out)

    def specs(self, kind: Kind) -> list[ComponentSpec]:
        """All components of a kind, by name."""
        return sorted((e.spec for e in self._entries.values() if e.spec.kind == kind), key=lambda spec: spec.name)

    def named(self, name: str) -> list[ComponentSpec]:
        """Components of that name, whatever their kind.

        Raises:
            PluginError: when there is none.
        """
        found = [self._entries[kind, name].spec for kind in KINDS if (kind, name) in self._entries]
        if not found:
            raise self._missing(None, name)
        return found

    def spec(self, kind: Kind, name: str) -> ComponentSpec:
        """What a component says about itself.

        Raises:
            PluginError: when there is no such component: with the broken plugin's error, the line that installs it, or
                the names that are near.
        """
        return self._entry(kind, name).spec

    def owner(self, kind: Kind, name: str) -> Owner:
        """The distribution a component comes from."""
        return self._entry(kind, name).plugin.owner

    def presets(self, kind: Kind, name: str) -> list[str]:
        """Names of the presets a component ships."""
        return sorted(self._preset_files(self._entry(kind, name)))

    def options(self, kind: Kind, name: str, raw: Mapping[str, Any] | None = None, *, preset: str | None = None) -> Any:
        """Validated options of a component: `raw` over the values of the preset over the defaults.

        Raises:
            ConfigError: listing every fault with its path, or naming the presets there are.
        """
        entry = self._entry(kind, name)
        values = {} if preset is None else self._preset(entry, preset)
        return parse_options(entry.spec.options, {**values, **(raw or {})}, where=f"components.{name}.")

    def build(self, kind: Kind, name: str, raw: Mapping[str, Any] | None = None, *, preset: str | None = None) -> Any:
        """Import a component's class and build it from raw option values."""
        return self.construct(kind, name, self.options(kind, name, raw, preset=preset))

    def construct(self, kind: Kind, name: str, options: Any, *, weights: Mapping[str, Path] | None = None) -> Any:
        """Import a component's class and build it from an instance of its options.

        Args:
            weights: files by name to use in place of those in the store.

        Raises:
            PluginError: when the class cannot be imported or built, naming the distribution.
            WeightsError: when weights it needs are missing, with the command that gets them.
        """
        entry = self._entry(kind, name)
        if not isinstance(options, entry.spec.options):
            raise PluginError(
                f"{kind} {name!r} is built from {entry.spec.options.__name__}, and got {type(options).__name__}"
            )
        try:
            if weights is None:
                weights = WeightStore().paths(entry.spec.weights)
            factory = resolve_name(entry.spec.factory)
            return factory(options, weights) if weights else factory(options)
        except FsppError as error:
            error.add_note(f"while building {kind} {name!r} of {entry.plugin.owner}")
            raise
        except Exception as error:
            raise PluginError(
                f"{kind} {name!r} of {entry.plugin.owner} cannot be built: {type(error).__name__}: {error}"
            ) from error

    def call(self, event_name: str, **arguments: Any) -> None:
        """Call an event hook of every plugin.

        Raises:
            PluginError: when one of them fails, naming it.
        """
        self._plugins.fire(event_name, **arguments)

    def ask(self, plugin: Plugin, hook: str, **arguments: Any) -> Any:
        """Call a hook of one plugin.

        Raises:
            PluginError: when it fails; it is then recorded as broken.
        """
        return self._plugins.ask(plugin, hook, **arguments)

    def _entry(self, kind: Kind, name: str) -> _Entry:
        entry = self._entries.get((kind, name))
        if entry is None:
            raise self._missing(kind, name)
        return entry

    def _missing(self, kind: Kind | None, name: str) -> PluginError:
        """The most useful thing to say about a component that is not there."""
        what = f"{kind or 'component'} {name!r}"
        others = [other for other in KINDS if (other, name) in self._entries]
        if others:
            are = " and ".join(f"{_ARTICLES[other]} {other}" for other in others)
            return PluginError(f"{name!r} is {are}, not {_ARTICLES[cast(Kind, kind)]} {kind}; {self._names(kind)}")
        known = {home for (k, n), home in KNOWN.items() if n == name and kind in (None, k)}
        for record in self.broken:
            if record.distribution in known or _belongs(record.entry_point, name):
                error = PluginError(f"{what} belongs to a broken plugin: {record}; try: fspp plugins why {name}")
                error.__cause__ = record.error
                return error
        for entry_point, owner in self.left_out.items():
            if owner.distribution in known or _belongs(entry_point, name):
                return PluginError(f"{what} belongs to {owner}, which FSPP_PLUGINS leaves out; add {entry_point} to it")
        if known:
            return PluginError(f"{what} is not installed: {install_line(min(known))}")
        candidates = {n for k, n in (*self._entries, *KNOWN) if kind in (None, k)}
        near = get_close_matches(name, sorted(candidates), n=3)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else self._names(kind)
        return PluginError(f"there is no {what}; {hint}")

    def _names(self, kind: Kind | None) -> str:
        names = sorted({n for k, n in self._entries if kind in (None, k)})
        return f"installed {_plural(kind or 'component')}: {', '.join(names) or 'none'}"

    def _preset_files(self, entry: _Entry) -> dict[str, Any]:
        if entry.spec.presets is None:
            return {}
        package, _, folder = entry.spec.presets.partition(":")
        try:
            files = list(resources.files(package).joinpath(folder).iterdir())
        except (ImportError, OSError) as error:
            raise PluginError(
                f"the presets of {entry.spec.name!r} ({entry.plugin.owner}) are not at {entry.spec.presets!r}: {error}"
            ) from error
        return {file.name.removesuffix(".json"): file for file in files if file.name.endswith(".json")}

    def _preset(self, entry: _Entry, preset: str) -> dict[str, Any]:
        files = self._preset_files(entry)
        if preset not in files:
            listed = ", ".join(sorted(files)) or "none"
            raise ConfigError(f"{entry.spec.kind} {entry.spec.name!r} has no preset {preset!r}; its presets: {listed}")
        where = f"preset {preset!r} of {entry.spec.name!r} ({entry.plugin.owner})"
        try:
            values = json.loads(files[preset].read_text(encoding="utf-8"))
        except ValueError as error:
            raise PluginError(f"{where} is not valid JSON: {error}") from error
        if not isinstance(values, dict):
            raise PluginError(f"{where} is not a JSON object")
        parse_options(entry.spec.options, values, where=f"{where}: ")
        return values


@lru_cache(maxsize=16)
def _load(files: tuple[Path, ...], only: frozenset[str] | None, trace: bool) -> Registry:
    from fspp_core.plugins import load_plugins

    return Registry(load_plugins(files, only=only, trace=trace))


def load_registry(*, plugin_files: Sequence[Path] = ()) -> Registry:
    """The registry of all installed plugins, loaded once in a process for the same arguments and environment.

    Args:
        plugin_files: Python files that each are a plugin, for research.

    Raises:
        PluginError: when one of `plugin_files` is broken; an installed plugin that is broken is only recorded.
    """
    from fspp_core.plugins import from_environment

    return _load(tuple(Path(file) for file in plugin_files), *from_environment())


def _described(plugins: Plugins) -> Iterator[_Entry]:
    """Everything plugins say they have; those that say it wrongly are rejected."""
    for kind, hook in HOOKS.items():
        for plugin, answer in plugins.each(hook):
            faults = _faults(kind, hook, answer)
            if faults:
                plugins.reject(plugin.entry_point, plugin.owner, PluginError("; ".join(faults)))
            else:
                yield from (_Entry(spec, plugin) for spec in answer or ())


def _faults(kind: Kind, hook: str, answer: Any) -> list[str]:
    if answer is None:
        return []
    if not isinstance(answer, list) or not all(isinstance(spec, ComponentSpec) for spec in answer):
        return [f"{hook} must return a list of ComponentSpec. Received: {answer!r}"]
    faults = []
    for spec in answer:
        if spec.kind != kind:
            faults.append(f"{hook} returned {spec.name!r} of kind {spec.kind!r}")
        if not is_dataclass(spec.options):
            faults.append(f"options of {spec.name!r} must be a dataclass type. Received: {spec.options!r}")
    return faults


def _unrivalled(plugins: Plugins, entries: Iterable[_Entry]) -> Iterator[_Entry]:
    """Entries of the plugins that are left when those that claim the same name are rejected; core keeps its names."""
    from fspp_core.plugins import CORE

    claims: defaultdict[tuple[Kind, str], list[Plugin]] = defaultdict(list)
    entries = list(entries)
    for entry in entries:
        claims[entry.spec.kind, entry.spec.name].append(entry.plugin)
    for (kind, name), claimants in claims.items():
        if len(claimants) < 2:
            continue
        who = " and ".join(f"{plugin.entry_point} ({plugin.owner})" for plugin in claimants)
        error = PluginError(f"the {kind} name {name!r} is claimed by {who}; uninstall all but one")
        for plugin in claimants:
            if plugin.entry_point != CORE and plugin.entry_point in plugins.loaded:
                plugins.reject(plugin.entry_point, plugin.owner, error)
    return (entry for entry in entries if entry.plugin.entry_point in plugins.loaded)


def _plural(word: str) -> str:
    return f"{word}es" if word.endswith("s") else f"{word}s"


def _belongs(entry_point: str, name: str) -> bool:
    """Whether a component may come from a plugin that could not say so: entry points are called kind_name."""
    flat = name.replace("-", "_")
    return entry_point == flat or entry_point.endswith(f"_{flat}")
