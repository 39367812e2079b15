"""Fetches published weights: from one address after the other, resuming, checked by digest before anything is kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fspp_core.errors import WeightsError
from fspp_core.files import file_digest
from fspp_core.locking import lock
from fspp_core.progress import CancelFlag, Progress, ignore
from fspp_core.specs import WeightFile
from fspp_core.weights.download import Rules, download
from fspp_core.weights.importing import import_weights
from fspp_core.weights.store import WeightRecord, WeightStore, by_hand, how

OFFLINE = "FSPP_OFFLINE"
"""Environment variable that, set to anything but 0, keeps fspp from using the network."""


def is_offline() -> bool:
    """Whether the environment forbids the network."""
    return os.environ.get(OFFLINE, "0") not in ("", "0")


def fetch(
    file: WeightFile,
    store: WeightStore,
    *,
    offline: bool = False,
    force: bool = False,
    rules: Rules | None = None,
    progress: Progress = ignore,
    cancel: CancelFlag | None = None,
) -> WeightRecord:
    """Have weights in the store: as they are, or downloaded, checked, converted and written.

    A download that broke off is gone on with, in this call and in later ones. Of a file with another digest nothing is
    kept.

    Args:
        offline: fail rather than use the network.
        force: fetch them although they are there.
        rules: patience of the download.

    Raises:
        WeightsError: when no address gives the file, with the reason of each.
        Cancelled: when the caller asked to stop; the download goes on from there next time.
    """
    if store.has(file.name) and not force:
        return store.verify(file)
    if not file.urls or not file.sha256:
        raise WeightsError(f"the weights {file.name!r} are not fetched: {how(file)}")
    if offline or is_offline():
        raise WeightsError(
            f"the weights {file.name!r} are not at {store.path(file.name)}, and the network is not to be used; "
            f"fetch {file.urls[0]} elsewhere, then: {by_hand(file)}"
        )
    with _partial(file, store) as partial:
        faults = []
        for url in file.urls:
            try:
                _one(url, partial, file, rules or Rules(), progress, cancel)
            except WeightsError as error:
                faults.append(f"  {url}: {error}")
                continue
            try:
                return import_weights(partial, file, store, origin=url)
            finally:
                partial.unlink(missing_ok=True)
    raise WeightsError(
        "\n".join(
            [f"the weights {file.name!r} could not be fetched:", *faults, f"or from a file of yours: {by_hand(file)}"]
        )
    )


@contextmanager
def _partial(file: WeightFile, store: WeightStore) -> Iterator[Path]:
    """Where the download grows, kept to this process; its name says which content it is the beginning of."""
    store.folder.mkdir(parents=True, exist_ok=True)
    path = store.path(file.name)
    growing = path.with_name(f".{path.stem}.{file.sha256[:16]}.download")
    with path.with_name(f".{path.stem}.fetch.lock").open("ab") as guard:
        lock(guard, path)
        yield growing


def _one(
    url: str, partial: Path, file: WeightFile, rules: Rules, progress: Progress, cancel: CancelFlag | None
) -> None:
    """Complete `partial` from one address; when what an earlier run or address left spoils it, once more from zero."""
    while True:
        begun = partial.exists()
        download(url, partial, file.size, rules, stage=f"fetch {file.name}", progress=progress, cancel=cancel)
        got = file_digest(partial)
        if got.startswith(file.sha256):
            return
        size = partial.stat().st_size
        partial.unlink()
        if not begun:
            raise WeightsError(f"SHA-256 expected {file.sha256}, got {got} ({size} bytes); nothing was kept")
