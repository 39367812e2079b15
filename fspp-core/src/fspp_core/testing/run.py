"""Run the conformance kit over installed components, without the tests of the plugins themselves."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree

from fspp_core.errors import PluginError
from fspp_core.specs import KINDS, ComponentSpec, Kind

if TYPE_CHECKING:
    from fspp_core.registry import Registry

Outcome = Literal["passed", "failed", "skipped"]

KIT_CLASSES: dict[Kind, str] = {
    "detector": "DetectorConformance",
    "aligner": "AlignerConformance",
    "masker": "MaskerConformance",
    "model": "ModelConformance",
    "loss": "LossConformance",
    "scheduler": "ScheduleConformance",
    "recognizer": "RecognizerConformance",
    "color_transfer": "ColorTransferConformance",
    "optimizer": "OptimizerConformance",
}
_SMALL_PRESETS = ("tiny", "demo")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """Outcome of one check on one component.

    Attributes:
        distribution: the one the component comes from.
        kind: of the component; None for the check that the plugin loads at all.
        component: its name, or the plugin's entry point.
        check: name of the check in words.
        outcome: passed, failed, or skipped for the reason in `message`.
        message: what was found, empty when passed.
        seconds: time the check took.
    """

    distribution: str
    kind: Kind | None
    component: str
    check: str
    outcome: Outcome
    message: str = ""
    seconds: float = 0.0


def run_checks(
    registry: Registry, distribution: str | None = None, *, plugin_files: Sequence[Path] = ()
) -> list[CheckResult]:
    """Run every standard check on the components of one distribution, or of all.

    The checks run in a fresh Python, one after another, with default options (a model that has a preset called
    "tiny" or "demo" is checked with it, for speed).

    Args:
        registry: what is installed.
        distribution: restricts to the components it owns; a broken plugin of it is a failed check.
        plugin_files: the single-file plugins `registry` was loaded with.

    Raises:
        PluginError: pytest is not installed, no such distribution has a plugin, or the checks could not be run.
    """
    results = list(_loads(registry, distribution))
    if not results:
        known = sorted({plugin.owner.distribution for plugin in registry.plugins})
        raise PluginError(f"no installed plugin comes from {distribution!r}; installed: {', '.join(known) or 'none'}")
    chosen = list(_components(registry, distribution))
    if not chosen:
        return results
    if find_spec("pytest") is None:
        raise PluginError("the checks need pytest: python -m pip install 'fspp-core[testing]'")
    with tempfile.TemporaryDirectory(prefix="fspp-check-") as folder:
        results += _run(registry, chosen, Path(folder), [Path(p).resolve() for p in plugin_files])
    return results


def _loads(registry: Registry, distribution: str | None) -> Iterator[CheckResult]:
    for plugin in registry.plugins:
        owner = plugin.owner.distribution
        if _wanted(owner, distribution):
            yield CheckResult(
                distribution=owner, kind=None, component=plugin.entry_point, check="loads", outcome="passed"
            )
    for broken in registry.broken:
        owner = broken.distribution
        if _wanted(owner, distribution):
            yield CheckResult(
                distribution=owner,
                kind=None,
                component=broken.entry_point,
                check="loads",
                outcome="failed",
                message=broken.reason,
            )


def _components(registry: Registry, distribution: str | None) -> Iterator[ComponentSpec]:
    for kind in KINDS:
        for spec in registry.specs(kind):
            if _wanted(registry.owner(kind, spec.name).distribution, distribution):
                yield spec


def _wanted(owner: str, distribution: str | None) -> bool:
    """Whether they are the same distribution; case, dots, hyphens and underscores do not count."""
    return distribution is None or _canonical(owner) == _canonical(distribution)


def _canonical(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _run(
    registry: Registry, specs: Sequence[ComponentSpec], folder: Path, plugin_files: Sequence[Path]
) -> list[CheckResult]:
    """Write one subclass per component, run pytest on them, read its report."""
    module, report, settings = folder / "test_checks.py", folder / "report.xml", folder / "pytest.ini"
    module.write_text(_module(registry, specs, plugin_files), encoding="utf-8")
    settings.write_text("[pytest]\n", encoding="utf-8")
    plugins = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:randomly"]
    where = [f"--rootdir={folder}", f"--junitxml={report}", "-c", str(settings), str(module)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", *plugins, *where],
        cwd=folder,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode not in (0, 1) or not report.exists():
        raise PluginError(f"the checks could not be run:\n{(done.stdout + done.stderr)[-4000:]}")
    return list(_read(report, registry, specs))


def _module(registry: Registry, specs: Sequence[ComponentSpec], plugin_files: Sequence[Path]) -> str:
    files = ", ".join(f"Path({str(p)!r})" for p in plugin_files)
    lines = ["from pathlib import Path", "", "import fspp_core.testing as kit", ""]
    for number, spec in enumerate(specs):
        presets = registry.presets(spec.kind, spec.name) if spec.kind == "model" else []
        preset = next((p for p in _SMALL_PRESETS if p in presets), None)
        lines += [
            "",
            f"class Test{number}(kit.{KIT_CLASSES[spec.kind]}):",
            f"    component = {spec.name!r}",
            f"    preset = {preset!r}",
            f"    plugin_files = ({files}{',' if files else ''})",
            "",
        ]
    return "\n".join(lines)


def _read(report: Path, registry: Registry, specs: Sequence[ComponentSpec]) -> Iterator[CheckResult]:
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        spec = specs[int(case.get("classname", "").rsplit(".Test", 1)[-1])]
        fault = next((child for tag in ("failure", "error", "skipped") for child in case.iter(tag)), None)
        outcome: Outcome = "passed" if fault is None else "skipped" if fault.tag == "skipped" else "failed"
        yield CheckResult(
            distribution=registry.owner(spec.kind, spec.name).distribution,
            kind=spec.kind,
            component=spec.name,
            check=case.get("name", "").removeprefix("test_").replace("_", " "),
            outcome=outcome,
            message="" if fault is None else fault.get("message", ""),
            seconds=float(case.get("time", 0)),
        )
