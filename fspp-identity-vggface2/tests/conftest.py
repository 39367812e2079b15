"""Weights made by a rule from their names, and a .pth file written as torch would."""

from __future__ import annotations

import struct
import zipfile
import zlib

import numpy as np
import pytest


def _tensor(name, shape):
    numbers = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape, np.float32)
    if name.endswith("running_var"):
        return 1 + 0.1 * np.abs(numbers)
    if len(shape) > 1:
        return numbers * np.sqrt(2 / np.prod(shape[1:]), dtype=np.float32)
    if name.endswith(("res_layer.5.weight", "increase_bn.weight")):
        return 0.3 + 0.1 * numbers  # so that no more is added at each block than the last ones can hold
    if name.endswith(("input_layer.2.weight", "res_layer.3.weight")):
        return 0.25 + 0.5 * numbers  # slopes, of which some are above 1 and some below 0
    return (1 if name.endswith(".weight") else 0) + 0.1 * numbers


@pytest.fixture(scope="session")
def made():
    """`made(shapes)` gives tensors of these names and shapes."""
    return lambda shapes: {name: _tensor(name, shape).astype(np.float32) for name, shape in shapes.items()}


def _text(word):
    return b"X" + struct.pack("<I", len(word)) + word.encode()


def _number(value):
    return b"J" + struct.pack("<i", value)


def _numbers(values):
    return b"(" + b"".join(map(_number, values)) + b"t"


def _entry(name, key, array):
    kind = {"<f4": "FloatStorage", "<i8": "LongStorage"}[array.dtype.str]
    storage = b"(" + _text("storage") + f"ctorch\n{kind}\n".encode() + _text(key) + _text("cpu") + _number(array.size)
    steps = [stride // array.itemsize for stride in array.strides]
    hooks = b"\x89ccollections\nOrderedDict\n)R"
    view = b"(" + storage + b"tQ" + _number(0) + _numbers(array.shape) + _numbers(steps) + hooks + b"t"
    return _text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n" + view + b"R"


@pytest.fixture(scope="session")
def write_pth():
    """`write_pth(path, state)` writes a state dict as torch 1.6 and later does."""

    def write(path, state):
        entries = b"".join(_entry(name, str(key), array) for key, (name, array) in enumerate(state.items()))
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("weights/data.pkl", b"\x80\x02ccollections\nOrderedDict\n)R(" + entries + b"u.")
            archive.writestr("weights/version", b"3\n")
            for key, array in enumerate(state.values()):
                archive.writestr(f"weights/data/{key}", array.tobytes())
        return path

    return write
