"""Everything one extraction is put together from: frames, components and their options, checked before any work."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fspp_core import backend
from fspp_core.alignments import MediaRecord
from fspp_core.concurrency import close
from fspp_core.errors import ConfigError
from fspp_core.extraction.alignment.aligning import Aligning, check_aligner
from fspp_core.extraction.detection.import_file import ImportFile, read_import
from fspp_core.extraction.detection.turning import angles_of
from fspp_core.extraction.identity.identity_filter import threshold
from fspp_core.extraction.identity.references import digests, reference_files, reference_vectors
from fspp_core.extraction.options import ExtractOptions
from fspp_core.interfaces import Aligner, Detector, Masker, Recognizer
from fspp_core.media import MediaInfo, MediaReader
from fspp_core.options import options_dict, schema_of
from fspp_core.registry import Registry
from fspp_core.specs import Kind
from fspp_core.types import FloatArray

LOG = logging.getLogger(__name__)

Components = Mapping[str, Mapping[str, Any]]

_SHARED = ("engine", "precision")
"""Options that components take over from the extraction."""
_UNSEEN = frozenset({"batch_size", "workers", "overwrite", "accept_damage", "profile"})
"""Options that do not change what is found."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tools:
    """The components of an extraction, built.

    Attributes:
        detector: None where what it would find is imported.
        aligner: likewise.
        maskers: by name.
        recognizers: by name, in the order given.
        references: descriptions (n, d) float32 of the faces in the pictures of "filter" and "nfilter", by the first of
            the recognizers; without those that are not given.
    """

    detector: Detector | None
    aligner: Aligner | None
    maskers: Mapping[str, Masker]
    recognizers: Mapping[str, Recognizer] = field(default_factory=dict)
    references: Mapping[str, FloatArray] = field(default_factory=dict)

    def warm_up(self, info: MediaInfo) -> None:
        """Let a detector that can be warmed up compile for the frames of a video before the first one is there."""
        warm_up = getattr(self.detector, "warm_up", None)
        if warm_up is not None and info.kind == "video":  # pictures of a folder may each have their own size
            warm_up(info.height, info.width)

    def close(self) -> None:
        """Close the components that can be closed."""
        for component in (self.detector, self.aligner, *self.maskers.values(), *self.recognizers.values()):
            close(component)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """One extraction.

    Attributes:
        options: of the extraction.
        chosen: options instances of its components, by kind and name.
        versions: of the packages that matter and the distributions in use.
        owners: of these, the distributions in use.
        registry: where the components come from.
        imported: the faces to take instead of looking for them.
        references: the pictures of "filter" and "nfilter"; without those that are not given.
    """

    options: ExtractOptions
    chosen: Mapping[tuple[Kind, str], Any]
    versions: Mapping[str, str]
    owners: Mapping[str, str]
    registry: Registry
    imported: ImportFile | None = None
    references: Mapping[str, Sequence[Path]] = field(default_factory=dict)

    @property
    def components(self) -> dict[str, dict[str, Any]]:
        """Options of the components in use, by name, defaults included."""
        return {name: options_dict(options) for (_, name), options in self.chosen.items()}

    @property
    def settings(self) -> dict[str, Any]:
        """All that what is found depends on besides the footage, as plain JSON."""
        options = {name: value for name, value in options_dict(self.options).items() if name not in _UNSEEN}
        if self.imported is not None:  # its content counts, wherever it lies
            options["import_from"] = f"sha256:{self.imported.digest}"
        options |= digests(self.references)  # likewise
        return {"options": options, "components": self.components, "versions": dict(self.owners)}

    def build(self) -> Tools:
        """Import and build the components.

        Raises:
            PluginError: when one cannot be.
            ConfigError: when the aligner cannot do the second pass that the options ask for, or a reference picture
                shows no face.
        """

        def built(kind: Kind, name: str) -> Any:
            options = self.chosen.get((kind, name))
            return None if options is None else self.registry.construct(kind, name, options)

        aligner = built("aligner", self.options.aligner)
        if aligner is not None:
            check_aligner(self.options, aligner)
        detector = built("detector", self.options.detector)
        recognizers = {name: built("recognizer", name) for name in self.options.recognizers}
        return Tools(
            detector=detector,
            aligner=aligner,
            maskers={name: built("masker", name) for name in self.options.maskers},
            recognizers=recognizers,
            references=self._described(detector, aligner, recognizers),
        )

    def _described(
        self, detector: Detector | None, aligner: Aligner | None, recognizers: Mapping[str, Recognizer]
    ) -> dict[str, FloatArray]:
        """The faces of the reference pictures, described."""
        if not self.references:
            return {}
        align = None if aligner is None else Aligning(aligner=aligner, options=self.options, detector=detector)
        name = self.options.recognizers[0]
        threshold(self.options, recognizers[name])
        return reference_vectors(self.references, detector, align, name, recognizers[name])


def make_plan(options: ExtractOptions, components: Components, registry: Registry) -> Plan:
    """Find the components and check their options; nothing heavy is imported.

    Raises:
        PluginError: for a component that is not there.
        ConfigError: for options that do not fit, a component given twice, or reference pictures that are not there.
        AlignmentsError: for a file of faces to import that cannot be read or does not fit.
    """
    _check_import(options)
    angles_of(options)
    _check_filters(options)
    for given, names in (("maskers", options.maskers), ("recognizers", options.recognizers)):
        if len(set(names)) < len(names):
            raise ConfigError(f"{given}: each can be given once; received {', '.join(names)}")
    references = reference_files(options)
    imported = None if options.import_from is None else read_import(Path(options.import_from))
    used: list[tuple[Kind, str]] = [("masker", name) for name in options.maskers]
    used += [("recognizer", name) for name in options.recognizers]
    if imported is None or not imported.complete:
        used.insert(0, ("aligner", options.aligner))
        if imported is None or options.second_pass == "detector":
            used.insert(0, ("detector", options.detector))
    _warn_of_idle(options, used, registry)
    owners = {"fspp-core": backend.versions()["fspp-core"]}
    chosen = {}
    for kind, name in used:
        chosen[kind, name] = with_shared(options, kind, name, components.get(name, {}), registry)
        owner = registry.owner(kind, name)
        owners[owner.distribution] = owner.version
    return Plan(
        options=options,
        chosen=chosen,
        versions={**backend.versions(), **owners},
        owners=owners,
        registry=registry,
        imported=imported,
        references=references,
    )


def with_shared(options: Any, kind: Kind, name: str, given: Mapping[str, Any], registry: Registry) -> Any:
    """A component's options, with the job's own "engine" and "precision" where it has such and they are not given."""
    own = registry.options(kind, name, given)
    shared = {key: getattr(options, key) for key in _SHARED if key not in given and hasattr(own, key)}
    wanted = {key: value for key, value in shared.items() if value is not None}
    return registry.options(kind, name, {**given, **wanted}) if wanted else own


def _warn_of_idle(options: ExtractOptions, used: Sequence[tuple[Kind, str]], registry: Registry) -> None:
    """Say which of the options for networks no component in use has."""
    known = {key for kind, name in used for key in schema_of(registry.spec(kind, name).options)["properties"]}
    idle = [f"{key} {getattr(options, key)}" for key in _SHARED if getattr(options, key) and key not in known]
    if idle:
        names = ", ".join(name for _, name in used)
        LOG.warning("%s: none of the components in use leaves the choice (%s)", ", ".join(idle), names)


def _check_filters(options: ExtractOptions) -> None:
    """Refuse limits that no face can keep."""
    least, most = options.filter_min_scale, options.filter_max_scale
    if 0 < most < least:
        raise ConfigError(f"filter_min_scale, filter_max_scale: no face is larger than {least} and smaller than {most}")


def _check_import(options: ExtractOptions) -> None:
    """Refuse options that say how to detect where nothing is detected."""
    given = {"rotate": options.rotate, "rotate_step": options.rotate_step, "detect_every": options.detect_every > 1}
    idle = [name for name, value in given.items() if value]
    if options.import_from is not None and idle:
        raise ConfigError(
            f"import_from: faces are taken from {options.import_from}, so that no detector runs; leave out "
            f"{', '.join(idle)}"
        )


def wanted_frames(info: MediaInfo, options: ExtractOptions) -> range:
    """Indices of the frames to look at.

    Raises:
        ConfigError: when there are none.
    """
    stop = info.frame_count if options.stop is None else min(options.stop, info.frame_count)
    wanted = range(options.start, stop, options.every)
    if not wanted:
        raise ConfigError(
            f"start, stop: there is no frame from {options.start} to before {stop}; "
            f"{info.path.name} has frames 0 to {info.frame_count - 1}"
        )
    return wanted


def media_record(reader: MediaReader) -> MediaRecord:
    """The footage, as alignments know it."""
    info = reader.info
    return MediaRecord(
        name=str(info.path),
        kind=info.kind,
        width=info.width,
        height=info.height,
        frame_count=info.frame_count,
        fingerprint=reader.fingerprint(),
        time_base=None if info.time_base is None else str(info.time_base),
    )
