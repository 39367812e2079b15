"""The repository's own promises: one version, clean pins, licences, installable names."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version

import pytest


@pytest.fixture(scope="module")
def distributions(repository):
    found = {path.parent.name: path for path in sorted(repository.glob("fspp-*/pyproject.toml"))}
    assert len(found) >= 3
    return {name: tomllib.loads(path.read_text(encoding="utf-8")) for name, path in found.items()}


def test_all_distributions_have_one_version(distributions):
    versions = {name: table["project"]["version"] for name, table in distributions.items()}
    assert len(set(versions.values())) == 1, versions
    import fspp_core

    assert {fspp_core.__version__} == set(versions.values())
    assert {version(name) for name in distributions} == set(versions.values()), "install again: a version changed"


def test_plugins_ask_for_a_range_of_the_core(distributions):
    major, minor = distributions["fspp-core"]["project"]["version"].split(".")[:2]
    wanted = f"fspp-core>={major}.{minor},<{major}.{int(minor) + 1}"
    for name, table in distributions.items():
        if name != "fspp-core":
            assert wanted in table["project"]["dependencies"], name


def test_distributions_are_laid_out_alike(repository, distributions):
    for name, table in distributions.items():
        package = name.replace("-", "_")
        assert table["project"]["name"] == name
        assert table["project"]["requires-python"] == ">=3.11"
        assert (repository / name / "src" / package / "py.typed").exists(), f"{name} has no py.typed"
        assert (repository / name / "tests").is_dir(), f"{name} has no tests"
        readme = (repository / name / "README.md").read_text(encoding="utf-8")
        assert len(readme.splitlines()) >= 5, f"README of {name} says nothing"
        entries = table["project"]["entry-points"]["fspp.plugins"]
        assert len(entries) == 1, f"{name}: one entry point a distribution"
        assert getattr(importlib.import_module(next(iter(entries.values()))), "FSPP_API", None) == 1


def test_both_requirements_files_install_every_distribution(repository, distributions):
    users = (repository / "requirements.txt").read_text(encoding="utf-8").splitlines()
    editable = {re.sub(r"\[.*", "", line.removeprefix("-e ./")) for line in users if line.startswith("-e ")}
    assert editable == set(distributions)
    assert "-c constraints.txt" in users
    developers = (repository / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    assert "-r requirements.txt" in developers


def test_mypy_and_pytest_know_every_distribution(repository, distributions):
    tools = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert set(tools["mypy"]["mypy_path"]) == {f"{name}/src" for name in distributions}
    assert set(tools["pytest"]["ini_options"]["testpaths"]) == {"tests", *(f"{name}/tests" for name in distributions)}


def test_constraints_are_names_and_versions_only(repository):
    lines = (repository / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    odd = [line for line in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[\w.+!-]+( ; .+)?", line)]
    assert odd == []
    names = [_canonical(pin.partition("==")[0]) for pin in pins]
    assert len(set(names)) == len(names), "a name is pinned twice"
    assert "://" not in "".join(lines)


def test_constraints_pin_every_direct_dependency(repository, distributions):
    text = (repository / "constraints.txt").read_text(encoding="utf-8")
    pinned = {_canonical(name) for name in re.findall(r"^([\w.-]+)==", text, re.M)}
    wanted = set()
    for table in distributions.values():
        project = table["project"]
        for lines in [project["dependencies"], *project.get("optional-dependencies", {}).values()]:
            wanted |= {_canonical(re.match(r"[\w.-]+", line)[0]) for line in lines}
    assert {name for name in wanted if not name.startswith("fspp-")} - pinned == set()


def _canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_no_lock_file_is_committed(repository):
    listed = subprocess.run(["git", "ls-files"], cwd=repository, capture_output=True, encoding="utf-8", check=False)
    if listed.returncode != 0:
        pytest.skip("git is not installed, or this is not a clone")
    names = {line.rpartition("/")[2] for line in listed.stdout.splitlines()}
    assert not names & {"uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock"}


def test_every_distribution_carries_the_licence(repository, distributions):
    text = (repository / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
    for name in distributions:
        assert (repository / name / "LICENSE").read_text(encoding="utf-8") == text, f"{name}/LICENSE differs"


@pytest.mark.parametrize("words", [["--help"], ["plugins"]])
def test_the_command_starts_light(words):
    """Neither TensorFlow nor Keras nor OpenCV, whatever is installed."""
    code = (
        "import sys; from fspp_core.cli import main; main(sys.argv[1:]); "
        "sys.exit(','.join({'tensorflow', 'keras', 'cv2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, encoding="utf-8", check=False)
    assert done.stderr.strip() == ""
    assert "fspp" in done.stdout
