"""Which weights the installed components want, and which of them a file could be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from fspp_core.errors import WeightsError
from fspp_core.specs import ComponentSpec, WeightFile
from fspp_core.weights.store import SUFFIX


@dataclass(frozen=True, slots=True)
class Wanted:
    """Weights and the components (`"kind name"`) that want them."""

    file: WeightFile
    components: tuple[str, ...]


def catalogue(specs: Iterable[ComponentSpec]) -> dict[str, Wanted]:
    """All weights that components want, by name.

    Raises:
        WeightsError: when two components mean different files by one name.
    """
    found: dict[str, Wanted] = {}
    for spec in specs:
        for file in spec.weights:
            known = found.get(file.name)
            label = f"{spec.kind} {spec.name}"
            if known is not None and known.file != file:
                raise WeightsError(
                    f"{label} and {known.components[0]} mean different files by the weights {file.name!r}; "
                    "uninstall one of the two"
                )
            found[file.name] = Wanted(file, (*(known.components if known else ()), label))
    return dict(sorted(found.items()))


def chosen(known: Mapping[str, Wanted], names: Iterable[str]) -> list[WeightFile]:
    """Weights by their names, or by the name of a component that wants them.

    Raises:
        WeightsError: for a name that is neither, with those that are near.
    """
    files: dict[str, WeightFile] = {}
    for name in names:
        mine = [w.file for n, w in known.items() if _same(name, n)]
        mine = mine or [w.file for w in known.values() if any(c.partition(" ")[2] == name for c in w.components)]
        if not mine:
            near = get_close_matches(name, known, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known) or 'none'}"
            raise WeightsError(f"no installed component wants weights called {name!r}; {hint}")
        files |= {file.name: file for file in mine}
    return list(files.values())


def recognised(known: Mapping[str, Wanted], path: Path, sha256: str) -> WeightFile | None:
    """The weights a file is by its digest, else by its name; None when neither tells, or the name tells of several."""
    files = [wanted.file for wanted in known.values()]
    by_digest = [file for file in files if file.sha256 and sha256.startswith(file.sha256)]
    if by_digest:
        return by_digest[0]
    by_name = [file for file in files if path.name in _published_names(file) or _same(path.stem, file.name)]
    return by_name[0] if len(by_name) == 1 else None


def _same(word: str, name: str) -> bool:
    """Whether a word means the weights of that name, with or without the suffix they are stored with."""
    return word.casefold() in (name.casefold(), name.casefold().removesuffix(SUFFIX))


def _published_names(file: WeightFile) -> set[str]:
    return {PurePosixPath(urlsplit(url).path).name for url in file.urls}
