"""Reads torch's files without torch: zipped and older `.pth`, and the modules of TorchScript archives."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from fspp_core.errors import WeightsError
from fspp_core.weights.arrays import MAX_BYTES, NUMPY, Arrays, checked_shape, collect
from fspp_core.weights.pickles import Name, Vocabulary, read_pickle

LEGACY_MAGIC = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"
"""Pickled number that the older format begins with, after the protocol."""

_BFLOAT16 = "bfloat16"
_STORAGES = {
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "BFloat16Storage": _BFLOAT16,
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "b1",
}
_MAX_PICKLE = 64 << 20  # the tensors lie beside it, so that it is small; a zip may unpack to far more than it weighs
_SCRIPT = "__torch__"  # where TorchScript puts the classes of a model


@dataclass(slots=True)
class Storage:
    """Numbers outside the pickle, of which tensors are views."""

    key: str
    code: str
    count: int
    data: bytes | None = None
    order: str = "<"

    @property
    def dtype(self) -> np.dtype[Any]:
        """As it lies in the file; bfloat16 as the 16 bits it is."""
        return np.dtype(self.order + ("u2" if self.code == _BFLOAT16 else self.code))

    def numbers(self) -> npt.NDArray[Any]:
        """All of them in a row, bfloat16 as float32."""
        if self.data is None or len(self.data) != self.count * self.dtype.itemsize:
            raise ValueError(f"its storage {self.key!r} is not whole")
        numbers = np.frombuffer(self.data, self.dtype)
        return (numbers.astype(np.uint32) << 16).view(np.float32) if self.code == _BFLOAT16 else numbers


@dataclass(slots=True)
class TensorRecord:
    """A view of a storage: where it begins, its sizes, and its strides in numbers."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def nbytes(self) -> int:
        """Bytes it will have."""
        width = 4 if self.storage.code == _BFLOAT16 else self.storage.dtype.itemsize
        return math.prod(self.shape) * width

    def array(self) -> npt.NDArray[Any]:
        """A copy with its own memory."""
        numbers = self.storage.numbers()
        if len(self.shape) != len(self.strides):
            raise ValueError("as many strides as sizes are needed")
        size = math.prod(self.shape)
        last = self.offset + sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))
        if size > len(numbers) or (size and last >= len(numbers)):
            raise ValueError("it reaches beyond its storage")
        if not size:
            return np.zeros(self.shape, numbers.dtype)
        steps = [step * numbers.itemsize for step in self.strides]
        return np.lib.stride_tricks.as_strided(numbers[self.offset :], self.shape, steps, writeable=False).copy()


@dataclass(slots=True)
class ScriptModule:
    """An object of a TorchScript class: its attributes, none of its code."""

    children: dict[Any, Any] = field(default_factory=dict)

    def set_state(self, state: Any) -> None:
        """Take the attributes."""
        self.children = state if isinstance(state, dict) else {"state": state}


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> TensorRecord:
    if not isinstance(storage, Storage) or type(offset) is not int or not 0 <= offset < 1 << 40:
        raise ValueError("a tensor without a storage")
    return TensorRecord(storage, offset, checked_shape(shape), checked_shape(strides))


def _first(value: Any, *_: Any) -> Any:
    return value


def _instance(name: Name) -> ScriptModule | None:
    return ScriptModule() if name.module.split(".")[0] == _SCRIPT else None


def _vocabulary(storages: dict[str, Storage]) -> Vocabulary:
    """What torch says; the storages it mentions are entered into `storages`."""

    def persistent(reference: Any) -> Storage:
        if not isinstance(reference, tuple) or not 5 <= len(reference) <= 6 or reference[0] != "storage":
            raise WeightsError("the pickle refers to something that is no storage; it was not run")
        _, kind, key, _, count, *view = reference
        code = _STORAGES.get(kind.name) if isinstance(kind, Name) and kind.module == "torch" else None
        if code is None or not isinstance(key, str) or type(count) is not int or not 0 <= count <= MAX_BYTES:
            raise ValueError("a malformed reference to a storage")
        if view and view[0] is not None:
            raise WeightsError("the file has views of storages, as torch wrote before version 0.4; save it again")
        known = storages.setdefault(key, Storage(key, code, count))
        if (known.code, known.count) != (code, count):
            raise ValueError(f"storage {key!r} is described in two ways")
        return known

    calls: dict[tuple[str, str], Callable[..., Any]] = {
        ("torch._utils", "_rebuild_tensor"): _tensor,
        ("torch._utils", "_rebuild_tensor_v2"): _tensor,
        ("torch._utils", "_rebuild_parameter"): _first,
        **{("torch.jit._pickle", f"build_{kind}list"): _first for kind in ("int", "tensor", "double", "bool")},
        ("torch.jit._pickle", "restore_type_tag"): _first,
        ("torch", "Size"): lambda sizes: checked_shape(sizes),
    }
    words = frozenset(("torch", name) for name in _STORAGES)
    return replace(
        NUMPY, calls={**NUMPY.calls, **calls}, words=NUMPY.words | words, persistent=persistent, instance=_instance
    )


def read_legacy(file: BinaryIO) -> Arrays:
    """Tensors of a file of the format before torch 1.6: pickles in a row, then the storages.

    Raises:
        WeightsError: when it is damaged, or holds anything but tensors in plain containers.
    """
    storages: dict[str, Storage] = {}
    vocabulary = _vocabulary(storages)
    _magic, _version = (read_pickle(file, vocabulary) for _ in range(2))
    system = read_pickle(file, vocabulary)
    order = "<" if not isinstance(system, dict) or system.get("little_endian", True) else ">"
    value = read_pickle(file, vocabulary)
    keys = read_pickle(file, vocabulary)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise WeightsError("the list of storages is damaged")
    for key in keys:
        storage = storages.get(key)
        if storage is None:
            raise WeightsError(f"storage {key[:50]!r} belongs to no tensor")
        storage.order = order
        size = int.from_bytes(file.read(8), "little" if order == "<" else "big")
        if size != storage.count:
            raise WeightsError(f"storage {key[:50]!r} has {size} numbers, expected {storage.count}: is the file whole?")
        storage.data = file.read(size * storage.dtype.itemsize)
    return collect(value)


def zip_root(names: list[str]) -> str | None:
    """The folder in a zip that holds a torch archive, None when it is another zip."""
    return next((name.removesuffix("data.pkl") for name in names if name.endswith("/data.pkl")), None)


def read_zip(path: Path) -> Arrays:
    """Tensors of a zipped `.pth` or of a TorchScript archive, whose code is not looked at.

    Raises:
        WeightsError: when it is damaged, or holds anything but tensors in plain containers and modules.
    """
    storages: dict[str, Storage] = {}
    with open_zip(path) as archive:
        names = archive.namelist()
        root = zip_root(names) or ""
        value = read_pickle(io.BytesIO(read_entry(archive, f"{root}data.pkl", _MAX_PICKLE)), _vocabulary(storages))
        big = f"{root}byteorder" in names and read_entry(archive, f"{root}byteorder", 16).strip() == b"big"
        total = sum(storage.count * storage.dtype.itemsize for storage in storages.values())
        if total > MAX_BYTES:
            raise WeightsError(f"the storages of the file take more than {MAX_BYTES} bytes")
        for key, storage in storages.items():
            storage.order = ">" if big else "<"
            storage.data = read_entry(archive, f"{root}data/{key}", storage.count * storage.dtype.itemsize)
        return collect(value)


class open_zip:  # noqa: N801 - used as a function
    """A zip file whose many ways to be damaged all come out as one error."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> zipfile.ZipFile:
        try:
            self._archive = zipfile.ZipFile(self._path)
        except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError) as error:
            raise WeightsError(f"the zip file is damaged: {error}") from error
        return self._archive

    def __exit__(self, _kind: Any, error: BaseException | None, _trace: Any) -> None:
        self._archive.close()
        damaged = (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError, RuntimeError, ValueError)
        if isinstance(error, damaged):
            raise WeightsError(f"the zip file is damaged: {error}") from error


def read_entry(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Content of an entry, refused when it is longer than `most` bytes, whatever the archive says of it.

    Raises:
        WeightsError: when it is longer.
    """
    with archive.open(name) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise WeightsError(f"{name[:100]!r} in the zip file is longer than the {most} bytes it should have")
    return data
