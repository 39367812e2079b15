"""Find the conformance classes in folders of tests, and the installed components that have none."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fspp_core.specs import KINDS, Kind

if TYPE_CHECKING:
    from fspp_core.registry import Registry
    from fspp_core.testing.base import Conformance


def conformance_classes(module_files: Iterable[Path]) -> Iterator[type[Conformance]]:
    """The conformance classes, with a component named, that the test modules define."""
    from fspp_core.testing.base import Conformance

    for number, path in enumerate(module_files):
        name = f"_fspp_conformance_{number}"
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is not a Python module")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        finally:
            del sys.modules[name]
        for thing in vars(module).values():
            if isinstance(thing, type) and issubclass(thing, Conformance) and hasattr(thing, "component"):
                yield thing


def components_without_class(registry: Registry, module_files: Iterable[Path]) -> list[tuple[Kind, str, str]]:
    """Kind, name and distribution of the installed components that no test module has a conformance class for.

    Args:
        registry: what is installed.
        module_files: the test modules, imported one after another.
    """
    covered = {(tested.kind, tested.component) for tested in conformance_classes(module_files)}
    installed = [(kind, spec.name) for kind in KINDS for spec in registry.specs(kind)]
    return [
        (kind, name, registry.owner(kind, name).distribution) for kind, name in installed if (kind, name) not in covered
    ]
