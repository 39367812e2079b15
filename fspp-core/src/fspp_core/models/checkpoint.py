"""One checkpoint: a folder of named parts, optimizer and state, each file with its checksum.

step-00001000/
    model.json              model, options, distribution and version it came from, parts with shapes
    encoder.safetensors     one file a part
    optimizer.safetensors
    state.json              step, what training adds, versions, size and SHA-256 of every other file
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fspp_core.errors import CheckpointError
from fspp_core.files import file_digest, long_path
from fspp_core.models.parts import load_parts
from fspp_core.models.tensors import read_tensors
from fspp_core.tensors import Arrays

if TYPE_CHECKING:
    from fspp_core.interfaces import SwapModel

FORMAT = 1
MODEL, STATE, OPTIMIZER, SUFFIX = "model.json", "state.json", "optimizer.safetensors", ".safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint whose records have been read; `verify` tells whether its arrays are whole.

    Attributes:
        path: its folder.
        step: updates done.
        model_name: name of the model component.
        model_options: every option the model was built with.
        owner: `distribution` and `version` the model came from.
        parts: for each part its `parameters` and its `weights`, each with `shape` and `dtype`.
        versions: of Python and the packages it was written with.
        saved: UTC time of writing, ISO 8601.
        state: what training recorded.
        files: size in bytes and SHA-256 of every file but `state.json`.
    """

    path: Path
    step: int
    model_name: str
    model_options: Mapping[str, Any]
    owner: Mapping[str, str]
    parts: Mapping[str, Mapping[str, Any]]
    versions: Mapping[str, str]
    saved: str
    state: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, path: Path) -> Checkpoint:
        """Read the records of a checkpoint and see that every file is there in its full size.

        Raises:
            CheckpointError: naming the file at fault.
        """
        state = _json(path / STATE)
        recorded = state.pop("checksum", None)
        if recorded != digest(state):
            raise CheckpointError(f"{path / STATE}: its checksum is wrong")
        try:
            if state["format"] != FORMAT:
                raise CheckpointError(
                    f"{path}: has format {state['format']}, this fspp-core reads {FORMAT}; install another version"
                )
            for name, entry in state["files"].items():
                _check_size(path / name, entry["bytes"])
            _verify_file(path / MODEL, state["files"][MODEL]["sha256"])
            model = _json(path / MODEL)
            return cls(
                path=path,
                step=state["step"],
                model_name=model["model"],
                model_options=model["options"],
                owner=model["owner"],
                parts=model["parts"],
                versions=state["versions"],
                saved=state["saved"],
                state=state["state"],
                files=state["files"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{path}: its records lack {error}") from error

    def verify(self) -> None:
        """Compare every file with its checksum.

        Raises:
            CheckpointError: naming the file that has changed or cannot be read.
        """
        for name, entry in self.files.items():
            _verify_file(self.path / name, entry["sha256"])

    def part(self, name: str) -> Arrays:
        """The weights of one part by their paths in it.

        Raises:
            CheckpointError: when there is no such part, or its file is damaged.
        """
        if name not in self.parts:
            raise CheckpointError(f"{self.path}: has no part {name!r}; its parts: {', '.join(self.parts)}")
        return read_tensors(long_path(self.path / f"{name}{SUFFIX}"))

    def load_parts(self, model: SwapModel) -> None:
        """Put the weights of all parts into a model.

        Raises:
            CheckpointError: listing every part, name and shape that differs, or naming a damaged file; the model is
                unchanged then.
        """
        load_parts(model.parts, {name: self.part(name) for name in self.parts}, where=str(self.path))

    def optimizer(self) -> Arrays:
        """The optimizer's arrays, as training gave them; empty when it gave none.

        Raises:
            CheckpointError: when the file is damaged.
        """
        return read_tensors(long_path(self.path / OPTIMIZER)) if OPTIMIZER in self.files else {}


def digest(record: Any) -> str:
    """SHA-256 of a JSON value, whatever its spacing and the order of its keys."""
    text = json.dumps(record, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _check_size(path: Path, expected: int) -> None:
    file = long_path(path)
    if not file.is_file():
        raise CheckpointError(f"{path}: is missing")
    if (size := file.stat().st_size) != expected:
        raise CheckpointError(f"{path}: has {size} bytes, {expected} were written")


def _verify_file(path: Path, expected: str) -> None:
    try:
        found = file_digest(path)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error}") from error
    if found != expected:
        raise CheckpointError(f"{path}: its checksum is wrong, {found[:12]} instead of {expected[:12]}")


def _json(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(long_path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: is missing") from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: cannot be read: {error}") from error
    if not isinstance(record, dict):
        raise CheckpointError(f"{path}: is not a JSON object")
    return record
