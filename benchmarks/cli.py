"""Start-up of the command line against Python itself and against importing the libraries it stands on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from ratio import Comparison, compare

LIBRARIES = "import click, pluggy, stevedore.named, importlib.metadata"
LIMIT_S = 0.3


def _python(*words: str) -> Callable[[], object]:
    command = [sys.executable, *words]
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main() -> list[Comparison]:
    """Wall time of whole processes; plugins are loaded in all of ours."""
    bare, libraries = _python("-c", "pass"), _python("-c", LIBRARIES)
    start = _python("-m", "fspp_core", "--help")
    listing = _python("-m", "fspp_core", "plugins")
    results = [
        compare("fspp --help", start, bare, against="python -c pass", aim=f"below {LIMIT_S} s", rounds=15),
        compare("fspp --help", start, libraries, against="its libraries", aim="below 2", rounds=15),
        compare("fspp plugins", listing, libraries, against="its libraries", aim="below 2", rounds=15),
    ]
    if results[0].ours_s >= LIMIT_S:
        print(f"fspp --help took {results[0].ours_s:.3f} s: the limit is {LIMIT_S} s")
    return results


if __name__ == "__main__":
    main()
