"""Tells by its content in which of the published formats a file of weights is, and reads it."""

from __future__ import annotations

import mmap
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from fspp_core.errors import WeightsError
from fspp_core.weights.arrays import MAX_BYTES, NUMPY, Arrays, collect
from fspp_core.weights.pickles import read_pickle
from fspp_core.weights.torch_files import LEGACY_MAGIC, open_zip, read_legacy, read_zip, zip_root

SUFFIXES = (".h5", ".hdf5", ".pth", ".pt", ".npy", ".safetensors")
_HEAD = 512


def read_published(path: Path) -> tuple[str, Arrays]:
    """Read a file of weights; nothing in it is run, whatever it says.

    Known are Keras's HDF5, torch's `.pth` (zipped and older), TorchScript archives, DeepFaceLab's pickled `.npy`,
    safetensors, and a zip with one of these in it.

    Returns:
        The format in a few words, and the tensors by their published names, as they lie in the file.

    Raises:
        WeightsError: naming the file, when it is in another format, damaged, or holds anything but tensors.
    """
    try:
        return _read(path, nested=False)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}; nothing was kept of it") from error
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror or error}") from error


def _read(path: Path, *, nested: bool) -> tuple[str, Arrays]:
    if path.is_dir():
        raise WeightsError("is a folder; name a file of weights")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise WeightsError(f"has {size} bytes; weights are expected to have at most {MAX_BYTES}")
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(b"PK\x03\x04"):
        return _zip(path, nested=nested)
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        from fspp_core.weights.keras_h5 import read_h5

        return "Keras HDF5", read_h5(path)
    if head[:1] == b"\x80" and LEGACY_MAGIC in head[:32]:
        return "torch, older format", _mapped(path, read_legacy)
    if head[:1] == b"\x80":
        return "pickled arrays", _mapped(path, lambda file: collect(read_pickle(file, NUMPY)))
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < size:
        from fspp_core.weights.tensors import read_tensors

        return "safetensors", read_tensors(path)
    raise WeightsError(_unknown(head))


def _unknown(head: bytes) -> str:
    if not head:
        return "is empty"
    if head.lstrip()[:1] == b"<":
        return "is a web page, perhaps the message of a server that did not have the file"
    if head.startswith(b"\x93NUMPY"):
        return "is a single numpy array without names; weights have many"
    return f"begins with {head[:8]!r}, which no format does that weights are published in ({', '.join(SUFFIXES)})"


def _mapped(path: Path, read: Callable[[Any], Arrays]) -> Arrays:
    """Read through a map of the file: a length in it that reaches past the end costs no memory."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        return read(mapped)


def _zip(path: Path, *, nested: bool) -> tuple[str, Arrays]:
    with open_zip(path) as archive:
        names = archive.namelist()
        root = zip_root(names)
        if root is not None:
            script = f"{root}constants.pkl" in names
            return "TorchScript" if script else "torch", read_zip(path)
        inner = [name for name in names if PurePosixPath(name).suffix.lower() in SUFFIXES]
        if len(inner) != 1 or nested:
            listed = ", ".join(names[:10]) or "nothing"
            raise WeightsError(f"is a zip file with {listed[:300]}, not with one file of weights")
        if archive.getinfo(inner[0]).file_size > MAX_BYTES:
            raise WeightsError(f"holds {inner[0][:100]!r} of more than {MAX_BYTES} bytes")
        with tempfile.TemporaryDirectory() as folder:
            unpacked = Path(folder) / f"weights{PurePosixPath(inner[0]).suffix.lower()}"
            with archive.open(inner[0]) as packed, unpacked.open("wb") as plain:
                shutil.copyfileobj(packed, plain, 1 << 20)  # zipfile gives no more than the size it has stated
            kind, arrays = _read(unpacked, nested=True)
    return f"{kind}, zipped", arrays
