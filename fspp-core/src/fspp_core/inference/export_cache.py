"""Networks exported for OpenVINO, kept in the cache: found by what they were made of, and every byte checked."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fspp_core.files import atomic_path, file_digest

LOG = logging.getLogger(__name__)

ENVIRONMENT = "FSPP_CACHE_DIR"
_PARTS = ("graph", "weights")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Export:
    """A network as OpenVINO writes it.

    Attributes:
        graph: its XML.
        weights: its constants, one after another, uint8.
    """

    graph: str
    weights: npt.NDArray[np.uint8]


def cache_folder() -> Path:
    """The folder `FSPP_CACHE_DIR` names, else fspp's in the user's cache folder of this system."""
    given = os.environ.get(ENVIRONMENT)
    if given:
        return Path(given).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("fspp", appauthor=False))


def export_path(name: str, made_of: Sequence[Path | str], facts: Sequence[Any]) -> Path:
    """Where the export of a network lies, or would.

    Args:
        name: of the network; a plain file name.
        made_of: what it depends on: files, by their content, and anything else as it stands.
        facts: all else, such as versions; JSON.
    """
    parts = [file_digest(part) if isinstance(part, Path) else part for part in made_of]
    key = hashlib.sha256(json.dumps([name, parts, *facts]).encode()).hexdigest()
    return cache_folder() / "openvino" / f"{name}-{key[:32]}.npz"


def read_export(path: Path) -> Export | None:
    """The export, None when there is none or it is damaged: every byte is checked."""
    try:
        with path.open("rb") as file, np.load(file) as stored:
            graph, weights = (stored[part] for part in _PARTS)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        LOG.warning("%s is damaged and will be made again: %s", path, error)
        return None
    return Export(graph=graph.item(), weights=weights)


def write_export(path: Path, export: Export) -> None:
    """Keep an export; where it cannot be kept, a warning says so and it will be made again the next time."""
    try:
        with atomic_path(path) as temporary:
            np.savez(temporary, graph=np.array(export.graph), weights=export.weights)
    except OSError as error:
        LOG.warning("%s cannot be written, so the network will be exported again the next time: %s", path, error)
