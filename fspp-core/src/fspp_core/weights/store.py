"""Where weights lie: a folder of safetensors, each with a record of its licence, origin and digests beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from fspp_core.errors import WeightsError
from fspp_core.files import atomic_write, file_digest, remove_leftovers
from fspp_core.locking import lock

if TYPE_CHECKING:
    from fspp_core.specs import WeightFile

ENVIRONMENT = "FSPP_WEIGHTS_DIR"
SUFFIX = ".safetensors"


def default_folder() -> Path:
    """The folder `FSPP_WEIGHTS_DIR` names, else `weights` in the user's data folder of this system."""
    given = os.environ.get(ENVIRONMENT)
    if given:
        return Path(given).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("fspp", appauthor=False)) / "weights"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightRecord:
    """What is written beside stored weights, as JSON.

    Attributes:
        name: of the weights.
        licence: of the weights, as their plugin states it.
        source: where they come from, as their plugin states it.
        origin: address or file they were read from.
        published_sha256: digest of that file.
        published_format: its format.
        as_published: whether the digest is the one their plugin names; other editions of the same weights have others.
        converted_by: `"module:function"` that made the plugin's tensors of it, None when they were kept.
        sha256: digest of the safetensors.
        size: bytes of the safetensors.
        tensors: how many there are.
    """

    name: str
    licence: str
    source: str
    origin: str
    published_sha256: str
    published_format: str
    as_published: bool
    converted_by: str | None
    sha256: str
    size: int
    tensors: int


class WeightStore:
    """Stored weights by name."""

    def __init__(self, folder: Path | str | None = None) -> None:
        """Use `folder`, by default what `default_folder` says; it is made when something is stored."""
        self.folder = default_folder() if folder is None else Path(folder)

    def path(self, name: str) -> Path:
        """Where the weights called `name` lie, or would.

        Raises:
            WeightsError: when the name could lead out of the folder.
        """
        if not name or name.startswith(".") or set(name) & set('/\\:*?"<>|\0'):
            raise WeightsError(f"{name!r} cannot be the name of weights: it must be a plain file name")
        return self.folder / (name if name.endswith(SUFFIX) else f"{name}{SUFFIX}")

    def record_path(self, name: str) -> Path:
        """Where their record lies."""
        return self.path(name).with_suffix(".json")

    def has(self, name: str) -> bool:
        """Whether they are there with their record; `verify` tells whether they are whole."""
        return self.path(name).is_file() and self.record_path(name).is_file()

    def record(self, name: str) -> WeightRecord:
        """The record of stored weights.

        Raises:
            WeightsError: when it is missing or damaged.
        """
        place = self.record_path(name)
        try:
            values = json.loads(place.read_text(encoding="utf-8"))
            return WeightRecord(**{field.name: values[field.name] for field in fields(WeightRecord)})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WeightsError(
                f"{place}: the record of {name!r} is missing or damaged: {error!r}; {again(name)}"
            ) from None

    def write_record(self, record: WeightRecord) -> None:
        """Write the record, after the weights: what has none is not there."""
        atomic_write(self.record_path(record.name), json.dumps(asdict(record), indent=2, ensure_ascii=False) + "\n")

    def forget_record(self, name: str) -> None:
        """Remove the record, before the weights change."""
        self.record_path(name).unlink(missing_ok=True)

    @contextmanager
    def writing(self, name: str) -> Iterator[None]:
        """Keep the weights called `name` to this process while the block runs.

        Raises:
            BusyError: when another one is fetching or importing them.
        """
        place = self.path(name)
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f".{place.stem}.lock").open("ab") as guard:
            lock(guard, place)
            remove_leftovers(self.folder, place.name)
            yield

    def verify(self, file: WeightFile) -> WeightRecord:
        """Check stored weights to the last byte.

        Raises:
            WeightsError: when they are missing or not what was stored, with the digests expected and got.
        """
        self.paths([file])
        record = self.record(file.name)
        got = file_digest(self.path(file.name))
        if got != record.sha256:
            raise WeightsError(
                f"{self.path(file.name)}: SHA-256 expected {record.sha256}, got {got}; {again(file.name)}"
            )
        return record

    def paths(self, files: Sequence[WeightFile]) -> dict[str, Path]:
        """Where the weights of a component lie, by name.

        Raises:
            WeightsError: when some are missing or cut short, naming each, where it was looked for and what to run.
        """
        faults = []
        for file in files:
            place = self.path(file.name)
            if not self.has(file.name):
                known = f"{file.source}; licence: {file.licence}"
                faults.append(f"the weights {file.name!r} ({known}) are not at {place}; {how(file)}")
            elif place.stat().st_size != self.record(file.name).size:
                size = self.record(file.name).size
                faults.append(f"{place}: {size} bytes expected, got {place.stat().st_size}; {again(file.name)}")
        if faults:
            raise WeightsError("\n".join(faults))
        return {file.name: self.path(file.name) for file in files}


def how(file: WeightFile) -> str:
    """What to run to get weights."""
    mine = f"from a file of yours: {by_hand(file)}"
    if not file.urls:
        return f"nobody offers them for download; {mine}"
    if not file.sha256:
        return f"their digest is not known, so download {file.urls[0]} yourself, then: {by_hand(file)}"
    return f"get them with: fspp weights fetch {file.name}, or {mine}"


def by_hand(file: WeightFile) -> str:
    """What to run to store weights from a file."""
    return f"fspp weights import FILE --as {file.name}"


def again(name: str) -> str:
    """What to run when stored weights are damaged."""
    return f"get them again: fspp weights fetch --force {name}, or fspp weights import FILE --as {name}"
