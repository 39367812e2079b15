"""Weights of Keras parts: stable names, every mismatch told, a failed load changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fspp_core.errors import CheckpointError
from fspp_core.models import CheckpointStore, open_model
from fspp_core.models.parts import part_arrays, part_variables


@keras.saving.register_keras_serializable("tests")
class Pair(keras.layers.Layer):
    """Two dense layers in one, one of them named."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.first = keras.layers.Dense(3)
        self.second = keras.layers.Dense(2, name="out")

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.first.build(shape)
        self.second.build((None, 3))
        self.scale = self.add_weight(shape=(), name="scale")
        self.built = True

    def call(self, inputs: Any) -> Any:
        return self.second(self.first(inputs)) * self.scale


def encoder(width: int = 4, dtype: str = "float32") -> keras.Model:
    shared = keras.layers.Dense(width, name="shared", dtype=dtype)
    inputs = keras.Input((width,))
    x = shared(shared(inputs))
    x = keras.layers.Dense(width, dtype=dtype)(x)
    x = keras.layers.Dense(width, name="dense_7", dtype=dtype)(x)
    x = keras.layers.BatchNormalization(dtype=dtype)(x)
    inner = keras.Sequential([keras.Input((width,)), keras.layers.Dense(2), keras.layers.Dense(2)])
    return keras.Model(inputs, Pair()(inner(x)))


@dataclass
class Toy:
    parts: dict[str, keras.Model]


def save(folder: Path, parts: dict[str, keras.Model], options: dict[str, Any] | None = None) -> None:
    CheckpointStore(folder).save(
        step=1,
        model_name="toy",
        model_options=options or {},
        owner={"distribution": "toys", "version": "1"},
        parts=parts,
        optimizer={},
        state={},
        keep=1,
    )


def latest(folder: Path) -> Any:
    checkpoint = CheckpointStore(folder).latest()
    assert checkpoint is not None
    return checkpoint


def test_names_do_not_depend_on_the_layers_made_before() -> None:
    first = part_variables(encoder())
    for _ in range(13):
        keras.layers.Dense(1)
    second = part_variables(encoder())
    assert list(first) == list(second)
    assert list(first) == [
        "shared/kernel", "shared/bias", "dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias",
        "batch_normalization/gamma", "batch_normalization/beta", "batch_normalization/moving_mean",
        "batch_normalization/moving_variance", "sequential/dense/kernel", "sequential/dense/bias",
        "sequential/dense_1/kernel", "sequential/dense_1/bias", "pair/dense/kernel", "pair/dense/bias",
        "pair/out/kernel", "pair/out/bias", "pair/scale",
    ]  # fmt: skip


def test_every_weight_has_a_name() -> None:
    part = encoder()
    assert {id(v) for v in part_variables(part).values()} == {id(v) for v in part.weights}
    assert len(part_variables(part)) == len(part.weights)


def test_siblings_of_one_name_get_a_number() -> None:
    inputs = keras.Input((2,))
    outputs = keras.layers.Dense(2)(keras.layers.Dense(2, name="conv")(inputs))
    part = keras.Model(inputs, keras.layers.Dense(2, name="dense_1")(keras.layers.Dense(2)(outputs)))
    names = list(part_variables(part))
    assert len(set(names)) == 8
    assert names[::2] == ["conv/kernel", "dense/kernel", "dense_1/kernel", "dense_2/kernel"]


def test_saved_weights_come_back(tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    model = Toy({"encoder": encoder(), "decoder_source": encoder(3)})
    for variable in model.parts["encoder"].weights:
        variable.assign(np.random.default_rng(0).normal(size=variable.shape))
    save(tmp_path, model.parts)
    keras.utils.set_random_seed(2)
    other = Toy({"encoder": encoder(), "decoder_source": encoder(3)})
    latest(tmp_path).load_parts(other)
    for name, part in model.parts.items():
        assert list(part_arrays(part)) == list(part_arrays(other.parts[name]))
        for key, array in part_arrays(part).items():
            np.testing.assert_array_equal(part_arrays(other.parts[name])[key], array, err_msg=f"{name} {key}")


def test_numbers_are_converted_to_the_variables_format(tmp_path: Path) -> None:
    half = Toy({"encoder": encoder(dtype="bfloat16")})
    save(tmp_path, half.parts)
    assert latest(tmp_path).parts["encoder"]["weights"]["dense/kernel"]["dtype"] == "bfloat16"
    full = Toy({"encoder": encoder()})
    latest(tmp_path).load_parts(full)
    variable = part_variables(full.parts["encoder"])["dense/kernel"]
    assert keras.backend.standardize_dtype(variable.dtype) == "float32"
    stored = latest(tmp_path).part("encoder")["dense/kernel"].astype(np.float32)
    np.testing.assert_array_equal(np.asarray(variable), stored)


def test_every_mismatch_is_told_and_nothing_changes(tmp_path: Path) -> None:
    save(tmp_path, {"encoder": encoder(5), "decoder": encoder(), "old": encoder()})
    inputs = keras.Input((4,))
    changed = keras.Model(inputs, keras.layers.Dense(4, name="new")(keras.layers.Dense(4, name="shared")(inputs)))
    model = Toy({"decoder": encoder(), "encoder": changed, "fresh": encoder()})
    before = {name: part_arrays(part) for name, part in model.parts.items()}
    with pytest.raises(CheckpointError) as caught:
        latest(tmp_path).load_parts(model)
    text = str(caught.value)
    assert "part fresh is missing" in text
    assert "part old is not in the model" in text
    assert "encoder: new/kernel is missing" in text
    assert "encoder: pair/scale is not in the model" in text
    assert "encoder: shared/kernel has shape (5, 5), the model wants (4, 4)" in text
    assert "decoder:" not in text
    for name, part in model.parts.items():
        for key, array in part_arrays(part).items():
            np.testing.assert_array_equal(array, before[name][key])


def test_opening_tells_what_is_missing(tmp_path: Path) -> None:
    from fspp_core.errors import PluginError
    from fspp_core.registry import load_registry

    with pytest.raises(CheckpointError, match=r"holds no trained model.*fspp train"):
        open_model(tmp_path, load_registry())
    save(tmp_path, {"encoder": encoder()})
    with pytest.raises(PluginError, match="toy") as caught:
        open_model(tmp_path, load_registry())
    assert "toys 1" in caught.value.__notes__[0]
