"""`benchmarks/run.py` finds the benchmarks, runs them all, and says which failed."""

from __future__ import annotations

import importlib.util

import pytest

GOOD = '''"""Quick."""
from ratio import Comparison


def main():
    return [Comparison("sum", "loop", 1.0, 2.0, 0.5, "at most 1")]
'''
BAD = '''"""Fails."""


def main():
    raise RuntimeError("no luck")
'''


@pytest.fixture
def runner(repository, tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("benchmarks_run", repository / "benchmarks" / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "ratio.py").write_bytes((repository / "benchmarks" / "ratio.py").read_bytes())
    (tmp_path / "a_bad.py").write_text(BAD, encoding="utf-8")
    (tmp_path / "b_good.py").write_text(GOOD, encoding="utf-8")
    (tmp_path / "helper.py").write_text('"""No benchmark."""\n', encoding="utf-8")
    monkeypatch.setattr(module, "HERE", tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return module


def test_goes_on_after_a_failure_and_says_so(runner, capsys):
    assert runner.main([]) == 1
    printed = capsys.readouterr()
    assert "a_bad            FAILED" in printed.out
    assert "x  0.50" in printed.out
    assert "no luck" in printed.err


def test_runs_those_named(runner, capsys):
    assert runner.main(["b_good"]) == 0
    assert "a_bad" not in capsys.readouterr().out


def test_an_unknown_name_is_refused(runner, capsys):
    assert runner.main(["helper"]) == 2
    assert "there are a_bad, b_good" in capsys.readouterr().err


def test_every_benchmark_of_the_repository_is_found(repository):
    spec = importlib.util.spec_from_file_location("benchmarks_run", repository / "benchmarks" / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    modules = {path.stem for path in (repository / "benchmarks").glob("*.py")} - module.NOT_BENCHMARKS
    compared = {
        name for name in modules if "compare(" in (repository / "benchmarks" / f"{name}.py").read_text(encoding="utf-8")
    }
    assert compared <= set(module.names())
    assert len(module.names()) >= 3


def test_quick_is_passed_on_to_those_that_know_it(runner, tmp_path, capsys):
    knows = GOOD.replace("def main():", "def main(*, quick=False):").replace('"sum"', 'f"quick {quick}"')
    (tmp_path / "c_knows.py").write_text(knows, encoding="utf-8")
    assert runner.main(["--quick", "b_good", "c_knows"]) == 0
    assert "quick True" in capsys.readouterr().out
    assert runner.main(["c_knows"]) == 0
    assert "quick False" in capsys.readouterr().out
