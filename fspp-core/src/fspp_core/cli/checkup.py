"""What `fspp doctor` looks at, from the system to the plugins, and the one thing to do about each problem."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from fspp_core.cli.quiet import start_backend
from fspp_core.cli.state import State
from fspp_core.errors import FsppError
from fspp_core.options import schema_of
from fspp_core.registry import Registry, install_line
from fspp_core.specs import KINDS, Kind

NEWEST_PYTHON = (3, 13)
HOMES: dict[Kind, str] = {
    "detector": "fspp-detect-mtcnn",
    "aligner": "fspp-core",
    "masker": "fspp-core",
    "model": "fspp-model-phaze-a",
    "loss": "fspp-core",
    "scheduler": "fspp-core",
    "optimizer": "fspp-core",
    "color_transfer": "fspp-core",
}
"""Kinds the main job cannot be done without, and the distribution that brings one."""

_NVIDIA = Path("/dev/nvidia0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at; a remedy is there for every problem."""

    topic: str
    subject: str
    detail: str
    state: Literal["ok", "note", "problem"] = "ok"
    remedy: str = ""


def examine(state: State) -> list[Finding]:
    """Look at everything; importing the numeric backend takes some seconds."""
    return [
        *_system(),
        *_packages(),
        *_devices(),
        *_codecs(),
        *_plugins(state.registry),
        *_weights(state.registry),
        *_project(state),
    ]


def _system() -> Iterator[Finding]:
    topic = "System"
    yield Finding(topic=topic, subject="system", detail=f"{platform.platform()}, {platform.machine()}")
    yield Finding(topic=topic, subject="processors", detail=f"{os.cpu_count()}")
    python = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info[:2] > NEWEST_PYTHON:
        newest = ".".join(map(str, NEWEST_PYTHON))
        yield Finding(
            topic=topic,
            subject="Python",
            detail=f"{python} is newer than what fspp is tested with",
            state="note",
            remedy=f"if something fails, make a virtual environment with Python {newest}",
        )
    else:
        yield Finding(topic=topic, subject="Python", detail=python)


def _packages() -> Iterator[Finding]:
    """Everything fspp-core requires, each against the versions it requires."""
    try:
        lines = requires("fspp-core") or []
    except PackageNotFoundError:
        remedy = "python -m pip install -e ./fspp-core"
        yield Finding(topic="Packages", subject="fspp-core", detail="not installed", state="problem", remedy=remedy)
        return
    for line in lines:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        name, wanted = requirement.name, str(requirement.specifier)
        try:
            found = version(name)
        except PackageNotFoundError:
            found = ""
        if found and requirement.specifier.contains(found, prereleases=True):
            yield Finding(topic="Packages", subject=name, detail=found)
        else:
            yield Finding(
                topic="Packages",
                subject=name,
                detail=f"{found or 'not installed'}, needed is {wanted or 'any version'}",
                state="problem",
                remedy=f'python -m pip install "{name}{wanted}"',
            )


def _devices() -> Iterator[Finding]:
    topic = "Devices"
    try:
        start_backend()
        from fspp_core.backend import backend_name, cpu_has_bfloat16, devices

        name, found = backend_name(), devices()
    except Exception as error:  # noqa: BLE001 - a broken numeric backend can raise anything at import
        yield Finding(
            topic=topic,
            subject="numeric backend",
            detail=f"cannot be used: {type(error).__name__}: {error}",
            state="problem",
            remedy="python -m pip install --force-reinstall keras tensorflow, and unset KERAS_BACKEND if it is set",
        )
        return
    yield Finding(topic=topic, subject="Keras backend", detail=name)
    for device in found:
        yield Finding(topic=topic, subject=device.kind, detail=str(device))
    if not any(device.kind == "gpu" for device in found):
        yield _no_gpu(name)
    bfloat16 = cpu_has_bfloat16()
    yield Finding(
        topic=topic, subject="bfloat16 on the CPU", detail=f"{'yes' if bfloat16 else 'no'}: {bfloat16.reason}"
    )


def _no_gpu(backend: str) -> Finding:
    topic, subject = "Devices", "gpu"
    if _NVIDIA.exists() and backend == "tensorflow":
        return Finding(
            topic=topic,
            subject=subject,
            detail="the system has an NVIDIA GPU, and TensorFlow does not see it",
            state="problem",
            remedy="python -m pip install 'tensorflow[and-cuda]', or unset CUDA_VISIBLE_DEVICES if it is set",
        )
    if sys.platform == "win32":
        return Finding(
            topic=topic,
            subject=subject,
            detail="none: TensorFlow has no GPU support on Windows itself",
            state="note",
            remedy="to use a GPU, install fspp inside WSL 2",
        )
    return Finding(
        topic=topic, subject=subject, detail="none; everything runs on the CPU, training slowly", state="note"
    )


def _codecs() -> Iterator[Finding]:
    topic = "Codecs"
    try:
        from fspp_core.media import codecs
        from fspp_core.media.options import EncodeOptions

        written = schema_of(EncodeOptions)["properties"]["codec"]["enum"]
        found = codecs()
    except ImportError as error:
        yield Finding(
            topic=topic,
            subject="PyAV",
            detail=f"cannot be used: {error}",
            state="problem",
            remedy="python -m pip install --force-reinstall av",
        )
        return
    for codec in found:
        roles = [f"read by {codec.decoder or 'nothing'}"]
        if codec.name in written:
            roles.append(f"written by {codec.encoder or 'nothing'}")
        whole = codec.decoder and (codec.encoder or codec.name not in written)
        remedy = "install PyAV from its own wheel: python -m pip install --force-reinstall --only-binary av av"
        yield Finding(
            topic=topic,
            subject=codec.name,
            detail=", ".join(roles),
            state="ok" if whole else "problem",
            remedy="" if whole else remedy,
        )


def _plugins(registry: Registry) -> Iterator[Finding]:
    topic = "Plugins"
    for plugin in registry.plugins:
        yield Finding(topic=topic, subject=plugin.entry_point, detail=f"{plugin.owner}, ok")
    for name, owner in registry.left_out.items():
        detail = f"{owner} is left out by FSPP_PLUGINS"
        yield Finding(topic=topic, subject=name, detail=detail, state="note", remedy="unset FSPP_PLUGINS to load it")
    for record in registry.broken:
        yield Finding(
            topic=topic,
            subject=record.entry_point,
            detail=f"{record.distribution} {record.version}: {record.reason}",
            state="problem",
            remedy=f"fspp plugins why {record.entry_point}",
        )
    for kind, home in HOMES.items():
        if not registry.specs(kind):
            remedy = install_line(home)
            yield Finding(topic=topic, subject=kind, detail="none is installed", state="problem", remedy=remedy)


def _weights(registry: Registry) -> Iterator[Finding]:
    from fspp_core.weights import WeightStore, catalogue
    from fspp_core.weights.store import again, how

    topic, store = "Weights", WeightStore()
    try:
        known = catalogue(spec for kind in KINDS for spec in registry.specs(kind))
    except FsppError as error:
        yield Finding(
            topic=topic, subject="names", detail=str(error), state="problem", remedy="uninstall one of the two"
        )
        return
    for name, wanted in known.items():
        if not store.has(name):
            detail = f"not at {store.path(name)}; needed by {', '.join(wanted.components)}"
            yield Finding(topic=topic, subject=name, detail=detail, state="note", remedy=how(wanted.file))
            continue
        try:
            store.paths([wanted.file])
        except FsppError as error:
            yield Finding(topic=topic, subject=name, detail=str(error), state="problem", remedy=again(name))
        else:
            yield Finding(topic=topic, subject=name, detail=f"at {store.path(name)}; licence: {wanted.file.licence}")


def _project(state: State) -> Iterator[Finding]:
    from fspp_core.config import project_faults

    try:
        project = state.project
        faults = project_faults(project, state.registry)
    except FsppError as error:
        faults = str(error).splitlines()
    else:
        if project.file is None:
            return
    if not faults:
        yield Finding(topic="Project", subject=str(project.file), detail="valid")
    for fault in faults:
        yield Finding(
            topic="Project",
            subject="project file",
            detail=fault,
            state="problem",
            remedy="correct it; fspp config schema says what may stand there",
        )
