"""The one module that loads plugins: stevedore imports them, pluggy checks them, a broken one is recorded.

A plugin states the contract it was made for as `FSPP_API = 1` at the top level of its module. That line is read from
the module's source, without importing the module or its package, so that a plugin made for another contract never
runs. (The dependency range on fspp-core is pip's to enforce, and a single file has none.)

Environment: `FSPP_PLUGINS=a,b` loads only these, by entry point or distribution; `FSPP_TRACE_PLUGINS=1` logs every
hook call.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.machinery
import importlib.util
import logging
import os
import re
import sys
import traceback
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
from stevedore.named import NamedExtensionManager

import fspp_core
from fspp_core import hookspecs
from fspp_core.errors import PluginError
from fspp_core.specs import API_VERSION

LOG = logging.getLogger(__name__)
TRACE = logging.getLogger(f"{__name__}.trace")

CORE = "core"
"""Entry point of fspp-core itself: loaded first, cannot be left out, and its components' names cannot be taken."""
ONLY = "FSPP_PLUGINS"
TRACING = "FSPP_TRACE_PLUGINS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose plugin it is: a distribution and its version, or a single file and the digest of its content."""

    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A plugin that loaded."""

    entry_point: str
    owner: Owner
    module: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenPlugin:
    """A plugin that did not load, or broke the contract afterwards."""

    entry_point: str
    distribution: str
    version: str
    error: Exception

    @property
    def reason(self) -> str:
        """The error as one would read it at the end of a traceback, or only its message if it is fspp's own."""
        if isinstance(self.error, PluginError):
            return str(self.error)
        return f"{type(self.error).__name__}: {self.error}"

    def __str__(self) -> str:
        return f"{self.entry_point} ({self.distribution} {self.version}): {self.reason}"


@dataclass(slots=True)
class Plugins:
    """The plugins of this process: those that loaded, those that are broken, those the environment leaves out."""

    manager: pluggy.PluginManager
    loaded: dict[str, Plugin] = field(default_factory=dict)
    broken: list[BrokenPlugin] = field(default_factory=list)
    left_out: dict[str, Owner] = field(default_factory=dict)

    def add(self, name: str, owner: Owner, load: Callable[[], Any]) -> None:
        """Load one plugin and hold it to the contract; record it as broken if anything is wrong with it."""
        try:
            module = load()
            other = self.manager.get_name(module)
            if other is not None:
                raise PluginError(f"names the same module as the entry point {other}; keep one of them")
            self.manager.register(module, name=name)
            self._check_hooks(module)
        except Exception as error:  # noqa: BLE001 - plugin code may raise anything
            self.reject(name, owner, error)
        else:
            self.loaded[name] = Plugin(entry_point=name, owner=owner, module=module)

    def reject(self, name: str, owner: Owner, error: Exception) -> None:
        """Record a plugin as broken and make sure that none of its hooks is called again."""
        if self.manager.has_plugin(name):  # pluggy 1.6 leaves half-registered plugins behind
            self.manager.unregister(name=name)
        self.loaded.pop(name, None)
        record = BrokenPlugin(entry_point=name, distribution=owner.distribution, version=owner.version, error=error)
        self.broken.append(record)
        LOG.warning("plugin %s", record)
        LOG.debug("traceback of plugin %s", name, exc_info=error)

    def ask(self, plugin: Plugin, hook: str, **arguments: Any) -> Any:
        """Call a hook of one plugin; None when it does not implement it.

        Raises:
            PluginError: when the plugin raises; it is then recorded as broken.
        """
        others = [other.module for other in self.loaded.values() if other is not plugin]
        caller = self.manager.subset_hook_caller(hook, others)
        try:
            [answer] = caller(**arguments) or [None]
        except Exception as error:
            self.reject(plugin.entry_point, plugin.owner, error)
            raise PluginError(str(self.broken[-1])) from error
        return answer

    def each(self, hook: str, **arguments: Any) -> Iterator[tuple[Plugin, Any]]:
        """Call a hook one plugin at a time, in order of loading; one that raises is rejected, the others go on."""
        for plugin in list(self.loaded.values()):
            with suppress(PluginError):
                yield plugin, self.ask(plugin, hook, **arguments)

    def fire(self, event: str, **arguments: Any) -> None:
        """Call an event hook of all plugins.

        Raises:
            PluginError: when one of them raises, naming it.
        """
        hook: pluggy.HookCaller = getattr(self.manager.hook, event)
        if not hook.get_hookimpls():
            return
        try:
            hook(**arguments)
        except Exception as error:
            name = _raiser(hook, error)
            if name is None:
                raise
            who = self.loaded[name].owner
            raise PluginError(
                f"plugin {name} ({who}) failed in its hook {event}: {type(error).__name__}: {error}; "
                f"uninstall or update it, or leave it out with {ONLY}"
            ) from error

    def _check_hooks(self, module: Any) -> None:
        known = sorted(name for name in vars(hookspecs) if name.startswith("fspp_"))
        faults = []
        implemented = self.manager.get_hookcallers(module) or []
        for caller in implemented:
            wanted = any(impl.plugin is module and not impl.optionalhook for impl in caller.get_hookimpls())
            if wanted and not caller.has_spec():
                near = get_close_matches(caller.name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
                faults.append(f"implements the unknown hook {caller.name}; {hint}")
        for name in known:
            function = getattr(module, name, None)
            if callable(function) and not hasattr(function, f"{hookspecs.PROJECT}_impl"):
                faults.append(f"defines {name} without @hookimpl")
        if not implemented and not faults:
            faults.append("implements no hook; mark its functions with @hookimpl from fspp_core.hookspecs")
        if faults:
            raise PluginError("; ".join(faults))


def load_plugins(files: Sequence[Path] = (), *, only: Collection[str] | None = None, trace: bool = False) -> Plugins:
    """Load core, then the installed plugins in order of their names, then single files.

    Args:
        files: Python files that each are a plugin, for research.
        only: entry points or distributions to load besides core; None for all.
        trace: log every hook call to `fspp_core.plugins.trace`.

    Raises:
        PluginError: when one of `files` is missing or broken; an installed plugin that is broken is only recorded.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    if trace:
        manager.add_hookcall_monitoring(_log_call, _log_answer)
    plugins = Plugins(manager)
    plugins.add(CORE, _core(), lambda: importlib.import_module(f"{fspp_core.__name__}.plugin"))
    for name, points in sorted(_installed().items()):
        owners = [_owner(point) for point in points]
        if only is not None and not {name, *(owner.distribution for owner in owners)} & set(only):
            plugins.left_out[name] = owners[0]
        elif name == CORE or len(points) > 1:
            claims = [_core(), *owners] if name == CORE else owners
            error = PluginError(f"the entry point name {name!r} is taken by {_listed(claims)}; uninstall all but one")
            for owner in owners:
                plugins.reject(name if name != CORE else f"{CORE} (of {owner.distribution})", owner, error)
        else:
            plugins.add(name, owners[0], partial(_load, points[0]))
    _record_unknown(plugins, only or ())
    for file in files:
        _add_file(plugins, file)
    return plugins


def from_environment() -> tuple[frozenset[str] | None, bool]:
    """What the environment asks of `load_plugins`: `only` and `trace`."""
    names = os.environ.get(ONLY)
    only = None if names is None else frozenset(part.strip() for part in names.split(",") if part.strip())
    return only, os.environ.get(TRACING, "") not in ("", "0")


def _installed() -> dict[str, list[EntryPoint]]:
    found: defaultdict[str, list[EntryPoint]] = defaultdict(list)
    points = entry_points(group=hookspecs.GROUP)  # not stevedore's: those have forgotten their distribution
    for point in sorted(points, key=lambda point: str(_owner(point))):
        if not (point.name == CORE and _owner(point).distribution == _core().distribution):
            found[point.name].append(point)
    return found


def _core() -> Owner:
    return Owner(distribution="fspp-core", version=fspp_core.__version__)


def _owner(point: EntryPoint) -> Owner:
    if point.dist is None:
        return Owner(distribution="unknown distribution", version="?")
    return Owner(distribution=point.dist.name, version=point.dist.version)


def _listed(owners: Sequence[Owner]) -> str:
    return " and ".join(str(owner) for owner in owners)


def _load(point: EntryPoint) -> Any:
    source = source_of(point.module)
    if source is not None:  # else importing it says best what is missing
        check_api(source, point.module)

    def reraise(_manager: object, _point: object, error: BaseException) -> None:  # stevedore would log it and go on
        raise error

    found = NamedExtensionManager(
        hookspecs.GROUP, [point.name], on_load_failure_callback=reraise, on_missing_entrypoints_callback=None
    ).extensions
    if len(found) != 1:
        raise PluginError(f"the entry point {point.name!r} was installed while fspp was running; start fspp again")
    return found[0].plugin


def source_of(module: str) -> str | None:
    """Source of a module that may not be imported yet, found without importing it or the packages it lies in.

    Raises:
        PluginError: when the module is there, but its source is not.
    """
    path: Sequence[str] | None = None
    spec: importlib.machinery.ModuleSpec | None = None
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        name = ".".join(parts[:depth])
        finders = (finder.find_spec(name, path) for finder in sys.meta_path)
        spec = next((found for found in finders if found is not None), None)
        if spec is None:
            return None
        path = spec.submodule_search_locations or []
    read = getattr(spec and spec.loader, "get_source", None)
    source: str | None = read(module) if read is not None else None
    if source is None:
        raise PluginError(f"{module} has no readable source, so the plugin contract it was made for cannot be checked")
    return source


def check_api(source: str, module: str) -> None:
    """Refuse a plugin module by its source when it was made for another contract.

    Raises:
        PluginError: naming both versions, or saying that none is stated.
    """
    for statement in ast.parse(source, module).body:
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        else:
            continue
        if any(isinstance(target, ast.Name) and target.id == "FSPP_API" for target in targets):
            stated = ast.unparse(value)
            if stated != str(API_VERSION):
                raise PluginError(
                    f"{module} was made for plugin API {stated}, and fspp-core {fspp_core.__version__} has plugin API "
                    f"{API_VERSION}; install the release of the plugin that goes with it, or another fspp-core"
                )
            return
    raise PluginError(f"{module} does not state the plugin API it was made for; add the line FSPP_API = {API_VERSION}")


def _add_file(plugins: Plugins, file: Path) -> None:
    if not file.is_file():
        raise PluginError(f"--plugin {file}: there is no such file")
    content = file.read_bytes()
    owner = Owner(distribution=str(file), version=f"sha256:{hashlib.sha256(content).hexdigest()[:12]}")
    place = hashlib.sha256(str(file.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    name = f"fspp_file_{re.sub(r'[^0-9a-zA-Z]', '_', file.stem)}_{place}"
    plugins.add(name, owner, lambda: _import_file(name, file, content))
    raise_if_broken(plugins, name)


def raise_if_broken(plugins: Plugins, entry_point: str) -> None:
    """Raise what is wrong with a plugin that was asked for by name."""
    for record in plugins.broken:
        if record.entry_point == entry_point:
            raise PluginError(f"{record.distribution}: {record.reason}") from record.error


def _import_file(name: str, file: Path, content: bytes) -> ModuleType:
    check_api(importlib.util.decode_source(content), str(file))
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise PluginError(f"{file} is not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where "module:Class" of its components is looked up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _record_unknown(plugins: Plugins, only: Collection[str]) -> None:
    seen = {record.entry_point for record in plugins.broken} | {record.distribution for record in plugins.broken}
    seen |= {*plugins.loaded, *(plugin.owner.distribution for plugin in plugins.loaded.values())}
    for name in sorted(set(only) - seen):
        error = PluginError(f"{ONLY} names {name!r}, and no plugin or distribution of that name is installed")
        plugins.reject(name, Owner(distribution="not installed", version="-"), error)


def _raiser(hook: pluggy.HookCaller, error: Exception) -> str | None:
    """The plugin whose implementation was running when `error` came up."""
    code = {getattr(impl.function, "__code__", None): impl.plugin_name for impl in hook.get_hookimpls()}
    return next((code[f.f_code] for f, _ in traceback.walk_tb(error.__traceback__) if f.f_code in code), None)


def _log_call(name: str, _impls: Sequence[pluggy.HookImpl], arguments: Any) -> None:
    TRACE.info("call %s(%s)", name, ", ".join(f"{key}={value!r}" for key, value in arguments.items()))


def _log_answer(outcome: Any, name: str, impls: Sequence[pluggy.HookImpl], _arguments: Any) -> None:
    said = repr(outcome.exception) if outcome.exception is not None else repr(outcome.get_result())
    TRACE.info("done %s by %s: %s", name, ", ".join(impl.plugin_name for impl in impls) or "nobody", said)
