"""What every swapping network must do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, get_args

import numpy as np
import pytest

from fspp_core.concurrency import close
from fspp_core.specs import Kind
from fspp_core.testing.base import Conformance, assert_float32, assert_within_0_and_1
from fspp_core.testing.pictures import drawn_face, noise
from fspp_core.types import FloatArray, Side

SIDES: tuple[Side, ...] = get_args(Side)
SEED = 7


class ModelConformance(Conformance):
    """Checks for models. Give `options` or a `preset` that make a small one.

    Attributes:
        parameters: number of weights of the model so built, None to accept any.
        precisions: dtype policies it must work under.
        learning_rate: for the few training steps of the checks.
    """

    kind: ClassVar[Kind] = "model"
    parameters: ClassVar[int | None] = None
    precisions: ClassVar[tuple[str, ...]] = ("mixed_bfloat16",)
    learning_rate: ClassVar[float] = 1e-4

    @classmethod
    def exercise(cls, component: Any) -> FloatArray:
        """Swap two faces."""
        return _numpy(component.swap(cls.faces(component.input_size))[0])

    @staticmethod
    def faces(size: int) -> FloatArray:
        """(2, size, size, 3) float32 0..1."""
        face = drawn_face(size, size, (size * 0.15, size * 0.05, size * 0.85, size * 0.95))
        return (np.stack([face, noise(size, size)]) / 255).astype(np.float32)

    def test_attributes(self) -> None:
        """Sizes, channel order and parts are as the protocol says."""
        import keras

        model = self.built()
        assert model.input_size > 0
        assert model.output_size > 0
        assert model.channel_order in ("bgr", "rgb")
        assert isinstance(model.has_mask, bool)
        assert model.parts, "the model has no parts"
        for name, part in model.parts.items():
            assert name.isidentifier(), f"part {name!r} cannot be a file name: letters, digits, underscores"
            assert name == name.lower(), f"part {name!r} is not lower case"
            assert isinstance(part, keras.Model), f"part {name} is a {type(part).__name__}"
            assert part.built, f"part {name} has no weights yet"

    def test_parameter_count(self) -> None:
        """As many weights as promised."""
        count = sum(part.count_params() for part in self.built().parts.values())
        assert count > 0
        assert self.parameters in (None, count), f"{count} weights, promised are {self.parameters}"

    @pytest.mark.parametrize("job", [*SIDES, "swap"])
    def test_outputs_have_the_promised_shape(self, job: str) -> None:
        """Faces and masks, float32, 0..1."""
        model = self.built()
        faces, masks = _run(model, job, self.faces(model.input_size))
        _assert_outputs(model, faces, masks)

    def test_sides_differ(self) -> None:
        """Two identities need two ways through the network."""
        model = self.built()
        inputs = self.faces(model.input_size)
        source, target = (_run(model, side, inputs)[0] for side in SIDES)
        assert not np.array_equal(source, target), "both sides give the same faces"

    def test_equal_options_give_equal_parts(self) -> None:
        """Checkpoints rely on it."""
        again = self.build()
        assert _shapes(again) == _shapes(self.built())
        close(again)

    def test_parts_can_be_made_again(self) -> None:
        """`get_config` is complete: the same JSON, the same attributes, no Lambda layer, no pickle."""
        import keras

        for name, part in self.built().parts.items():
            config = _text(keras.saving.serialize_keras_object(part))
            again = keras.saving.deserialize_keras_object(json.loads(config), safe_mode=True)
            assert _text(keras.saving.serialize_keras_object(again)) == config, f"config of {name} changes"
            assert set(dir(again)) == set(dir(part)), f"attributes of {name} change"
            assert [w.shape for w in again.weights] == [w.shape for w in part.weights], f"weights of {name} change"

    def test_saved_and_loaded_gives_equal_outputs(self, tmp_path: Path) -> None:
        """Through a checkpoint on disk, into a model that began with other weights."""
        model, other = self._seeded(SEED), self._seeded(SEED + 1)
        inputs = self.faces(model.input_size)
        self._save(tmp_path, model, {})
        _checkpoint(tmp_path).load_parts(other)
        for job in (*SIDES, "swap"):
            np.testing.assert_array_equal(_run(other, job, inputs)[0], _run(model, job, inputs)[0])
        close(model)
        close(other)

    def test_one_step_learns(self) -> None:
        """The loss is finite and every part changes."""
        model = self._seeded(SEED)
        before = {name: [_numpy(w).copy() for w in part.trainable_weights] for name, part in model.parts.items()}
        losses = self._trainer(model).run(1)
        assert np.isfinite(losses).all(), f"loss {losses}"
        for name, part in model.parts.items():
            changed = [
                not np.array_equal(_numpy(w), old) for old, w in zip(before[name], part.trainable_weights, strict=True)
            ]
            assert any(changed) or not changed, f"part {name} did not change"
        close(model)

    def test_seeded_steps_repeat(self) -> None:
        """The same seed gives the same losses."""
        first, second = (self._trainer(self._seeded(SEED)).run(2) for _ in range(2))
        np.testing.assert_allclose(first, second, rtol=1e-5)

    def test_resumed_run_equals_uninterrupted_run(self, tmp_path: Path) -> None:
        """Parts, their random numbers and optimizer from disk, and the next steps are what they would have been."""
        from fspp_core.models.randomness import restore_random_state

        whole = self._trainer(self._seeded(SEED)).run(4)
        stopped = self._trainer(self._seeded(SEED))
        stopped.run(2)
        self._save(tmp_path, stopped.model, stopped.optimizer_state())
        resumed = self._trainer(self._seeded(SEED + 1))
        checkpoint = _checkpoint(tmp_path)
        checkpoint.load_parts(resumed.model)
        restore_random_state(resumed.model, checkpoint.state["random"])
        resumed.restore(checkpoint.optimizer())
        np.testing.assert_allclose(resumed.run(2), whole[2:], rtol=1e-4)

    def test_mixed_precision(self) -> None:
        """Outputs stay float32 and in range, and a step is finite."""
        for precision in self.precisions:
            with _policy(precision):
                model = self._seeded(SEED)
                for job in (*SIDES, "swap"):
                    _assert_outputs(model, *_run(model, job, self.faces(model.input_size)))
                losses = self._trainer(model).run(1)
                assert np.isfinite(losses).all(), f"loss {losses} under {precision}"
                close(model)

    @classmethod
    def _seeded(cls, seed: int) -> Any:
        import keras

        keras.utils.set_random_seed(seed)
        return cls.build()

    @classmethod
    def _trainer(cls, model: Any) -> _Trainer:
        return _Trainer(model, cls.faces, cls.learning_rate)

    @classmethod
    def _save(cls, folder: Path, model: Any, optimizer: dict[str, FloatArray]) -> None:
        from fspp_core.models import CheckpointStore
        from fspp_core.models.randomness import random_state

        owner = cls.registry().owner(cls.kind, cls.component)
        CheckpointStore(folder).save(
            step=2,
            model_name=cls.component,
            model_options=dict(cls.options),
            owner={"distribution": owner.distribution, "version": owner.version},
            parts=model.parts,
            optimizer=optimizer,
            state={"random": random_state(model)},
            keep=1,
        )


class _Trainer:
    """Reconstruct both sides, mean absolute error, Adam: the least that shows whether a model learns."""

    def __init__(self, model: Any, faces: Any, learning_rate: float) -> None:
        import keras

        self.model = model
        self.inputs = [faces(model.input_size)] * 2
        goals = faces(model.output_size)
        side = model.input_size
        ins = [keras.Input((side, side, 3)) for _ in SIDES]
        pairs = [model.reconstruct(name, value) for name, value in zip(SIDES, ins, strict=True)]
        outs = [face for face, _ in pairs] + [mask for _, mask in pairs if mask is not None]
        self.goals = [goals] * 2 + [goals[..., :1]] * (len(outs) - 2)
        self.network = keras.Model(ins, outs)
        self.network.compile(keras.optimizers.Adam(learning_rate), loss=["mae"] * len(outs))
        self.network.optimizer.build(self.network.trainable_variables)

    def run(self, steps: int) -> list[float]:
        import keras

        losses = []
        for step in range(steps):
            keras.utils.set_random_seed(SEED + step)
            result = self.network.train_on_batch(self.inputs, self.goals)
            losses.append(float(np.ravel(result)[0]))
        return losses

    def optimizer_state(self) -> dict[str, FloatArray]:
        return {f"{number:06d}": _numpy(v) for number, v in enumerate(self.network.optimizer.variables)}

    def restore(self, state: Any) -> None:
        for variable, (_, value) in zip(self.network.optimizer.variables, sorted(state.items()), strict=True):
            variable.assign(value)


@contextmanager
def _policy(name: str) -> Iterator[None]:
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _checkpoint(folder: Path) -> Any:
    from fspp_core.models import CheckpointStore

    checkpoint = CheckpointStore(folder).latest()
    assert checkpoint is not None, "the checkpoint just written is not there"
    return checkpoint


def _run(model: Any, job: str, inputs: FloatArray) -> tuple[FloatArray, FloatArray | None]:
    faces, masks = model.swap(inputs) if job == "swap" else model.reconstruct(job, inputs)
    return _numpy(faces), None if masks is None else _numpy(masks)


def _assert_outputs(model: Any, faces: FloatArray, masks: FloatArray | None) -> None:
    size = model.output_size
    assert_float32(faces, (2, size, size, 3))
    assert (masks is not None) == model.has_mask, "has_mask and the masks given disagree"
    for array in (faces, masks):
        if array is not None:
            assert_within_0_and_1(array, "the output")
    if masks is not None:
        assert_float32(masks, (2, size, size, 1))


def _shapes(model: Any) -> dict[str, list[tuple[int, ...]]]:
    return {name: [tuple(w.shape) for w in part.weights] for name, part in model.parts.items()}


def _text(config: Any) -> str:
    return json.dumps(config, sort_keys=True, default=repr)


def _numpy(tensor: Any) -> FloatArray:
    from keras import ops

    return np.asarray(ops.convert_to_numpy(tensor))
