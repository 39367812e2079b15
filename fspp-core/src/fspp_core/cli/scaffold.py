"""`fspp plugins new`: write a complete plugin distribution of any kind from the templates beside this module."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template

import fspp_core
from fspp_core.errors import PluginError
from fspp_core.registry import HOOKS, KNOWN, load_registry
from fspp_core.specs import KINDS, Kind

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """How a plugin of one kind is laid out.

    Attributes:
        prefix: middle of the distribution's name.
        module: module of the component, and of its template.
        suffix: end of the class's name.
        kit: conformance class.
        summary: what the template does as it stands.
        requires: distributions it needs besides fspp-core.
    """

    prefix: str
    module: str
    suffix: str
    kit: str
    summary: str
    requires: tuple[str, ...] = ("numpy>=2.0",)


_KERAS = ("keras>=3.10",)

SHAPES: dict[Kind, _Shape] = {
    "detector": _Shape(
        prefix="detect",
        module="detector",
        suffix="Detector",
        kit="DetectorConformance",
        summary="Faces as patches of skin colour.",
        requires=("numpy>=2.0", "opencv-python-headless>=4.10,<5"),
    ),
    "aligner": _Shape(
        prefix="align",
        module="aligner",
        suffix="Aligner",
        kit="AlignerConformance",
        summary="The mean face, laid into the detector's box.",
    ),
    "masker": _Shape(
        prefix="mask",
        module="masker",
        suffix="Masker",
        kit="MaskerConformance",
        summary="An ellipse about the landmarks.",
    ),
    "model": _Shape(
        prefix="model",
        module="model",
        suffix="Model",
        kit="ModelConformance",
        summary="A small autoencoder with one encoder and two decoders.",
        requires=_KERAS,
    ),
    "loss": _Shape(
        prefix="loss",
        module="loss",
        suffix="Loss",
        kit="LossConformance",
        summary="Charbonnier loss: absolute error, rounded at zero.",
        requires=_KERAS,
    ),
    "scheduler": _Shape(
        prefix="schedule",
        module="schedule",
        suffix="Schedule",
        kit="ScheduleConformance",
        summary="A straight line from the base rate down to a floor.",
        requires=(),
    ),
    "recognizer": _Shape(
        prefix="identity",
        module="recognizer",
        suffix="Recognizer",
        kit="RecognizerConformance",
        summary="Coarse pattern of light and dark.",
    ),
    "color_transfer": _Shape(
        prefix="color",
        module="color_transfer",
        suffix="ColorTransfer",
        kit="ColorTransferConformance",
        summary="A gain for each channel, so that its mean is the frame's.",
    ),
    "optimizer": _Shape(
        prefix="optimizer",
        module="optimizer",
        suffix="Optimizer",
        kit="OptimizerConformance",
        summary="Gradient descent with momentum.",
        requires=_KERAS,
    ),
}


def write_distribution(kind: Kind, name: str, into: Path) -> Path:
    """Write a distribution with one component, ready to install, whose tests pass as they stand.

    Args:
        name: of the component, as users will type it.
        into: folder in which the distribution's own folder is made.

    Returns:
        The distribution's folder, named after it.

    Raises:
        PluginError: when the name is malformed or taken, or the folder is there already.
    """
    if not _NAME.fullmatch(name):
        raise PluginError(
            f"{name!r} cannot be a component's name: lower-case letters and digits, beginning with a letter, with "
            "single hyphens between words"
        )
    taken = {(k, spec.name) for k in KINDS for spec in load_registry().specs(k)} | set(KNOWN)
    if (kind, name) in taken:
        raise PluginError(f"there is a {kind} {name!r} already; choose another name")
    shape, flat = SHAPES[kind], name.replace("-", "_")
    folder = into / f"fspp-{shape.prefix}-{name}"
    if folder.exists():
        raise PluginError(f"{folder} is there already; nothing was written")
    values = _values(kind, name)
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=into) as aside:
        draft = Path(aside) / folder.name
        for path, template in _files(shape, f"fspp_{shape.prefix}_{flat}"):
            target = draft / path
            target.parent.mkdir(parents=True, exist_ok=True)
            text = Template(_read(template)).substitute(values) if template else ""
            target.write_text(text, encoding="utf-8", newline="\n")
        shutil.move(draft, folder)
    return folder


def _values(kind: Kind, name: str) -> dict[str, str]:
    shape, flat = SHAPES[kind], name.replace("-", "_")
    major, minor, *_ = fspp_core.__version__.split(".")
    core = f">={major}.{minor},<{major}.{int(minor) + 1}"
    requires = [f"fspp-core{core}", *shape.requires]
    stem = "".join(word.capitalize() for word in name.split("-"))
    return {
        "core": core,
        "distribution": f"fspp-{shape.prefix}-{name}",
        "entry_point": f"{shape.prefix}_{flat}",
        "hook": HOOKS[kind],
        "kind": kind,
        "kit": shape.kit,
        "module": shape.module,
        "name": name,
        "package": f"fspp_{shape.prefix}_{flat}",
        "requires": "".join(f'    "{requirement}",\n' for requirement in requires),
        "stem": stem,
        "summary": shape.summary,
        "suffix": shape.suffix,
    }


def _files(shape: _Shape, package: str) -> Iterator[tuple[str, str]]:
    """Paths in the distribution, and the template of each; an empty name stands for an empty file."""
    yield "pyproject.toml", "common/pyproject.toml"
    yield "README.md", "common/README.md"
    yield ".gitignore", "common/gitignore"
    yield f"src/{package}/__init__.py", "common/__init__.py"
    yield f"src/{package}/plugin.py", "common/plugin.py"
    yield f"src/{package}/options.py", f"{shape.module}/options.py"
    yield f"src/{package}/{shape.module}.py", f"{shape.module}/component.py"
    yield f"src/{package}/py.typed", ""
    yield f"tests/test_{package}.py", f"{shape.module}/test.py"


def _read(template: str) -> str:
    place = resources.files(f"{fspp_core.__name__}.cli").joinpath("templates")
    return place.joinpath(f"{template}.txt").read_text(encoding="utf-8")
