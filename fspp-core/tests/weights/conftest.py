"""Files in the published formats, written byte by byte as their formats say, without the programs that publish them."""

from __future__ import annotations

import io
import struct
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

KINDS = {"f4": "FloatStorage", "i8": "LongStorage", "f2": "HalfStorage", "f8": "DoubleStorage"}


def text(word):
    data = word.encode("utf-8")
    return b"X" + struct.pack("<I", len(data)) + data


def number(value):
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    return b"\x8a\x08" + struct.pack("<q", value)


def word(module, name):
    return f"c{module}\n{name}\n".encode()


def sequence(*parts):
    return b"(" + b"".join(parts) + b"t"


def mapping(pairs):
    return b"}(" + b"".join(text(key) + value for key, value in pairs) + b"u"


def pickled(body, protocol=2):
    return b"\x80" + bytes([protocol]) + body + b"."


def torch_tensor(array, key, last=b""):
    steps = [stride // array.itemsize for stride in array.strides]
    kind = KINDS[array.dtype.str[1:]]
    storage = sequence(text("storage"), word("torch", kind), text(key), text("cpu"), number(array.size), last) + b"Q"
    parts = (storage, number(0), sequence(*map(number, array.shape)), sequence(*map(number, steps)), b"\x89")
    return (
        word("torch._utils", "_rebuild_tensor_v2") + sequence(*parts, word("collections", "OrderedDict") + b")R") + b"R"
    )


def state_dict(arrays, last=b""):
    pairs = b"".join(text(name) + torch_tensor(a, str(i), last) for i, (name, a) in enumerate(arrays.items()))
    empty = word("collections", "OrderedDict") + b")R"
    return empty + b"(" + pairs + b"u" + b"}" + text("_metadata") + empty + b"sb"


def write_zip(path, entries):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(f"archive/{name}", data)
    return path


def storages(arrays):
    return {f"data/{i}": a.tobytes() for i, a in enumerate(arrays.values())}


def write_pth(path, arrays):
    entries = {"data.pkl": pickled(state_dict(arrays)), "byteorder": b"little", "version": b"3\n"}
    return write_zip(path, {**entries, **storages(arrays)})


def write_legacy(path, arrays):
    magic = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"
    sizes = mapping([("short", number(2)), ("int", number(4)), ("long", number(4))])
    system = mapping([("protocol_version", number(1001)), ("little_endian", b"\x88"), ("type_sizes", sizes)])
    keys = b"](" + b"".join(text(str(i)) for i in range(len(arrays))) + b"e"
    parts = [pickled(part) for part in (magic, number(1001), system, state_dict(arrays, last=b"N"), keys)]
    with path.open("wb") as file:
        file.write(b"".join(parts))
        for array in arrays.values():
            file.write(struct.pack("<q", array.size) + array.tobytes())
    return path


def write_script(path, arrays):
    tree = {}
    for i, (name, array) in enumerate(arrays.items()):
        *parents, leaf = name.split(".")
        here = tree
        for parent in parents:
            here = here.setdefault(parent, {})
        here[leaf] = torch_tensor(array, str(i))

    def module(content):
        pairs = [("training", b"\x89"), ("_is_full_backward_hook", b"N")]
        pairs += [(key, module(value) if isinstance(value, dict) else value) for key, value in content.items()]
        return word("__torch__.models.___torch_mangle_1", "Net") + b")\x81" + mapping(pairs) + b"b"

    code = {
        "code/__torch__/models.py": b"class Net(Module):\n  pass\n",
        "constants.pkl": pickled(b")"),
        "version": b"2\n",
    }
    return write_zip(path, {"data.pkl": pickled(module(tree)), **storages(arrays), **code})


def numpy_array(array, core="numpy.core"):
    made = (
        word(f"{core}.multiarray", "_reconstruct")
        + sequence(word("numpy", "ndarray"), sequence(number(0)), b"C\x01b")
        + b"R"
    )
    none = b"NNN" + number(-1) * 2 + number(0)
    dtype = word("numpy", "dtype") + sequence(text(array.dtype.str[1:]), number(0), number(1)) + b"R"
    dtype += sequence(number(3), text("<"), none) + b"b"
    data = b"B" + struct.pack("<I", array.nbytes) + array.tobytes()
    return made + sequence(number(1), sequence(*map(number, array.shape)), dtype, b"\x89", data) + b"b"


def write_npy(path, arrays, core="numpy.core"):
    path.write_bytes(pickled(mapping([(name, numpy_array(a, core)) for name, a in arrays.items()]), protocol=4))
    return path


def write_h5(path, arrays):
    import h5py

    layers = {}
    for name, array in arrays.items():
        layers.setdefault(name.rpartition(".")[0] or name.partition("/")[0], {})[name] = array
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.encode() for layer in layers]
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.2.4"
        for layer, weights in layers.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = [name.encode() for name in weights]
            for name, array in weights.items():
                group.create_dataset(name, data=array)
    return path


@pytest.fixture(scope="session")
def say():
    """Pieces of pickles and files, by hand."""
    return SimpleNamespace(**{k: v for k, v in globals().items() if callable(v)}, io=io)


@pytest.fixture(scope="session")
def writers():
    """Format as `read_published` calls it -> function that writes tensors so."""
    return {
        "torch": write_pth,
        "torch, older format": write_legacy,
        "TorchScript": write_script,
        "pickled arrays": write_npy,
        "Keras HDF5": write_h5,
    }


@pytest.fixture
def tensors():
    """A convolution with batch normalisation, as torch has it."""
    rng = np.random.default_rng(7)
    return {
        "conv.weight": rng.standard_normal((4, 3, 3, 3)).astype(np.float32),
        "conv.bias": rng.standard_normal(4).astype(np.float32),
        "block.0.bn.running_var": rng.random(4).astype(np.float32),
        "block.0.bn.num_batches_tracked": np.array(5, np.int64),
    }


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An empty store, which the whole process uses."""
    from fspp_core.weights import WeightStore

    monkeypatch.setenv("FSPP_WEIGHTS_DIR", str(tmp_path / "Gewichte ä"))
    monkeypatch.delenv("FSPP_OFFLINE", raising=False)
    return WeightStore()
