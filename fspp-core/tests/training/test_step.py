"""The training step: what each loss sees, what the masks weigh, and that the graph equals plain arithmetic."""

from __future__ import annotations

from pathlib import Path
from pkgutil import resolve_name

import keras
import numpy as np
import pytest

from fspp_core.models.randomness import random_state, restore_random_state
from fspp_core.options import NoOptions
from fspp_core.registry import load_registry
from fspp_core.training.losses import MAE, MSE
from fspp_core.training.precision import building
from fspp_core.training.resume import optimizer_arrays, restore_optimizer
from fspp_core.training.step import FaceLosses, Trainer, faces_to_float

REGISTRY = load_registry(plugin_files=(Path(__file__).with_name("tiny_model.py"),))
Tiny = resolve_name(REGISTRY.spec("model", "tiny").factory)
TinyOptions = REGISTRY.spec("model", "tiny").options
Whole = resolve_name(REGISTRY.spec("loss", "whole").factory)


def random(seed, shape):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def batch(size=24, count=3, mask=True, output=None):
    output = output or size
    faces = {"source": random(1, (count, size, size, 3)), "target": random(2, (count, size, size, 3))}
    truth = {"source": random(3, (count, output, output, 3)), "target": random(4, (count, output, output, 3))}
    if mask:
        truth |= {f"{side}_mask": random(5, (count, output, output, 1)) for side in ("source", "target")}
    return faces, truth


def build(losses=None, *, precision="float32", background=0.25, rate=1e-3, **options):
    options = TinyOptions(**{"dropout": 0.0, **options})
    losses = FaceLosses(
        losses or {"mae": (MAE(NoOptions()), 2.0), "mse": (MSE(NoOptions()), 0.5)},
        background_weight=background,
        mask_loss_weight=3.0,
        channel_order=options.order,
    )
    with building(precision, 1):
        model = Tiny(options)
        trainer = Trainer(model, losses)
        trainer.compile(optimizer=keras.optimizers.Adam(rate), loss=None)
    trainer.optimizer.build(trainer.trainable_variables)
    return model, trainer


def numpy(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor))


@pytest.mark.parametrize("order", ["rgb", "bgr"])
@pytest.mark.parametrize("upscale", [1, 2])
def test_figures_are_the_weighted_means_of_plain_arithmetic(order, upscale):
    model, trainer = build(order=order, upscale=upscale)
    faces, truth = batch(output=24 * upscale)
    expected = {}
    for side in ("source", "target"):
        swap = slice(None, None, -1) if order == "rgb" else slice(None)
        inputs = faces[side][..., swap].astype(np.float32) / 255
        predicted, mask = (numpy(x) for x in model.reconstruct(side, inputs))
        true = truth[side][..., swap].astype(np.float32) / 255
        inside = truth[f"{side}_mask"].astype(np.float32) / 255
        weights = 0.25 + 0.75 * inside
        mae = (np.abs(true - predicted).mean(axis=-1, keepdims=True) * weights).mean()
        mse = (np.square(true - predicted).mean(axis=-1, keepdims=True) * weights).mean()
        of_mask = np.square(mask - inside).mean()
        expected |= {
            side: 2.0 * mae + 0.5 * mse + 3.0 * of_mask,
            f"{side}_mae": mae,
            f"{side}_mse": mse,
            f"{side}_mask": of_mask,
        }
    result = trainer.train_on_batch(faces, truth, return_dict=True)
    assert trainer.loss_names() == list(expected)
    assert {name: result[name] for name in expected} == pytest.approx(expected, rel=1e-5)
    again = trainer.train_on_batch(faces, truth, return_dict=True)
    assert again["source"] < result["source"]  # the step's own value, not a running mean


def test_loss_without_map_sees_dimmed_pictures():
    model, trainer = build({"whole": (Whole(None), 1.0)}, background=0.0, mask=False)
    faces, truth = batch()
    result = trainer.train_on_batch(faces, truth, return_dict=True)
    del model
    fresh, _ = build({"whole": (Whole(None), 1.0)}, background=0.0, mask=False)
    predicted = numpy(fresh.reconstruct("source", faces["source"][..., ::-1].astype(np.float32) / 255)[0])
    inside = truth["source_mask"] / 255.0
    true = truth["source"][..., ::-1] / 255.0
    assert result["source_whole"] == pytest.approx(np.abs((true - predicted) * inside).mean(), rel=1e-5)


def test_background_weight_one_needs_no_masks():
    _, trainer = build(background=1.0, mask=False)
    faces, truth = batch(mask=False)
    assert np.isfinite(trainer.train_on_batch(faces, truth, return_dict=True)["loss"])
    assert trainer.loss_names() == ["source", "source_mae", "source_mse", "target", "target_mae", "target_mse"]


def test_only_the_mask_is_learned_outside_when_background_is_zero():
    """Pixels outside the mask have no say in the faces' gradients."""
    results = []
    for noise in (0, 1):
        model, trainer = build(background=0.0, mask=False, rate=1e-2)
        faces, truth = batch()
        truth = {name: value.copy() for name, value in truth.items()}
        for side in ("source", "target"):
            truth[f"{side}_mask"][:] = 0
            truth[f"{side}_mask"][:, 8:16, 8:16] = 255
            if noise:
                outside = truth[f"{side}_mask"][..., 0] == 0
                truth[side][outside] = 255 - truth[side][outside]
        trainer.train_on_batch(faces, truth)
        results.append([numpy(weight) for part in model.parts.values() for weight in part.weights])
    assert all(np.array_equal(a, b) for a, b in zip(*results, strict=True))


def test_equal_seeds_build_equal_networks_and_leave_the_process_alone():
    import random as python

    python.seed(5)
    np.random.seed(5)
    before = python.getstate(), np.random.get_state()[1].tolist(), keras.config.dtype_policy().name
    (one, _), (two, _) = build(), build()
    for name in one.parts:
        for a, b in zip(one.parts[name].weights, two.parts[name].weights, strict=True):
            np.testing.assert_array_equal(numpy(a), numpy(b))
    assert before == (python.getstate(), np.random.get_state()[1].tolist(), keras.config.dtype_policy().name)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_is_local_and_trains(precision):
    model, trainer = build(precision=precision)
    assert keras.config.dtype_policy().name == "float32"
    assert model.parts["encoder"].layers[1].compute_dtype == precision.removeprefix("mixed_")
    assert {weight.dtype for weight in model.parts["encoder"].weights} == {"float32"}
    faces, truth = batch()
    losses = [trainer.train_on_batch(faces, truth, return_dict=True)["source"] for _ in range(8)]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    is_scaled = isinstance(trainer.optimizer, keras.optimizers.LossScaleOptimizer)
    assert is_scaled == (precision == "mixed_float16")


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_optimizer_state_goes_on_bit_for_bit(precision):
    faces, truth = batch()
    model, trainer = build(precision=precision, dropout=0.3)
    for _ in range(3):
        trainer.train_on_batch(faces, truth)
    arrays, seeds = optimizer_arrays(trainer.optimizer), random_state(model)
    weights = {name: [numpy(w).copy() for w in part.weights] for name, part in model.parts.items()}
    expected = [trainer.train_on_batch(faces, truth, return_dict=True)["loss"] for _ in range(3)]
    final = [numpy(weight) for weight in model.parts["encoder"].weights]

    other, again = build(precision=precision, dropout=0.3)
    restore_optimizer(again.optimizer, arrays)
    restore_random_state(other, seeds)
    for name, part in other.parts.items():
        for variable, value in zip(part.weights, weights[name], strict=True):
            variable.assign(value)
    for _ in range(3):
        again.train_on_batch(faces, truth)
    for weight, value in zip(other.parts["encoder"].weights, final, strict=True):
        np.testing.assert_array_equal(numpy(weight), value)
    assert len(expected) == 3


def test_float32_optimizer_state_fits_a_loss_scaled_one():
    faces, truth = batch()
    _, plain = build()
    plain.train_on_batch(faces, truth)
    _, scaled = build(precision="mixed_float16")
    restore_optimizer(scaled.optimizer, optimizer_arrays(plain.optimizer))
    assert int(scaled.optimizer.inner_optimizer.iterations) == 1


def test_foreign_optimizer_state_is_refused_whole():
    from fspp_core.errors import CheckpointError

    _, small = build()
    _, large = build(filters=8)
    before = optimizer_arrays(large.optimizer)
    with pytest.raises(CheckpointError, match=r"inner/\d+ has shape"):
        restore_optimizer(large.optimizer, optimizer_arrays(small.optimizer))
    with pytest.raises(CheckpointError, match="missing"):
        restore_optimizer(large.optimizer, {})
    after = optimizer_arrays(large.optimizer)
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_faces_to_float():
    faces = np.array([[[[0, 51, 255]]]], np.uint8)
    np.testing.assert_allclose(numpy(faces_to_float(faces, "bgr")), [[[[0, 0.2, 1]]]], rtol=1e-6)
    np.testing.assert_allclose(numpy(faces_to_float(faces, "rgb")), [[[[1, 0.2, 0]]]], rtol=1e-6)
