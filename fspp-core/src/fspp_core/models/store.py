"""The checkpoints of one model folder: written aside and renamed, several kept, damaged ones found and named."""

from __future__ import annotations

import json
import logging
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fspp_core import backend
from fspp_core.errors import CheckpointError
from fspp_core.files import file_digest, long_path, sync, sync_folder
from fspp_core.models.checkpoint import FORMAT, MODEL, OPTIMIZER, STATE, SUFFIX, Checkpoint, digest
from fspp_core.models.parts import part_arrays
from fspp_core.models.tensors import write_tensors

if TYPE_CHECKING:
    import keras

LOG = logging.getLogger(__name__)

_NAME = re.compile(r"step-(\d{8,})(?:-(\d+))?")
_PART_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ASIDE = ".part"


@dataclass(frozen=True, slots=True)
class Damage:
    """A checkpoint that cannot be used.

    Attributes:
        path: its folder.
        fault: the file at fault and what is wrong with it.
    """

    path: Path
    fault: str

    def __str__(self) -> str:
        return f"{self.path.name} is damaged: {self.fault}"


class CheckpointStore:
    """The checkpoints of a model folder, in its subfolder `checkpoints`. One process may write to it at a time.

    Args:
        folder: the model folder; made at the first save.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder) / "checkpoints"
        self.damaged: list[Damage] = []
        """Damaged checkpoints met by the last `latest`, `open` or `all`."""

    def save(
        self,
        *,
        step: int,
        model_name: str,
        model_options: Mapping[str, Any],
        owner: Mapping[str, str],
        parts: Mapping[str, keras.Model],
        optimizer: Mapping[str, npt.NDArray[Any]],
        state: Mapping[str, Any],
        keep: int,
    ) -> Path:
        """Write a checkpoint; earlier ones are removed only once the new one has been read back and is whole.

        Args:
            step: updates done.
            model_name: name of the model component.
            model_options: every option it was built with.
            owner: `distribution` and `version` the model comes from.
            parts: the model's parts by name.
            optimizer: its variables by names of the caller's choice.
            state: what else training needs to go on; JSON values, numpy numbers and arrays.
            keep: how many good checkpoints to keep, at least 1. Damaged ones that are newer than the oldest of these
                stay, for whoever wants to look at them.

        Returns:
            Its folder. A step saved a second time gets a folder of its own, `step-00001000-2`.

        Raises:
            CheckpointError: when it cannot be written; what was there before is untouched.
        """
        weights = {name: part_arrays(part) for name, part in parts.items()}
        model = {"model": model_name, "options": dict(model_options), "owner": dict(owner)}
        return self.write(step=step, model=model, weights=weights, optimizer=optimizer, state=state, keep=keep)

    def write(
        self,
        *,
        step: int,
        model: Mapping[str, Any],
        weights: Mapping[str, Mapping[str, npt.NDArray[Any]]],
        optimizer: Mapping[str, npt.NDArray[Any]],
        state: Mapping[str, Any],
        keep: int,
    ) -> Path:
        """`save` of weights that are arrays already. `model` holds `model`, `options` and `owner`."""
        for name in weights:
            if not _PART_NAME.fullmatch(name) or f"{name}{SUFFIX}" == OPTIMIZER:
                raise CheckpointError(f"part {name!r} cannot be a file: lower case letters, digits, _, not 'optimizer'")
        if step < 0 or keep < 1:
            raise CheckpointError(f"step must be 0 or more and keep 1 or more. Received: step={step}, keep={keep}")
        try:
            long_path(self.folder).mkdir(parents=True, exist_ok=True)
            self._clear_leftovers()
            aside = self.folder / f".step-{step:08d}.{secrets.token_hex(4)}{_ASIDE}"
            try:
                _fill(aside, step, model, weights, optimizer, state)
                final = self._place(aside, step)
            except BaseException:
                shutil.rmtree(long_path(aside), ignore_errors=True)
                raise
        except OSError as error:
            raise CheckpointError(
                f"{self.folder}: the checkpoint of step {step} cannot be written: {error}; free some space or choose "
                "another folder. Earlier checkpoints are untouched"
            ) from error
        written = Checkpoint.read(final)
        written.verify()
        self._prune(final, keep)
        return final

    def all(self) -> list[Checkpoint]:
        """The checkpoints whose records are readable and whose files have their full size, newest first."""
        self.damaged = []
        return list(self._readable())

    def latest(self) -> Checkpoint | None:
        """The newest checkpoint that is whole, every checksum compared; None when there are no checkpoints.

        Damaged newer ones are logged, and listed in `damaged`.

        Raises:
            CheckpointError: when there are checkpoints and all of them are damaged, naming each.
        """
        self.damaged = []
        for checkpoint in self._readable():
            try:
                checkpoint.verify()
            except CheckpointError as error:
                self._note(checkpoint.path, error)
                continue
            if self.damaged:
                LOG.warning("going on from the newest good checkpoint, %s", checkpoint.path)
            return checkpoint
        if self.damaged:
            listed = "\n  ".join(map(str, self.damaged))
            raise CheckpointError(
                f"{self.folder}: no checkpoint is whole:\n  {listed}\n"
                "Bring one back from a copy, or use another model folder"
            )
        return None

    def open(self, step: int) -> Checkpoint:
        """The newest checkpoint of that step, every checksum compared.

        Raises:
            CheckpointError: when there is none, or it is damaged; tells the newest good one.
        """
        damaged: list[Damage] = []
        for path in (path for path in self._folders() if _order(path)[0] == step):
            try:
                checkpoint = Checkpoint.read(path)
                checkpoint.verify()
                return checkpoint
            except CheckpointError as error:
                damaged.append(Damage(path, str(error)))
        wrong = "; ".join(map(str, damaged)) or f"there is no checkpoint of step {step}"
        latest = self.latest()
        advice = "there is no good one" if latest is None else f"the newest good one is {latest.path}"
        raise CheckpointError(f"{self.folder}: {wrong}; {advice}")

    def _folders(self) -> list[Path]:
        """Folders that are checkpoints by their name, newest first."""
        if not self.folder.is_dir():
            return []
        found = [path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]
        return sorted(found, key=_order, reverse=True)

    def _readable(self) -> Iterator[Checkpoint]:
        for path in self._folders():
            try:
                yield Checkpoint.read(path)
            except CheckpointError as error:
                self._note(path, error)

    def _note(self, path: Path, error: CheckpointError) -> None:
        damage = Damage(path, str(error))
        self.damaged.append(damage)
        LOG.warning("checkpoint %s", damage)

    def _place(self, aside: Path, step: int) -> Path:
        """Rename to the first free name: a folder cannot be replaced in one move, and on Windows not at all."""
        taken = {_order(path)[1] for path in self._folders() if _order(path)[0] == step}
        number = max(taken, default=0) + 1
        final = self.folder / (f"step-{step:08d}" if number == 1 else f"step-{step:08d}-{number}")
        _rename(aside, final)
        sync_folder(self.folder)
        return final

    def _prune(self, newest: Path, keep: int) -> None:
        good = []
        for path in self._folders():
            try:
                good.append(Checkpoint.read(path).path)
            except CheckpointError:
                continue
        kept = {newest, *good[:keep]}
        oldest = min(map(_order, kept)) if len(good) >= keep else (-1, 0)
        for path in self._folders():
            if path not in kept and (path in good or _order(path) < oldest):
                self._remove(path)

    def _remove(self, path: Path) -> None:
        """Take a checkpoint out of sight first, so that a kill halfway leaves no damaged one behind."""
        hidden = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_ASIDE}")
        try:
            _rename(path, hidden)
            shutil.rmtree(long_path(hidden))
        except OSError as error:
            LOG.warning("the old checkpoint %s could not be removed: %s", path, error)

    def _clear_leftovers(self) -> None:
        for path in self.folder.iterdir():
            if path.name.startswith(".step-") and path.name.endswith(_ASIDE):
                shutil.rmtree(long_path(path), ignore_errors=True)


def _order(path: Path) -> tuple[int, int]:
    match = _NAME.fullmatch(path.name)
    return (int(match[1]), int(match[2] or 1)) if match else (-1, 0)


def _fill(
    folder: Path,
    step: int,
    model: Mapping[str, Any],
    weights: Mapping[str, Mapping[str, npt.NDArray[Any]]],
    optimizer: Mapping[str, npt.NDArray[Any]],
    state: Mapping[str, Any],
) -> None:
    """Write all files of a checkpoint and wait until they are on the disk."""
    long_path(folder).mkdir()
    parts = {name: _description(arrays) for name, arrays in weights.items()}
    _write_json(folder / MODEL, {"format": FORMAT, **model, "parts": parts})
    names = [MODEL]
    for name, arrays in {
        **{f"{part}{SUFFIX}": arrays for part, arrays in weights.items()},
        OPTIMIZER: optimizer,
    }.items():
        write_tensors(long_path(folder / name), arrays)
        sync(long_path(folder / name))
        names.append(name)
    record = {
        "format": FORMAT,
        "step": step,
        "saved": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": backend.versions(),
        "state": dict(state),
        "files": {
            name: {"bytes": long_path(folder / name).stat().st_size, "sha256": file_digest(folder / name)}
            for name in names
        },
    }
    record = json.loads(_text(record, folder / STATE))
    _write_json(folder / STATE, {**record, "checksum": digest(record)})
    sync_folder(folder)


def _description(arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, Any]:
    return {
        "parameters": sum(int(array.size) for array in arrays.values()),
        "weights": {name: {"shape": list(a.shape), "dtype": a.dtype.name} for name, a in arrays.items()},
    }


def _write_json(path: Path, record: Mapping[str, Any]) -> None:
    long_path(path).write_text(_text(record, path) + "\n", encoding="utf-8")
    sync(long_path(path))


def _text(record: Mapping[str, Any], path: Path) -> str:
    try:
        return json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path.name}: cannot be written as JSON: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} {value!r} is no JSON value")


def _rename(old: Path, new: Path) -> None:
    """Rename a folder; on Windows a virus scanner may hold a new file for a moment."""
    for wait in (0.1, 0.2, 0.4, 0.8, None):
        try:
            long_path(old).rename(long_path(new))
            return
        except PermissionError:
            if wait is None:
                raise
            time.sleep(wait)
