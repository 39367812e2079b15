"""Pickles made to do harm are refused, and do nothing: every way of calling, of every sort of thing, in every place."""

import builtins
import os
import pickle
import random
import struct
import subprocess

import numpy as np
import pytest

from fspp_core.errors import WeightsError
from fspp_core.weights import pickles, read_published

GLOBALS = [
    ("os", "system"),
    ("posix", "system"),
    ("nt", "system"),
    ("subprocess", "Popen"),
    ("builtins", "eval"),
    ("builtins", "exec"),
    ("builtins", "__import__"),
    ("builtins", "getattr"),
    ("__builtin__", "eval"),
    ("importlib", "import_module"),
    ("pickle", "loads"),
    ("numpy", "load"),
    ("numpy.core.multiarray", "fromfile"),
    ("torch.serialization", "load"),
    ("torch.hub", "load"),
    ("torch", "FloatStorage.__class__"),
    ("collections", "OrderedDict.__init__.__globals__"),
    ("__torch__x", "Net"),
    ("fspp_core.files", "atomic_write"),
]


def _ways(say, module, name, argument):
    """Every instruction that names, calls or makes something."""
    named, stacked = say.word(module, name), say.text(module) + say.text(name) + b"\x93"
    arguments = say.sequence(say.text(argument))
    yield "reduce", named + arguments + b"R"
    yield "stack-global", stacked + arguments + b"R"
    yield "memo", named + b"q\x00" + b"0h\x00" + arguments + b"R"
    yield "inst", b"(" + say.text(argument) + f"i{module}\n{name}\n".encode()
    yield "obj", b"(" + named + say.text(argument) + b"o"
    yield "newobj", named + arguments + b"\x81"
    yield "newobj-ex", stacked + arguments + b"}\x92"
    yield "build", stacked + b")\x81" + say.mapping([("__setstate__", named)]) + b"b"
    yield "mention", named
    yield "called by ours", say.word("collections", "OrderedDict") + b"(" + named + b"tR"


def _places(say, attack):
    yield "alone", attack
    yield "in a dict", say.mapping([("w", attack)])
    yield "deep", b"](" + b"]" * 50 + attack + b"a" * 50 + b"e"


@pytest.mark.parametrize(("module", "name"), GLOBALS, ids=[".".join(pair) for pair in GLOBALS])
def test_calls_are_refused_without_effect(module, name, say, tmp_path, monkeypatch):
    def harm(*_, **__):
        raise SystemExit("the pickle was run")

    for owner, function in [(os, "system"), (subprocess, "Popen"), (builtins, "eval"), (pickle, "loads"), (np, "load")]:
        monkeypatch.setattr(owner, function, harm)
    mark, path = tmp_path / "harm", tmp_path / "weights"
    count = 0
    for _, attack in _ways(say, module, name, f"touch {mark}"):
        for _, body in _places(say, attack):
            data = say.pickled(body, protocol=4)
            path.write_bytes(data)
            with pytest.raises(WeightsError):
                read_published(path)
            with pytest.raises(WeightsError):
                read_published(say.write_zip(path, {"data.pkl": data}))
            count += 1
    assert count == 30  # times two, times the globals: 1140 files
    assert sorted(tmp_path.iterdir()) == [path]


def _laughs():
    """A list of ten lists of ten lists: a thousand bytes that stand for 10^40 items."""
    level = b"]q\x00("
    body = level + b"NNe"
    for index in range(40):
        body = b"](" + body.replace(b"q\x00", b"", 1) + f"p{index}\n".encode() + f"g{index}\n".encode() * 9 + b"e"
    return body


ODD = {
    "unknown instruction": b"\xff",
    "extension": b"\x82\x01",
    "extension 4": b"\x84\x01\x00\x00\x00",
    "buffer": b"\x97",
    "set": b"\x8f",
    "persistent text": b"Pos.system\n",
    "persistent outside torch": b"X\x01\x00\x00\x00aQ",
    "empty stack": b"0",
    "no mark": b"N" + b"t",
    "only a mark": b"(",
    "two values": b"NN",
    "unset memo": b"h\x07",
    "list as key": b"}]Ns",
    "tuple as key": b"}" + b")" + b"\x85" * 100 + b"Ns",
    "odd items": b"}(Nu",
    "append to none": b"NNa",
    "state for a list": b"]}b",
    "call of a number": b"K\x01)R",
    "call without tuple": b"ccollections\nOrderedDict\nNR",
    "negative length": b"T\xff\xff\xff\xff",
    "longer than the file": b"B\xff\xff\xff\x7f",
    "far longer": b"\x8e" + struct.pack("<Q", 1 << 62),
    "number of a million digits": b"I" + b"9" * 1_000_000 + b"\n",
    "bad text": b"X\x01\x00\x00\x00\xff",
    "protocol from the future": b"\x80\x09N",
    "frame of nothing": b"\x95" + struct.pack("<Q", 1 << 60) + b"N",
    "laughs": _laughs(),
    "deep list": b"]" * 100_000 + b"a" * 99_999,
    "list in itself": b"]q\x00h\x00a",
    "dict in itself": b"}q\x00X\x01\x00\x00\x00ah\x00s",
    "array of objects": b"cnumpy\ndtype\n(X\x02\x00\x00\x00O8tR",
    "array of records": b"cnumpy\ndtype\n(X\x02\x00\x00\x00V8tR",
    "array without content": b"cnumpy.core.multiarray\n_reconstruct\n)R",
    "huge array of nothing": b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(X\x02\x00\x00\x00f8tRC\x01atR",
    "decode": b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x03\x00\x00\x00hextR",
}


@pytest.mark.parametrize("case", ODD)
def test_odd_pickles_are_refused(case, say, tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(b"\x80\x04" + ODD[case] + b".")
    with pytest.raises(WeightsError):
        read_published(path)
    with pytest.raises(WeightsError):
        read_published(say.write_zip(path, {"data.pkl": b"\x80\x02" + ODD[case] + b"."}))


@pytest.mark.parametrize(
    "reference",
    [
        lambda say: say.text("storage"),
        lambda say: say.sequence(say.text("module"), say.word("torch", "FloatStorage"), say.text("0"), b"N", b"N"),
        lambda say: say.sequence(say.text("storage"), say.text("os.system"), say.text("0"), b"N", say.number(1)),
        lambda say: say.sequence(
            say.text("storage"), say.word("torch", "FloatStorage"), say.text("0"), b"N", say.number(-1)
        ),
        lambda say: say.sequence(
            say.text("storage"), say.word("torch", "FloatStorage"), say.text("0"), b"N", say.number(1 << 60)
        ),
        lambda say: say.sequence(
            say.text("storage"), say.word("torch", "FloatStorage"), say.text("../../x"), b"N", say.number(1)
        ),
        lambda say: say.sequence(
            say.text("storage"), say.word("torch", "FloatStorage"), say.text("0"), b"N", say.number(1), b")"
        ),
        lambda say: say.sequence(
            say.text("storage"), say.word("torch", "QInt8Storage"), say.text("0"), b"N", say.number(1)
        ),
    ],
)
def test_tricks_with_storages_are_refused(reference, say, tmp_path):
    tensor = say.word("torch._utils", "_rebuild_tensor_v2") + say.sequence(
        reference(say) + b"Q", say.number(0), say.sequence(say.number(1)), say.sequence(say.number(1)), b"\x89"
    )
    path = tmp_path / "w.pth"
    say.write_zip(path, {"data.pkl": say.pickled(say.mapping([("w", tensor + b"R")])), "data/0": bytes(4)})
    with pytest.raises(WeightsError):
        read_published(path)


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (1, (4,), (1,)),
        (0, (5,), (1,)),
        (0, (2, 2), (1, 5)),
        (0, (1 << 39, 1 << 39), (0, 0)),
        (0, (8,), (0,)),
        (0, (2,), (-1,)),
        (-1, (1,), (1,)),
        (0, (2, 2), (1,)),
        (0, (1,) * 20, (1,) * 20),
    ],
)
def test_views_beyond_their_storage_are_refused(offset, shape, strides, say, tmp_path):
    storage = say.sequence(
        say.text("storage"), say.word("torch", "FloatStorage"), say.text("0"), say.text("cpu"), say.number(4)
    )
    tensor = say.word("torch._utils", "_rebuild_tensor_v2") + say.sequence(
        storage + b"Q",
        say.number(offset),
        say.sequence(*map(say.number, shape)),
        say.sequence(*map(say.number, strides)),
    )
    path = tmp_path / "w.pth"
    say.write_zip(path, {"data.pkl": say.pickled(say.mapping([("w", tensor + b"R")])), "data/0": bytes(16)})
    with pytest.raises(WeightsError):
        read_published(path)


def test_endless_pickles_are_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(pickles, "MAX_STEPS", 1000)
    path = tmp_path / "w.npy"
    path.write_bytes(b"\x80\x04" + b"N0" * 1000 + b"N.")
    with pytest.raises(WeightsError, match="more than 1000 instructions"):
        read_published(path)


def test_mutated_attacks_stay_harmless(say, tmp_path, monkeypatch):
    """Bytes changed at random in pickles that attack: whatever comes of it, nothing is called."""
    monkeypatch.setattr(os, "system", lambda *_: pytest.fail("the pickle was run"))
    chance, path = random.Random(11), tmp_path / "w"
    attacks = [body for _, attack in _ways(say, "os", "system", "x") for _, body in _places(say, attack)]
    for _ in range(2000):
        data = bytearray(say.pickled(chance.choice(attacks), protocol=4))
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(2, len(data))] = chance.randrange(256)
        path.write_bytes(data)
        with pytest.raises(WeightsError):
            read_published(path)
