"""Fixtures shared by the tests of every distribution: golden numbers and real faces."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import socket
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import settings

settings.register_profile("fspp", deadline=None, derandomize="CI" in os.environ)  # machines are shared and differ
settings.load_profile("fspp")

ROOT = Path(__file__).resolve().parent
GOLDEN = ROOT / "tests" / "golden"

Golden = tuple[dict[str, Any], Mapping[str, npt.NDArray[Any]]]


@pytest.fixture(autouse=True, scope="session")
def _offline() -> Iterator[None]:
    """Tests reach no other machine; servers on this one are fine."""
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"tests must not use the network: connection to {address!r}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", local_only)
        yield


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def golden() -> Callable[[str], Golden]:
    """`golden("dfl_align")` gives the JSON and the arrays recorded from a peer under that name; either may be empty."""

    def load(name: str) -> Golden:
        facts, arrays = GOLDEN / f"{name}.json", GOLDEN / f"{name}.npz"
        if not facts.exists() and not arrays.exists():
            raise FileNotFoundError(f"no golden numbers called {name!r} in {GOLDEN}")
        values = json.loads(facts.read_text(encoding="utf-8")) if facts.exists() else {}
        if not arrays.exists():
            return values, {}
        with np.load(arrays) as stored:
            return values, {key: stored[key] for key in stored.files}

    return load


@pytest.fixture(scope="session")
def golden_weights() -> Callable[[Sequence[Mapping[str, Any]]], dict[str, npt.NDArray[Any]]]:
    """`golden_weights(facts["manifest"])` gives the weights a peer was run with, by the key they have in its files."""

    def tensor(entry: Mapping[str, Any]) -> npt.NDArray[Any]:
        if entry["dtype"] != "float32":
            return np.zeros(entry["shape"], entry["dtype"])
        numbers = np.random.default_rng(zlib.crc32(entry["name"].encode())).standard_normal(tuple(entry["shape"]))
        numbers = np.abs(numbers) if entry["abs"] else numbers
        made = (entry["offset"] + entry["mul"] * numbers).astype(np.float32)
        if zlib.crc32(made.tobytes()) != entry["crc32"]:
            raise ValueError(f"{entry['name']}: the rule gives other numbers than it gave when the peer was run")
        return made

    return lambda manifest: {entry["key"]: tensor(entry) for entry in manifest}


@pytest.fixture(scope="session", params=["keras", "openvino"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each of the engines that run networks; one that is not installed is skipped."""
    if request.param == "openvino" and importlib.util.find_spec("openvino") is None:
        pytest.skip("openvino is not installed: pip install 'fspp-core[openvino]'")
    return str(request.param)


def _bgr(path_or_array: Any) -> npt.NDArray[np.uint8]:
    from PIL import Image

    rgb = np.asarray(path_or_array) if isinstance(path_or_array, np.ndarray) else np.asarray(Image.open(path_or_array))
    bgr = np.ascontiguousarray(rgb[..., 2::-1], dtype=np.uint8)
    bgr.setflags(write=False)
    return bgr


@pytest.fixture(scope="session")
def astronaut() -> npt.NDArray[np.uint8]:
    """(512, 512, 3) uint8 BGR, read-only: Eileen Collins, NASA, public domain, from scikit-image."""
    from skimage import data

    return _bgr(data.astronaut())


@pytest.fixture(scope="session")
def hopper() -> npt.NDArray[np.uint8]:
    """(600, 512, 3) uint8 BGR, read-only: Grace Hopper, US Navy, public domain, from matplotlib."""
    import matplotlib.cbook

    return _bgr(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """The command line sets up the root logger; the next test must not find it so."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
