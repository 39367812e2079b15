"""Run every benchmark of this folder and print their ratios in one table: python benchmarks/run.py [--quick] [NAME ...]

With --quick, benchmarks that can do less do so.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import platform
import sys
import time
import traceback
from pathlib import Path

from fspp_core.cli.quiet import start_backend

HERE = Path(__file__).resolve().parent
NOT_BENCHMARKS = {"ratio", "run"}
QUICK = "--quick"


def names() -> list[str]:
    """Names of the benchmarks: the modules beside this one that have a `main`."""
    modules = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NOT_BENCHMARKS)
    return [name for name in modules if "\ndef main(" in (HERE / f"{name}.py").read_text(encoding="utf-8")]


def run(name: str, *, quick: bool = False) -> list[object]:
    """Import a benchmark and run it; its comparisons. A `main` that takes `quick` is told."""
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{name}.py cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    takes_quick = "quick" in inspect.signature(module.main).parameters
    return list(module.main(quick=quick) if takes_quick else module.main())


def main(chosen: list[str]) -> int:
    """Run the benchmarks, all or those named, one after another, also after one that fails; the exit code."""
    known = names()
    quick, chosen = QUICK in chosen, [name for name in chosen if name != QUICK]
    unknown = [name for name in chosen if name not in known]
    if unknown:
        print(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    start_backend()  # once and quietly, so that no benchmark pays for it
    sys.path.insert(0, str(HERE))
    results: dict[str, list[object]] = {}
    failed = []
    for name in chosen or known:
        print(f"== {name}", flush=True)
        start = time.perf_counter()
        try:
            results[name] = run(name, quick=quick)
        except Exception:  # noqa: BLE001 - the others are still wanted
            traceback.print_exc()
            failed.append(name)
        print(f"   {time.perf_counter() - start:.0f} s", flush=True)
    print(f"\n{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    print("ratio: ours / baseline, below 1 is faster\n")
    for name, comparisons in results.items():
        for comparison in comparisons:
            print(f"{name:<16} {comparison}")
    for name in failed:
        print(f"{name:<16} FAILED, see above")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
