"""Tensors of a network are taken when they are its own, and every fault of others is named."""

import re

import numpy as np
import pytest
from safetensors.numpy import save_file

from fspp_core.errors import PluginError, WeightsError
from fspp_core.weights import check_tensors, load_weights

SHAPES = {"b/kernel": (3, 3, 2, 4), "b/bias": (4,), "a/scale": (), "c/norm": (2,)}


@pytest.fixture
def good():
    rng = np.random.default_rng(3)
    return {name: np.asarray(rng.standard_normal(SHAPES[name]), np.float32) for name in sorted(SHAPES)}


@pytest.fixture
def kept(tmp_path):
    def save(arrays, name="Gewichte ä"):
        path = tmp_path / f"{name}.safetensors"
        save_file(arrays, path)
        return path

    return save


def assert_taken(found, good):
    assert list(found) == list(SHAPES)
    for name, array in found.items():
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        assert array.shape == SHAPES[name]
        np.testing.assert_array_equal(array, good[name])


def test_what_was_checked_comes_back_from_disk(good, kept):
    found = check_tensors(good.items(), SHAPES, "Toy")
    assert_taken(found, good)
    assert_taken(load_weights(kept(found), SHAPES, "detector toy"), good)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32, bool])
def test_other_numbers_become_float32(good, kept, dtype):
    with np.errstate(all="raise"):
        rounded = {name: np.asarray(array * 9, dtype) for name, array in good.items()}
    rounded["b/kernel"] = np.asfortranarray(rounded["b/kernel"])
    assert_taken(check_tensors(rounded.items(), SHAPES, "Toy"), rounded)
    dense = {name: np.asarray(array, order="C") for name, array in rounded.items()}
    assert_taken(load_weights(kept(dense), SHAPES, "detector toy"), rounded)


FAULTY = {
    "another shape": ({"b/bias": np.zeros(3, np.float32)}, "b/bias has shape (3,) instead of (4,)"),
    "unknown": ({"tail": np.zeros(3, np.float32)}, "tail is unknown"),
    "missing": ({"a/scale": None}, "a/scale is missing"),
    "nan": ({"c/norm": np.array([0, np.nan], np.float32)}, "c/norm is not finite"),
    "infinite": ({"c/norm": np.array([0, -np.inf], np.float32)}, "c/norm is not finite"),
    "beyond float32": ({"c/norm": np.array([0, 1e300])}, "c/norm is not finite"),
}


@pytest.mark.parametrize(("change", "words"), FAULTY.values(), ids=FAULTY)
def test_a_fault_is_named_with_what_to_do(good, kept, change, words):
    faulty = {name: array for name, array in {**good, **change}.items() if array is not None}
    with pytest.raises(WeightsError) as caught:
        check_tensors(faulty.items(), SHAPES, "Toy", expected="toy.pth")
    assert str(caught.value) == f"these are not the weights of Toy: {words}; expected toy.pth"
    path = kept(faulty)
    with pytest.raises(PluginError) as caught:
        load_weights(path, SHAPES, "detector toy")
    assert str(caught.value) == (
        f"detector toy: {path} does not hold its weights: {words}; fetch or import the weights again"
    )


def test_of_many_faults_five_are_named_wrong_shapes_first(good):
    raw = {f"x{number}": np.zeros(1) for number in range(3)} | {"b/bias": np.zeros(9), "c/norm": good["c/norm"]}
    with pytest.raises(WeightsError) as caught:
        check_tensors(raw.items(), SHAPES, "Toy")
    assert str(caught.value).endswith(
        ": b/bias has shape (9,) instead of (4,); x0 is unknown; x1 is unknown; x2 is unknown; b/kernel is missing "
        "and 1 more"
    )


def test_a_tensor_that_comes_twice_is_refused(good):
    with pytest.raises(WeightsError, match=r"Toy: b/bias comes twice$"):
        check_tensors([*good.items(), ("b/bias", good["b/bias"])], SHAPES, "Toy")


def test_of_a_part_nothing_else_is_looked_at(good, kept):
    path = kept({**good, "tail": np.array([np.nan])})
    part = {"c/norm": (2,), "b/bias": (4,)}
    found = load_weights(path, part, "aligner toy", part=True)
    assert list(found) == list(part)
    np.testing.assert_array_equal(found["b/bias"], good["b/bias"])
    with pytest.raises(PluginError, match=r"d/bias is missing; fetch"):
        load_weights(path, {**part, "d/bias": (4,)}, "aligner toy", part=True)
    with pytest.raises(PluginError, match=r"a/scale is unknown; b/kernel is unknown; tail is unknown; fetch"):
        load_weights(path, part, "aligner toy")


def test_files_that_cannot_be_read_are_named(good, kept, tmp_path):
    cut = kept(good, "cut ä")
    cut.write_bytes(cut.read_bytes()[:-3])
    missing, empty = tmp_path / "missing.safetensors", tmp_path / "empty.safetensors"
    empty.touch()
    unreadable, damaged = "cannot be read", "is not a whole safetensors file"
    for path, what in ((missing, unreadable), (tmp_path, unreadable), (cut, damaged), (empty, damaged)):
        words = rf"^detector toy: {re.escape(str(path))}: {what}: .*; fetch or import the weights again$"
        with pytest.raises(PluginError, match=words):
            load_weights(path, SHAPES, "detector toy")
