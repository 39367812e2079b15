"""Fixtures of the core's tests: the command line in a fresh process, and really installed fake distributions."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def run_python() -> Run:
    """`run_python("-c", "pass", site=folder, cwd=folder, VARIABLE="1")`: Python in a fresh process that sees `site`."""

    def run(
        *words: str, site: Path | None = None, cwd: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("FSPP_", "PYTHONPATH"))}
        if site is not None:
            clean["PYTHONPATH"] = str(site)
        return subprocess.run(
            [sys.executable, *words],
            capture_output=True,
            encoding="utf-8",
            env={**clean, "PYTHONUTF8": "1", **environment},
            cwd=cwd,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def run_fspp(run_python: Run) -> Run:
    """`run_fspp("plugins", "--json")`: the command line in a fresh process; keywords as for `run_python`."""

    def run(*words: str, **keywords: object) -> subprocess.CompletedProcess[str]:
        return run_python("-m", "fspp_core", *words, **keywords)

    return run


@pytest.fixture(scope="session")
def pip_install(run_python: Run) -> Callable[..., None]:
    """`pip_install(site, *projects)`: build wheels and install them into the folder `site`, offline."""

    def install(site: Path, *projects: Path) -> None:
        offline = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--no-compile"]
        done = run_python("-m", "pip", "install", *offline, "--target", str(site), *map(str, projects))
        assert done.returncode == 0, done.stdout + done.stderr

    return install


@pytest.fixture(scope="session")
def write_distribution() -> Callable[..., Path]:
    """`write_distribution(folder, "fspp-x", {"entry_point": "module"}, {"module": "source"})`: its project folder."""

    def write(folder: Path, distribution: str, points: Mapping[str, str], modules: Mapping[str, str]) -> Path:
        project = folder / distribution
        project.mkdir(parents=True)
        listed = "".join(f'{name} = "{module}"\n' for name, module in points.items())
        files = {f"{module}.py": text for module, text in modules.items()}
        files = files or {f"{distribution.replace('-', '_')}.py": '"""Nothing."""\n'}
        (project / "pyproject.toml").write_text(
            '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n\n'
            f'[project]\nname = "{distribution}"\nversion = "3.1"\n\n'
            f'[project.entry-points."fspp.plugins"]\n{listed}\n'
            f"[tool.hatch.build.targets.wheel]\nonly-include = {sorted(files)}\n",
            encoding="utf-8",
        )
        for name, text in files.items():
            (project / name).write_text(text, encoding="utf-8")
        return project

    return write
