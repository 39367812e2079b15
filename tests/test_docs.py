"""The documentation cannot drift: hooks, dependencies, links, examples, generated pages are compared with the code."""

from __future__ import annotations

import importlib.util
import inspect
import json
import re
import tomllib

import pytest

from fspp_core import hookspecs
from fspp_core.config import project_faults, read_project
from fspp_core.registry import load_registry
from fspp_core.testing.run import KIT_CLASSES, run_checks

HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("fspp_"))


@pytest.fixture(scope="module")
def docs(repository):
    return repository / "docs"


@pytest.fixture(scope="module")
def guide(docs):
    return (docs / "plugins.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def generator(docs):
    spec = importlib.util.spec_from_file_location("docs_generate", docs / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("hook", HOOKS)
def test_hook_is_documented_with_its_arguments(guide, hook):
    arguments = ", ".join(inspect.signature(getattr(hookspecs, hook)).parameters)
    assert f"\n### `{hook}({arguments})`\n" in guide


def test_no_hook_is_documented_that_is_not_there(guide):
    assert set(re.findall(r"^### `(\w+)\(", guide, re.M)) == set(HOOKS)


def test_every_class_of_the_kit_is_documented(guide):
    assert [name for name in KIT_CLASSES.values() if f"| `{name}` |" not in guide] == []


def test_generated_pages_are_current(generator):
    assert generator.stale() == [], "run: python docs/generate.py"


def test_public_names_are_all_there(generator, docs):
    surface = json.loads((docs / "api_surface.json").read_text(encoding="utf-8"))
    missing = [f"{m}.{name}" for m, names in surface.items() for name in names if not _has(m, name)]
    assert set(surface) == set(generator.PUBLIC)
    assert missing == []


def _has(module, name):
    return getattr(importlib.import_module(module), name, None) is not None


def test_links_lead_somewhere(repository):
    broken = []
    for page in [*repository.glob("*.md"), *repository.glob("docs/**/*.md"), *repository.glob("fspp-*/README.md")]:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            path = target.partition("#")[0]
            if path and "://" not in path and not (page.parent / path).exists():
                broken.append(f"{page.relative_to(repository)}: {target}")
    assert broken == []


def test_every_dependency_has_a_reason(repository, docs):
    text = (docs / "dependencies.md").read_text(encoding="utf-8")
    given = set(re.findall(r"^\| `([\w.-]+)` \| \w", text, re.M))
    wanted = set()
    for file in repository.glob("fspp-*/pyproject.toml"):
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        lists = [table["project"]["dependencies"], *table["project"].get("optional-dependencies", {}).values()]
        wanted |= {_name(line) for lines in [*lists, table["build-system"]["requires"]] for line in lines}
    for file in repository.glob("requirements*.txt"):
        lines = (line.partition("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines())
        wanted |= {_name(line) for line in lines if line and not line.startswith("-")}
    wanted = {name for name in wanted if not name.startswith("fspp-")}
    assert wanted - given == set(), "without a line in docs/dependencies.md"
    assert given - wanted == set(), "in docs/dependencies.md, but nothing depends on it"


def _name(requirement):
    return re.match(r"[\w.-]+", requirement)[0]


def test_example_plugin_of_the_guide_works(guide, tmp_path):
    name, code = re.search(r"<!-- example: ([\w.]+) -->\n```python\n(.*?)```", guide, re.S).groups()
    path = tmp_path / name
    path.write_text(code, encoding="utf-8")
    registry = load_registry(plugin_files=[path])
    schedule = registry.build("scheduler", "staircase")
    assert [schedule.factor(step, 100) for step in (0, 20, 99, 100, 1000)] == [1, 0.5, 0.0625, 0.0625, 0.0625]
    results = run_checks(registry, str(path), plugin_files=[path])
    assert [result for result in results if result.outcome == "failed"] == []


def test_example_project_file_is_valid(docs, tmp_path):
    text = (docs / "reference" / "files.md").read_text(encoding="utf-8")
    path = tmp_path / "fspp.toml"
    path.write_text(re.search(r"```toml\n(.*?)```", text, re.S)[1], encoding="utf-8")
    assert project_faults(read_project(path), load_registry()) == []


def test_commands_in_the_documents_exist(repository):
    """A command or flag that is shown is one that `fspp COMMAND --help` knows."""
    import click

    from fspp_core.cli import make_cli

    root = make_cli()
    context = click.Context(root, info_name="fspp")
    unknown, seen = [], 0
    for page in [repository / "README.md", *repository.glob("docs/*.md")]:
        blocks = "\n".join(re.findall(r"^```\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S))
        for line in re.findall(r"^fspp (?!-)(.+)$", blocks, re.M):
            seen += 1
            words = line.partition("#")[0].split()
            command = root.get_command(context, words[0])
            if isinstance(command, click.Group) and len(words) > 1 and not words[1].startswith("-"):
                command = command.get_command(context, words[1])
            known = {flag for p in getattr(command, "params", ()) for flag in (*p.opts, *p.secondary_opts)} | {"--help"}
            flags = {word.partition("=")[0] for word in words if word.startswith("-")}
            if command is None or flags - known:
                unknown.append(f"{page.name}: fspp {line}")
    assert unknown == []
    assert seen >= 6
