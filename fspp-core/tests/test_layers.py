"""Which way imports may point, who may know which library, and the shape of modules: held for every distribution."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from fspp_core.testing.probes import heavy_imports

ROOT = Path(__file__).resolve().parents[2]
DISTRIBUTIONS = {path.parent.name: path.parent for path in sorted(ROOT.glob("fspp-*/pyproject.toml"))}

# Core from the bottom up: a package imports those below it and itself, never one beside or above.
LAYERS = (
    ("errors", "lazy"),
    ("types", "options", "progress", "files", "concurrency"),
    ("locking", "backend", "tensors"),
    ("specs", "interfaces", "geometry", "inference", "sheet"),
    ("hookspecs", "media", "jobs", "masks"),
    ("plugins", "alignments", "models", "weights"),
    ("registry",),
    ("config",),
    ("extraction", "training", "conversion", "testing"),
    ("plugin", "demo", "maskjobs"),
    ("cli",),
    ("__main__",),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

# Library -> the modules of core that may import it (all below a package's name are meant too).
ONLY = {
    "stevedore": ("plugins",),
    "pluggy": ("plugins", "hookspecs"),
    "tensorflow": ("backend",),
    "keras": ("backend", "inference", "models", "training", "testing"),
    "av": ("media",),
    "imageio": ("media",),
    "PIL": ("media", "sheet"),
    "cv2": ("media", "geometry", "masks", "alignments", "extraction", "training", "conversion", "demo", "sheet"),
    "click": ("cli",),
    "tqdm": ("cli",),
    "pytest": ("testing",),
    "safetensors": ("tensors",),
    "openvino": ("inference",),
    "h5py": ("weights",),
}
HEAVY = {"tensorflow", "keras", "cv2"}
LIGHT_NAME = re.compile(r"(^|_)(plugin|options)$")

# What opens pictures or turns their channels, and the package it belongs in: "" is nowhere. OpenCV's own file functions
# fail on non-ASCII names on Windows.
PIXELS = {
    "cv2.imread": "",
    "cv2.imwrite": "",
    "cv2.VideoCapture": "",
    "cv2.VideoWriter": "",
    "cv2.COLOR_BGR2RGB": "media",
    "cv2.COLOR_RGB2BGR": "media",
    "av.open": "media",
    "iio.imread": "media",
    "iio.imwrite": "media",
    "Image.open": "media",
}


def _sources() -> list[Path]:
    found = [p for home in DISTRIBUTIONS.values() for p in sorted((home / "src").rglob("*.py"))]
    return [p for p in found if "templates" not in p.parts]


def _module(path: Path) -> str:
    inside = path.relative_to(next(home for home in DISTRIBUTIONS.values() if path.is_relative_to(home)) / "src")
    return ".".join(inside.with_suffix("").parts).removesuffix(".__init__")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below, without what only type checkers see."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            for other in child.orelse:
                yield other
                yield from _running(other)
            continue
        yield child
        yield from _running(child)


def _imports(path: Path) -> set[str]:
    """Full names of the modules a module imports anywhere in it."""
    found = set()
    package = _module(path) if path.name == "__init__.py" else _module(path).rpartition(".")[0]
    for node in _running(_tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join(
                    [*package.split(".")[: len(package.split(".")) - node.level + 1], *filter(None, [base])]
                )
            found |= {f"{base}.{alias.name}" for alias in node.names} if base == "fspp_core" else {base}
    return found


SOURCES = _sources()
CORE = [path for path in SOURCES if _module(path).startswith("fspp_core.")]
each_module = pytest.mark.parametrize("path", SOURCES, ids=[_module(path) for path in SOURCES])


@pytest.mark.parametrize("path", CORE, ids=[_module(path) for path in CORE])
def test_imports_point_down(path):
    name = _module(path)
    here = name.split(".")[1]
    assert here in RANK, f"{here} is in no layer: say in LAYERS where it belongs"
    for imported in _imports(path):
        parts = imported.split(".")
        if parts[0] == "fspp_core" and len(parts) > 1 and parts[1] in RANK and parts[1] != here:
            assert RANK[parts[1]] < RANK[here], f"{name} imports {imported}, which is beside or above it"


@each_module
def test_plugins_do_not_know_each_other(path):
    package = _module(path).split(".")[0]
    others = {home.name.replace("-", "_") for home in DISTRIBUTIONS.values()} - {package}
    if package != "fspp_core":
        others -= {"fspp_core"}
        others |= {"fspp_core.plugins", "fspp_core.plugin"}
    for imported in _imports(path):
        assert not any(imported == other or imported.startswith(f"{other}.") for other in others), (
            f"{_module(path)} imports {imported}"
        )


@each_module
def test_libraries_stay_where_they_belong(path):
    name = _module(path)
    libraries = {imported.split(".")[0] for imported in _imports(path)}
    if name.split(".")[0] == "fspp_core":
        here = name.split(".")[1] if "." in name else ""
        for library in libraries & set(ONLY):
            assert here in ONLY[library], f"{name} imports {library}; only {', '.join(ONLY[library])} may"
    else:
        assert not libraries & {"stevedore", "pluggy", "tensorflow"}, f"{name} imports one of the core's own libraries"
    if LIGHT_NAME.search(name.rpartition(".")[2]):
        assert not libraries & {*HEAVY, "numpy"}, f"{name} is imported at every start and must stay light"


@each_module
def test_only_media_opens_pictures(path):
    name = _module(path)
    used = {ast.unparse(node) for node in ast.walk(_tree(path)) if isinstance(node, ast.Attribute)} & set(PIXELS)
    strays = {call for call in used if not PIXELS[call] or not name.startswith(f"fspp_core.{PIXELS[call]}")}
    assert not strays, f"{name} uses {', '.join(sorted(strays))}: pictures are opened and turned by fspp_core.media"


@each_module
def test_the_library_does_not_print(path):
    name = _module(path)
    if name.startswith("fspp_core.cli"):
        return
    calls = [n for n in ast.walk(_tree(path)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    assert not [n.lineno for n in calls if n.func.id == "print"], f"{name} prints: log, or report progress"


@each_module
def test_first_line_says_what_it_is_for(path):
    text = ast.get_docstring(_tree(path))
    assert text, f"{_module(path)} has no docstring"
    first = text.splitlines()[0]
    assert len(first) >= 12, f"{_module(path)}: {first!r} says nothing"
    assert first[-1] in ".:?!", f"{_module(path)}: the first line must be a whole sentence: {first!r}"


@each_module
def test_modules_stay_short(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    network = "network" in path.stem or "networks" in path.parts
    assert lines <= 500 or network, f"{_module(path)} has {lines} lines; split it"


def test_everything_light_is_light():
    """What `fspp --help` and the project file touch, in a fresh Python."""
    modules = [_module(p) for p in SOURCES if LIGHT_NAME.search(p.stem) or p.stem in ("jobs", "config", "registry")]
    packages = [f"fspp_core.{name}" for name in ("extraction", "training", "conversion", "maskjobs", "cli", "testing")]
    assert not heavy_imports(f"import {', '.join(['fspp_core', *packages, *modules])}")


def test_the_check_sees_imports_inside_functions(tmp_path):
    """The graph is only worth as much as the eyes that read it."""
    code = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import keras\ndef f():\n    import cv2\n"
    module = DISTRIBUTIONS["fspp-core"] / "src" / "fspp_core" / "errors.py"
    tree = ast.parse(code)
    found = {alias.name for node in _running(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert found == {"cv2"}
    assert _imports(module) == {"__future__"}
