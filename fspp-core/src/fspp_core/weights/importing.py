"""Makes stored weights of a published file: read without running it, converted by the plugin, written, recorded."""

from __future__ import annotations

import logging
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np

from fspp_core.errors import FsppError, WeightsError
from fspp_core.files import atomic_path, file_digest
from fspp_core.specs import WeightFile
from fspp_core.weights.arrays import Arrays
from fspp_core.weights.published import read_published
from fspp_core.weights.store import WeightRecord, WeightStore
from fspp_core.weights.tensors import stored_name, write_tensors

LOG = logging.getLogger(__name__)


def import_weights(path: Path, file: WeightFile, store: WeightStore, *, origin: str | None = None) -> WeightRecord:
    """Store the weights in a file as those called `file.name`.

    Any edition is taken whose tensors the plugin's own conversion accepts: the same network is published in several
    formats, each with a digest of its own. What was stored before is replaced only when all went well.

    Args:
        path: file in one of the published formats.
        file: what it is.
        origin: where the file is from, for the record; its path when None.

    Raises:
        WeightsError: when it cannot be read or converted; nothing is changed.
    """
    published = digest_of(path)
    kind, raw = read_published(path)
    matches = bool(file.sha256) and published.startswith(file.sha256)
    if kind == "safetensors" and stored_name(path) == file.name:
        kind, tensors = "safetensors of another store", raw
    else:
        tensors = _converted(path, file, raw)
    if file.sha256 and not matches:
        LOG.info("%s is another edition than the one named (SHA-256 %s…); its tensors fit", path, file.sha256[:16])
    place = store.path(file.name)
    with store.writing(file.name):
        with atomic_path(place) as temporary:
            write_tensors(temporary, file.name, tensors)
            record = WeightRecord(
                name=file.name,
                licence=file.licence,
                source=file.source,
                origin=origin or str(path.resolve()),
                published_sha256=published,
                published_format=kind,
                as_published=matches,
                converted_by=file.convert,
                sha256=file_digest(temporary),
                size=temporary.stat().st_size,
                tensors=len(tensors),
            )
            store.forget_record(file.name)
        store.write_record(record)
    return record


def digest_of(path: Path) -> str:
    """SHA-256 of a file.

    Raises:
        WeightsError: when it cannot be read.
    """
    try:
        return file_digest(path)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror or error}") from error


def _converted(path: Path, file: WeightFile, raw: Arrays) -> Arrays:
    if file.convert is None:
        return raw
    try:
        tensors: Any = resolve_name(file.convert)(raw)
    except FsppError as error:
        raise WeightsError(f"{path} is not the weights {file.name!r}: {error}") from error
    except Exception as error:
        raise WeightsError(
            f"{path} is not the weights {file.name!r}: {file.convert} fails on it: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(tensors, dict) or not tensors or not all(isinstance(t, np.ndarray) for t in tensors.values()):
        raise WeightsError(f"{file.convert} must return a dict of arrays. Received: {type(tensors).__name__}")
    return tensors
