"""One job's settings: defaults, under the project file `fspp.toml`, under the command line; each value with its origin.

    [extract]
    media = "clip.mp4"          # paths are relative to the project file
    output = "faces"
    every = 2                   # any field of ExtractOptions

    [components.mtcnn]
    min_face = 40               # any option of the component

The environment sets nothing. Everything that is wrong is said at once, each fault with its path.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fspp_core.errors import ConfigError, PluginError
from fspp_core.jobs import JOBS, Job
from fspp_core.masks.parsing import parse_mask
from fspp_core.options import option_faults, options_dict, parse_options, schema_of
from fspp_core.specs import KINDS

if TYPE_CHECKING:
    from fspp_core.registry import Registry

PROJECT_FILE = "fspp.toml"
DEFAULT = "default"
COMMAND_LINE = "command line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One value of a job, such as `extract.every`, and where it is from."""

    path: str
    value: Any
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project file as read, not yet checked; empty when there is none."""

    file: Path | None = None
    tables: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """How messages call it."""
        return PROJECT_FILE if self.file is None else str(self.file)

    def table(self, *names: str) -> Mapping[str, Any]:
        """A table by its path, empty when it is not there."""
        found: Any = self.tables
        for name in names:
            found = found.get(name, {}) if isinstance(found, Mapping) else {}
        return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A job with every setting checked and decided.

    Attributes:
        places: files and folders by name; those not given are missing.
        options: instance of the job's options class.
        components: raw option values by component name, as the pipelines take them.
        settings: all values with their origins.
    """

    job: Job
    places: Mapping[str, Path]
    options: Any
    components: Mapping[str, Mapping[str, Any]]
    settings: tuple[Setting, ...]


def read_project(file: Path | None = None) -> Project:
    """Read a project file; by default `fspp.toml` in the current folder, if it is there.

    Raises:
        ConfigError: when `file` is missing, or is not TOML.
    """
    wanted = Path(PROJECT_FILE) if file is None else file
    if file is None and not wanted.is_file():
        return Project()
    try:
        return Project(file=wanted, tables=tomllib.loads(wanted.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise ConfigError(f"{wanted}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(f"{wanted}: not valid TOML: {error}") from error


def project_schema(registry: Registry) -> dict[str, Any]:
    """Closed JSON Schema (2020-12) of a project file with the installed components."""
    properties = {name: _job_schema(job) for name, job in JOBS.items()}
    components: dict[str, Any] = {}
    for name in sorted({spec.name for kind in KINDS for spec in registry.specs(kind)}):
        schemas = [_inner(spec.options) for spec in registry.named(name)]
        components[name] = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    properties["components"] = {
        "description": "Options of components, by component name.",
        **_closed(components),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fspp project file",
        **_closed(properties),
    }


def project_faults(project: Project, registry: Registry) -> list[str]:
    """Everything wrong with a project file, each fault with its path."""
    start = f"{project.label}: "
    faults = []
    for name, table in project.tables.items():
        if name not in (*JOBS, "components"):
            faults.append(f"{start}{name}: unknown table{_near(name, (*JOBS, 'components'))}")
        elif not isinstance(table, Mapping):
            faults.append(f"{start}{name}: must be a table. Received: {table!r}")
        elif name in JOBS:
            faults += _job_faults(JOBS[name], table, registry, f"{start}{name}.")
        else:
            faults += component_faults(table, registry, f"{start}components.")
    return faults


def component_faults(components: Mapping[str, Any], registry: Registry, where: str) -> list[str]:
    """Everything wrong with option values by component name."""
    faults = []
    for name, values in components.items():
        try:
            specs = registry.named(name)
        except PluginError as error:
            faults.append(f"{where}{name}: {error}")
            continue
        if not isinstance(values, Mapping):
            faults.append(f"{where}{name}: must be a table. Received: {values!r}")
            continue
        by_kind = [option_faults(spec.options, values, where=f"{where}{name}.") for spec in specs]
        faults += sorted(by_kind, key=len)[0]  # components of different kinds may share a name: fitting one is enough
    return faults


def settle(
    job: Job,
    project: Project,
    registry: Registry,
    *,
    places: Mapping[str, Path] | None = None,
    options: Mapping[str, Any] | None = None,
    components: Mapping[str, Mapping[str, Any]] | None = None,
    faults: Iterable[str] = (),
) -> Settled:
    """Lay the command line over the project file over the defaults.

    Args:
        places: files and folders given on the command line, by name.
        options: option values given on the command line.
        components: component options given on the command line, by component name.
        faults: what is already known to be wrong with the command line.

    Raises:
        ConfigError: listing every fault of the project file and the command line.
    """
    places, options, components = places or {}, options or {}, components or {}
    faults = [*project_faults(project, registry), *faults]
    faults += [_as_flag(fault) for fault in option_faults(job.options, options)]
    faults += [_as_flag(fault) for fault in _unknown_components(job, options, registry, "")]
    faults += component_faults(components, registry, "-o ")
    if faults:
        raise ConfigError("\n".join(faults))
    filed = {key: _resolved(job, project, key, value) for key, value in project.table(job.name).items()}
    all_places = {name: filed.pop(name) for name in job.places if name in filed} | dict(places)
    chosen = parse_options(job.options, {**filed, **options}, where=f"{job.name}.")
    merged = {
        name: {**project.table("components", name), **components.get(name, {})}
        for name in (*project.table("components"), *components)
    }
    values = {name: str(all_places[name]) if name in all_places else None for name in job.places}
    values |= options_dict(chosen)
    origins = dict.fromkeys(project.table(job.name), project.label) | dict.fromkeys((*places, *options), COMMAND_LINE)
    settings = [Setting(path=f"{job.name}.{k}", value=v, origin=origins.get(k, DEFAULT)) for k, v in values.items()]
    settings += _component_settings(job, chosen, registry, project, components)
    return Settled(job=job, places=all_places, options=chosen, components=merged, settings=tuple(settings))


def require_places(settled: Settled, project: Project) -> list[Path]:
    """The job's files and folders in order.

    Raises:
        ConfigError: naming all that are not given.
    """
    missing = [name for name in settled.job.places if name not in settled.places]
    if missing:
        lines = [
            f"{name.upper()} is not given: {settled.job.places[name]} Give it on the command line, or as `{name}` "
            f"under [{settled.job.name}] in {project.label}"
            for name in missing
        ]
        raise ConfigError("\n".join(lines))
    return [settled.places[name] for name in settled.job.places]


def _component_settings(
    job: Job, options: Any, registry: Registry, project: Project, given: Mapping[str, Mapping[str, Any]]
) -> Iterator[Setting]:
    """Settings of the components the job uses, as far as they are installed."""
    named = [(kind, name) for key, kind in job.uses.items() for name in _names(getattr(options, key, None))]
    named += [(kind, name) for key, kind in job.may_use.items() for name in _mask_names(getattr(options, key, None))]
    for kind, name in dict.fromkeys(named):
        try:
            spec = registry.spec(kind, name)
        except PluginError:  # not a component, or a default that is not installed: the job itself says so
            continue
        preset = getattr(options, "preset", None) if kind == "model" else None
        filed, typed = project.table("components", name), given.get(name, {})
        plain = options_dict(spec.options())
        for option, value in options_dict(registry.options(kind, name, {**filed, **typed}, preset=preset)).items():
            origin = DEFAULT if value == plain[option] else f"preset {preset}"
            origin = project.label if option in filed else origin
            origin = COMMAND_LINE if option in typed else origin
            yield Setting(path=f"components.{name}.{option}", value=value, origin=origin)


def _job_faults(job: Job, table: Mapping[str, Any], registry: Registry, where: str) -> list[str]:
    options = {key: value for key, value in table.items() if key not in job.places}
    faults = [
        f"{where}{name}: must be a path in quotes. Received: {table[name]!r}"
        for name in job.places
        if name in table and not (isinstance(table[name], str) and table[name])
    ]
    faults += option_faults(job.options, options, where=where)
    return faults + _unknown_components(job, options, registry, where)


def _unknown_components(job: Job, options: Mapping[str, Any], registry: Registry, where: str) -> list[str]:
    faults = []
    for key, kind in job.uses.items():
        for name in _names(options.get(key)):
            try:
                registry.spec(kind, name)
            except PluginError as error:
                faults.append(f"{where}{key}: {error}")
    for key in job.may_use:
        try:
            _mask_names(options.get(key), where=f"{where}{key}")
        except ConfigError as error:
            faults.append(str(error))
    return faults


def _mask_names(value: Any, *, where: str = "mask") -> tuple[str, ...]:
    """Names in a mask expression, which may be those of stored masks or of maskers.

    Raises:
        ConfigError: when it cannot be read.
    """
    return parse_mask(value, where=where).names if isinstance(value, str) else ()


def _names(value: Any) -> list[str]:
    """Component names in an option's value: one name, or several, each of which may carry a weight as name=1.0."""
    words: Iterable[Any] = [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else []
    return [word.partition("=")[0].strip() for word in words if isinstance(word, str)]


def _as_flag(fault: str) -> str:
    key, colon, rest = fault.partition(":")
    return f"--{key.replace('_', '-')}{colon}{rest}"


def _near(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"


def _resolved(job: Job, project: Project, key: str, value: Any) -> Any:
    """A value of the project file; paths are relative to the file."""
    if project.file is None or key not in (*job.places, *job.paths):
        return value
    if isinstance(value, list):
        return [_resolved(job, project, key, item) for item in value]
    if not isinstance(value, str):
        return value
    path = project.file.parent / Path(value).expanduser()
    return path if key in job.places else str(path)


def _closed(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": dict(properties)}


def _inner(options: type[Any]) -> dict[str, Any]:
    schema = schema_of(options)
    del schema["$schema"]
    return schema


def _job_schema(job: Job) -> dict[str, Any]:
    schema = _inner(job.options)
    places = {
        name: {"type": "string", "minLength": 1, "title": name.replace("_", " ").capitalize(), "description": text}
        for name, text in job.places.items()
    }
    clash = set(places) & {f.name for f in fields(job.options)}
    if clash:
        raise ConfigError(f"{job.options_class}: {', '.join(sorted(clash))} already names a place of {job.name}")
    return {**schema, "description": job.summary, "properties": {**places, **schema["properties"]}}
