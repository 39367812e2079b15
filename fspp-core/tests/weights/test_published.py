"""Every published format gives back what was written, to the bit; damaged and hostile files are refused."""

import random
import struct
import zipfile

import h5py
import numpy as np
import pytest

from fspp_core.errors import WeightsError
from fspp_core.weights import read_published
from fspp_core.weights.arrays import MAX_BYTES

FORMATS = ["torch", "torch, older format", "TorchScript", "pickled arrays", "Keras HDF5"]


def assert_same(got, wanted):
    assert set(got) == set(wanted)
    for name, array in wanted.items():
        assert got[name].dtype == array.dtype
        np.testing.assert_array_equal(got[name], array)


@pytest.mark.parametrize("kind", FORMATS)
def test_tensors_come_back(kind, writers, tensors, tmp_path):
    found, arrays = read_published(writers[kind](tmp_path / "größe.bin", tensors))
    assert found == kind
    assert_same(arrays, tensors)


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "pickled arrays"])
def test_full_network_of_face_alignment_comes_back(kind, writers, golden, golden_weights, tmp_path):
    wanted = golden_weights(golden("fa_s3fd")[0]["manifest"])
    assert sum(array.size for array in wanted.values()) == 22_459_110
    assert_same(read_published(writers[kind](tmp_path / "s3fd", wanted))[1], wanted)


@pytest.mark.parametrize("core", ["numpy.core", "numpy._core"])
def test_full_network_of_deepfacelab_comes_back(core, say, golden, golden_weights, tmp_path):
    wanted = golden_weights(golden("dfl_s3fd")[0]["manifest"])
    assert "conv1_1/weight:0" in wanted
    kind, found = read_published(say.write_npy(tmp_path / "S3FD.npy", wanted, core))
    assert kind == "pickled arrays"
    assert_same(found, wanted)


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_this_numpy_come_back(protocol, tensors, tmp_path):
    import pickle

    path = tmp_path / "w.npy"
    values = {
        **tensors,
        "fortran": np.asfortranarray(tensors["conv.weight"]),
        "big": tensors["conv.bias"].astype(">f4"),
    }
    path.write_bytes(pickle.dumps({**values, "scalar": np.float64(3), "note": "text"}, protocol))
    if protocol < 2:  # nothing that people publish; it begins with no mark that would tell it from text
        with pytest.raises(WeightsError, match="no format"):
            read_published(path)
        return
    found = read_published(path)[1]
    assert found["scalar"] == 3
    for name, array in values.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype.isnative


def test_views_share_a_storage(say, tmp_path):
    base = np.arange(24, dtype=np.float32).reshape(4, 6)
    body = say.torch_tensor(base, "0")
    transposed = body.replace(
        say.sequence(say.number(4), say.number(6)) + say.sequence(say.number(6), say.number(1)),
        say.sequence(say.number(6), say.number(4)) + say.sequence(say.number(1), say.number(6)),
    )
    assert transposed != body
    entries = {"data.pkl": say.pickled(say.mapping([("a", body), ("b", transposed)])), "data/0": base.tobytes()}
    found = read_published(say.write_zip(tmp_path / "w.pth", entries))[1]
    assert_same(found, {"a": base, "b": base.T})


def test_bfloat16_becomes_float32_exactly(say, tmp_path):
    body = say.torch_tensor(np.zeros(3, np.float16), "0").replace(b"HalfStorage", b"BFloat16Storage")
    bits = struct.pack("<3H", 0x3F80, 0xC040, 0x0001)
    path = say.write_zip(tmp_path / "w.pth", {"data.pkl": say.pickled(say.mapping([("w", body)])), "data/0": bits})
    np.testing.assert_array_equal(read_published(path)[1]["w"], np.float32([1, -3, 2.0**-133]))


def test_big_endian_file(say, tmp_path, tensors):
    entries = {f"data/{i}": a.astype(a.dtype.newbyteorder(">")).tobytes() for i, a in enumerate(tensors.values())}
    path = tmp_path / "w.pth"
    say.write_zip(path, {"data.pkl": say.pickled(say.state_dict(tensors)), "byteorder": b"big", **entries})
    assert_same(read_published(path)[1], tensors)


def test_wrappers_of_checkpoints_are_taken_off(say, tmp_path, tensors):
    renamed = {f"module.{name}": array for name, array in tensors.items()}
    body = say.mapping([("epoch", say.number(3)), ("state_dict", say.state_dict(renamed))])
    path = say.write_zip(tmp_path / "w.pth", {"data.pkl": say.pickled(body), **say.storages(tensors)})
    assert_same(read_published(path)[1], tensors)


def test_zip_with_one_file_of_weights_is_opened(writers, tensors, tmp_path):
    inner = writers["torch"](tmp_path / "s3fd_torch_v3.pth", tensors)
    outer = tmp_path / "s3fd_torch_v3.zip"
    with zipfile.ZipFile(outer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(inner, inner.name)
    kind, found = read_published(outer)
    assert kind == "torch, zipped"
    assert_same(found, tensors)
    with zipfile.ZipFile(outer, "a") as archive:
        archive.write(inner, "second.pth")
    with pytest.raises(WeightsError, match=r"s3fd_torch_v3.pth, second.pth"):
        read_published(outer)


def test_keras_names_used_twice_and_files_without_layers(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        root = file.create_group("model_weights")
        root.attrs["layer_names0"], root.attrs["layer_names1"] = [b"one"], [b"two"]
        for value, layer in enumerate(("one", "two")):
            root.create_group(layer).attrs["weight_names"] = [b"dense/kernel:0"]
            root[layer]["dense/kernel:0"] = np.full(2, value, np.float32)
    assert_same(
        read_published(tmp_path / "a.h5")[1],
        {"dense/kernel:0": np.float32([0, 0]), "two/dense/kernel:0": np.float32([1, 1])},
    )
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["layers/conv/vars/0"] = np.float32([1, 2])
    assert_same(read_published(tmp_path / "b.h5")[1], {"layers/conv/vars/0": np.float32([1, 2])})


def test_hdf5_that_leads_out_of_itself_is_refused(tmp_path):
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["w"] = np.float32([42])
    (tmp_path / "raw").write_bytes(bytes(8))
    layout = h5py.VirtualLayout((1,), "f4")
    layout[:] = h5py.VirtualSource(str(secret), "w", (1,))

    def external(file):
        file.create_dataset("w", (2,), "f4", external=[(str(tmp_path / "raw"), 0, 8)])

    for name, fill, reason in [
        ("external-link", lambda f: f.__setitem__("w", h5py.ExternalLink(str(secret), "w")), "is a link"),
        ("soft-link", lambda f: f.__setitem__("w", h5py.SoftLink("/v")), "is a link"),
        ("external-data", external, "elsewhere"),
        ("virtual", lambda f: f.create_virtual_dataset("w", layout), "elsewhere"),
        ("text", lambda f: f.__setitem__("w", "words"), "only numbers"),
        ("huge", lambda f: f.create_dataset("w", (MAX_BYTES,), "f4", chunks=(1024,)), "more than weights have"),
        ("empty", lambda f: None, "no tensors"),
    ]:
        path = tmp_path / f"{name}.h5"
        with h5py.File(path, "w") as file:
            fill(file)
        with pytest.raises(WeightsError, match=reason):
            read_published(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>Not found</html>", "web page"),
        (b"\x93NUMPY\x01\x00v\x00{}", "single numpy array"),
        (b"caffemodel", "no format"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5 file is damaged"),
        (b"PK\x03\x04" + bytes(100), "zip file is damaged"),
        (struct.pack("<Q", 10) + b"{" + bytes(60), "safetensors"),
        (b"\x80\x04N.", "no tensors"),
        (b"\x80\x04}.", "no tensors"),
    ],
)
def test_other_content_is_named(content, reason, tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=reason) as caught:
        read_published(path)
    assert str(path) in str(caught.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(WeightsError, match="cannot be read"):
        read_published(tmp_path / "nothing.pth")
    with pytest.raises(WeightsError, match="is a folder"):
        read_published(tmp_path)


def test_zip_that_unpacks_to_more_than_it_says_is_stopped(say, tmp_path, tensors):
    """Megabytes of zeros weigh nothing in a zip."""
    entries = {"data.pkl": say.pickled(say.state_dict(tensors)), **say.storages(tensors)}
    entries["data/0"] = bytes(50_000_000)
    path = tmp_path / "w.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(f"archive/{name}", data)
    assert path.stat().st_size < 100_000
    with pytest.raises(WeightsError, match="longer than the 432 bytes"):
        read_published(path)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_cut_is_refused_or_whole(kind, writers, tensors, tmp_path):
    """A file that ends early is an error, never fewer tensors or other numbers."""
    whole = writers[kind](tmp_path / "whole", tensors).read_bytes()
    path = tmp_path / "cut"
    for length in random.Random(3).sample(range(len(whole)), 5 if kind == "Keras HDF5" else 60):
        path.write_bytes(whole[:length])
        with pytest.raises(WeightsError):
            read_published(path)


@pytest.mark.parametrize("kind", FORMATS)
def test_flipped_bytes_are_refused_or_harmless(kind, writers, tensors, tmp_path):
    """Whatever a file says, reading it ends in arrays or in one kind of error."""
    whole = writers[kind](tmp_path / "whole", tensors).read_bytes()
    path, chance = tmp_path / "odd", random.Random(5)
    refused = 0
    rounds = 10 if kind == "Keras HDF5" else 400  # each of those is a process
    for _ in range(rounds):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data)
        try:
            found = read_published(path)[1]
        except WeightsError:
            refused += 1
        else:
            assert all(isinstance(array, np.ndarray) for array in found.values())
    assert refused > rounds // 20


def test_crash_of_the_hdf5_library_is_an_error(tmp_path, writers, tensors, monkeypatch):
    """It dies of some damaged files, which of them depends on its version: here the process that reads is made to."""
    from fspp_core.weights import keras_h5

    path = writers["Keras HDF5"](tmp_path / "w.h5", tensors)
    monkeypatch.setattr(keras_h5, "__name__", "faulthandler_crash")
    (tmp_path / "faulthandler_crash.py").write_text("import os\nos.abort()\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(WeightsError, match="library crashed on it"):
        read_published(path)
