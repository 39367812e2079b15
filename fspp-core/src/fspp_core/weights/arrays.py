"""What pickles of numpy arrays say, and the tensors found in what a file holds, by dotted name."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fspp_core.errors import WeightsError
from fspp_core.weights.pickles import Vocabulary, ordered_dict

Arrays = dict[str, npt.NDArray[Any]]

MAX_BYTES = 4 << 30
"""Largest file that is read, and most tensors that are made of one; the largest known weights have 1.3 GB."""

_MAX_DEPTH = 64
_MAX_VALUES = 1_000_000
_MAX_NAME = 1000
_CODE = re.compile(r"[|<>=]?(b1|[iu][1248]|f[248])")
_WRAPPERS = ("state_dict", "model_state_dict", "model")
_PARALLEL = "module."  # what torch's DataParallel puts before every name


class Lazy(Protocol):
    """Something that is an array once it is asked."""

    def array(self) -> npt.NDArray[Any]:
        """Make it; ValueError when the pieces do not fit."""
        ...

    def nbytes(self) -> int:
        """Bytes it will have."""
        ...


@dataclass(slots=True)
class DtypeRecord:
    """`numpy.dtype`, of plain numbers only."""

    code: str
    order: str = "="

    def set_state(self, state: Any) -> None:
        """Take byte order and nothing else: no fields, no sub-arrays, no objects."""
        if not isinstance(state, tuple) or len(state) < 5 or any(part is not None for part in state[2:5]):
            raise ValueError("a dtype with fields")
        if state[1] not in ("<", ">", "|", "="):
            raise ValueError(f"byte order {state[1]!r}")
        self.order = state[1]

    def dtype(self) -> np.dtype[Any]:
        """The dtype itself."""
        return np.dtype(self.order + self.code[-2:])


@dataclass(slots=True)
class ArrayRecord:
    """A `numpy.ndarray` being read."""

    content: tuple[tuple[int, ...], DtypeRecord, bool, bytes] | None = field(default=None)

    def set_state(self, state: Any) -> None:
        """Take (version, shape, dtype, Fortran order, bytes)."""
        if not isinstance(state, tuple) or len(state) != 5:
            raise ValueError("an array's state is malformed")
        _, shape, dtype, fortran, data = state
        if isinstance(data, str):  # Python 2 wrote bytes as text
            data = data.encode("latin-1")
        if not isinstance(dtype, DtypeRecord) or not isinstance(data, bytes):
            raise ValueError("an array of something else than numbers")
        self.content = (checked_shape(shape), dtype, bool(fortran), data)

    def nbytes(self) -> int:
        """Bytes it has."""
        return 0 if self.content is None else len(self.content[3])

    def array(self) -> npt.NDArray[Any]:
        """The array, read-only over the bytes of the file."""
        if self.content is None:
            raise ValueError("an array without content")
        shape, record, fortran, data = self.content
        dtype = record.dtype()
        if math.prod(shape) * dtype.itemsize != len(data):
            raise ValueError(f"{len(data)} bytes for {dtype} of shape {shape}")
        return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


def checked_shape(shape: Any) -> tuple[int, ...]:
    """A shape as plain sizes.

    Raises:
        ValueError: when it is none.
    """
    if not isinstance(shape, tuple | list) or len(shape) > 16:
        raise ValueError(f"a shape of type {type(shape).__name__}")
    if not all(type(size) is int and 0 <= size < 1 << 40 for size in shape):
        raise ValueError("a shape with impossible sizes")
    return tuple(shape)


def _dtype(code: Any, *_: Any) -> DtypeRecord:
    text = code.decode("ascii") if isinstance(code, bytes) else code
    if not isinstance(text, str) or not _CODE.fullmatch(text):
        raise WeightsError(f"an array of dtype {str(code)[:50]!r}: only numbers can be weights")
    return DtypeRecord(text, "=" if len(text) == 2 else text[0])


def _reconstruct(*_: Any) -> ArrayRecord:
    return ArrayRecord()


def _scalar(dtype: Any, data: Any) -> ArrayRecord:
    record = ArrayRecord()
    record.set_state((1, (), dtype, False, data))
    return record


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> ArrayRecord:
    record = ArrayRecord()
    record.set_state((1, shape, dtype, order == "F", data))
    return record


def _encode(text: Any, encoding: Any) -> bytes:
    if encoding not in ("latin1", "latin-1") or not isinstance(text, str):
        raise ValueError("text in an unexpected encoding")
    return text.encode("latin-1")


_CORES = ("numpy.core", "numpy._core")  # before and since numpy 2
NUMPY = Vocabulary(
    calls={
        **{(f"{core}.multiarray", "_reconstruct"): _reconstruct for core in _CORES},
        **{(f"{core}.multiarray", "scalar"): _scalar for core in _CORES},
        **{(f"{core}.numeric", "_frombuffer"): _from_buffer for core in _CORES},
        ("numpy", "dtype"): _dtype,
        ("_codecs", "encode"): _encode,
        ("collections", "OrderedDict"): ordered_dict,
    },
    words=frozenset({("numpy", "ndarray")}),
)
"""What a pickle of numpy arrays says, by whatever version of Python and numpy."""


def collect(value: Any) -> Arrays:
    """All tensors in nested containers, by their keys joined with dots; what a checkpoint wraps them in is taken off.

    Raises:
        WeightsError: when there is none, two have one name, or there is more than weights can have.
    """
    found: dict[str, Lazy] = {}
    todo, seen, size = [(_unwrapped(value), "", 0)], 0, 0
    while todo:
        item, name, depth = todo.pop()
        seen += 1
        if seen > _MAX_VALUES or depth > _MAX_DEPTH or len(name) > _MAX_NAME:
            raise WeightsError("the file nests or repeats its content beyond what weights do")
        if hasattr(item, "array"):
            if name in found:
                raise WeightsError(f"two tensors are called {name!r}")
            found[name] = item
            size += item.nbytes()
            if size > MAX_BYTES:
                raise WeightsError(f"the tensors of the file take more than {MAX_BYTES} bytes")
            continue
        children = getattr(item, "children", item)
        if isinstance(children, list | tuple):
            children = dict(enumerate(children))
        if isinstance(children, dict):
            inner = [(child, f"{name}.{key}" if name else str(key), depth + 1) for key, child in children.items()]
            todo += reversed(inner)
    if not found:
        raise WeightsError("there are no tensors in the file")
    if all(name.startswith(_PARALLEL) for name in found):
        found = {name.removeprefix(_PARALLEL): item for name, item in found.items()}
    return {name: _made(name, item) for name, item in found.items()}


def _unwrapped(value: Any) -> Any:
    for _ in _WRAPPERS:
        inner = next((value[key] for key in _WRAPPERS if isinstance(value, dict) and key in value), None)
        if not isinstance(inner, dict) and not hasattr(inner, "children"):
            break
        value = inner
    return value


def _made(name: str, item: Lazy) -> npt.NDArray[Any]:
    try:
        array = item.array()
    except ValueError as error:
        raise WeightsError(f"tensor {name[:200]!r} is damaged: {error}") from error
    return array.astype(array.dtype.newbyteorder("="), copy=False)
