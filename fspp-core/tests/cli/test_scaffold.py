"""`fspp plugins new`: for each of the nine kinds, what is written installs, is clean, and passes its own tests."""

import json
import sys
from pathlib import Path

import pytest

from fspp_core.cli.scaffold import SHAPES, write_distribution
from fspp_core.errors import PluginError
from fspp_core.registry import KNOWN
from fspp_core.specs import KINDS

NAME = "my-own2"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, run_fspp, pip_install) -> Path:
    """Distributions of all kinds in `src`, installed into `site`."""
    place = tmp_path_factory.mktemp("new") / "a folder"
    for kind in KINDS:
        done = run_fspp("plugins", "new", kind, NAME, "--into", str(place / "src"))
        assert done.returncode == 0, done.stderr
    pip_install(place / "site", *(place / "src").iterdir())
    return place


def home(kind: str) -> str:
    return f"fspp-{SHAPES[kind].prefix}-{NAME}"


def test_there_is_a_shape_for_every_kind():
    assert set(SHAPES) == set(KINDS)
    assert len({shape.prefix for shape in SHAPES.values()}) == len(KINDS)


# Components that come with another one.
SHARED = {
    "fan-3d": "fan",
    "bisenet-face": "bisenet",
    "bisenet-head": "bisenet",
    "ir-50": "vggface2",
    "ir-101": "vggface2",
}


def test_our_own_distributions_are_called_by_the_same_rule():
    for (kind, name), distribution in KNOWN.items():
        own = SHARED.get(name, name)
        assert distribution == f"fspp-{SHAPES[kind].prefix}-{own}"


def test_all_are_found_once_installed(folder, run_fspp):
    done = run_fspp("plugins", "--json", site=folder / "site")
    rows = [row for row in json.loads(done.stdout) if row["name"] == NAME]
    assert {row["kind"]: row["distribution"] for row in rows} == {kind: home(kind) for kind in KINDS}
    assert all(row["state"] == "ok" for row in rows)


@pytest.mark.parametrize("kind", KINDS)
def test_its_own_tests_pass_as_generated(folder, run_python, kind):
    project = folder / "src" / home(kind)
    words = ["-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", "-W", "ignore::DeprecationWarning"]
    done = run_python(*words, site=folder / "site", cwd=project)
    assert done.returncode == 0, done.stdout[-5000:]
    assert " passed" in done.stdout
    skipped = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    reasons = ("pip install", "install scikit-image", "is not given", "takes pictures only")
    assert all(any(reason in line for reason in reasons) for line in skipped), skipped


@pytest.mark.parametrize("kind", KINDS)
def test_the_sources_are_formatted_and_clean(folder, run_python, kind):
    common = ["--isolated", "--no-cache", "--line-length=120", "--target-version=py311"]
    for action in (["check", "--select=E,F,W,I,UP,B,C4,PIE,SIM"], ["format", "--check", "--diff"]):
        done = run_python("-m", "ruff", *action, *common, ".", cwd=folder / "src" / home(kind))
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_wheel_holds_what_it_needs_and_no_tests(folder):
    for kind in KINDS:
        package = folder / "site" / home(kind).replace("-", "_")
        assert (package / "py.typed").exists()
        assert {path.name for path in package.glob("*.py")} == {
            "__init__.py",
            "plugin.py",
            "options.py",
            f"{SHAPES[kind].module}.py",
        }
    assert not (folder / "site" / "tests").exists()


@pytest.mark.parametrize("name", ["", "Upper", "under_score", "-x", "x-", "a--b", "9lives", "über", "a b", "../x"])
def test_names_nobody_could_type_are_refused(tmp_path, name):
    with pytest.raises(PluginError, match="cannot be a component's name"):
        write_distribution("loss", name, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("kind", "name"), [("loss", "mae"), ("model", "saehd"), ("detector", "mtcnn")])
def test_names_that_are_taken_are_refused(tmp_path, kind, name):
    with pytest.raises(PluginError, match="already; choose another name"):
        write_distribution(kind, name, tmp_path)


def test_nothing_is_overwritten(tmp_path):
    folder = write_distribution("loss", NAME, tmp_path)
    (folder / "README.md").write_text("mine", encoding="utf-8")
    with pytest.raises(PluginError, match="is there already; nothing was written"):
        write_distribution("loss", NAME, tmp_path)
    assert (folder / "README.md").read_text(encoding="utf-8") == "mine"
    assert [path.name for path in tmp_path.iterdir()] == [home("loss")]


def test_the_command_says_what_to_do_next(run_fspp, tmp_path):
    done = run_fspp("plugins", "new", "scheduler", "steps", cwd=tmp_path)
    assert done.stdout.splitlines() == [
        "Wrote fspp-schedule-steps. Next:",
        "  python -m pip install -e fspp-schedule-steps",
        "  python -m pytest fspp-schedule-steps",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_folder_that_cannot_be_written_is_an_error_of_ours(run_fspp, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = run_fspp("plugins", "new", "loss", "x", "--into", str(tmp_path / "file" / "sub"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
