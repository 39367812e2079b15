"""One training step: a Keras model that takes uint8 faces of both sides and sums the weighted losses in its graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from fspp_core.interfaces import Loss, SwapModel
from fspp_core.types import Side

SIDES: tuple[Side, Side] = ("source", "target")


@keras.saving.register_keras_serializable("fspp")
class FacesToFloat(keras.layers.Layer):  # type: ignore[misc]
    """uint8 BGR faces to float32 0..1 in the order of channels that a network wants.

    Args:
        channel_order: "bgr" or "rgb".
    """

    def __init__(self, channel_order: str = "bgr", **kwargs: Any) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.channel_order = channel_order

    def call(self, inputs: Any) -> Any:
        """Scale and order."""
        return faces_to_float(inputs, self.channel_order)

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Same shape, float32."""
        return keras.KerasTensor(inputs.shape, "float32")

    def get_config(self) -> dict[str, Any]:
        """The channel order besides what layers have."""
        return {**super().get_config(), "channel_order": self.channel_order}


def faces_to_float(faces: Any, channel_order: str) -> Any:
    """(n, h, w, 3) uint8 BGR to float32 0..1 in `channel_order`, in the graph."""
    faces = ops.cast(faces, "float32") * (1.0 / 255.0)
    return ops.flip(faces, axis=-1) if channel_order == "rgb" else faces


class FaceLosses:
    """The weighted sum of losses of one side, weighed by the face mask.

    Args:
        losses: by name, with their weights.
        background_weight: weight of the pixels outside the mask; 1 leaves the mask out.
        mask_loss_weight: weight of the squared error of the predicted mask.
        channel_order: of the predictions.
    """

    def __init__(
        self,
        losses: Mapping[str, tuple[Loss, float]],
        *,
        background_weight: float,
        mask_loss_weight: float,
        channel_order: str,
    ) -> None:
        self.losses = losses
        self.background_weight = background_weight
        self.mask_loss_weight = mask_loss_weight
        self.channel_order = channel_order

    @property
    def weighs_pixels(self) -> bool:
        """Whether face masks matter for the faces' losses."""
        return self.background_weight < 1.0

    def __call__(self, faces: Any, mask: Any | None, predicted: Any, predicted_mask: Any | None) -> dict[str, Any]:
        """Unweighted means by name, `mask` among them where one is predicted.

        Args:
            faces: (n, h, w, 3) uint8 BGR, the truth.
            mask: (n, h, w, 1) uint8, or None when nothing here needs it.
            predicted: (n, h, w, 3) float, 0..1.
            predicted_mask: (n, h, w, 1) float 0..1, or None.
        """
        true = faces_to_float(faces, self.channel_order)
        predicted = ops.cast(predicted, "float32")
        inside = None if mask is None else ops.cast(mask, "float32") * (1.0 / 255.0)
        weights = None
        if inside is not None and self.weighs_pixels:
            weights = self.background_weight + (1.0 - self.background_weight) * inside
        values = {name: _mean(loss, true, predicted, weights) for name, (loss, _) in self.losses.items()}
        if inside is not None and predicted_mask is not None:
            values["mask"] = ops.mean(ops.square(ops.cast(predicted_mask, "float32") - inside))
        return values

    def total(self, values: Mapping[str, Any]) -> Any:
        """Sum of the values by their weights."""
        return sum(
            value * (self.mask_loss_weight if name == "mask" else self.losses[name][1])
            for name, value in values.items()
        )


def _mean(loss: Loss, true: Any, predicted: Any, weights: Any | None) -> Any:
    """A map is weighed pixel by pixel; a loss without a map sees both pictures dimmed by the weights."""
    if weights is None:
        return ops.mean(loss(true, predicted))
    values = loss(true, predicted)
    if len(values.shape) == 4:
        return ops.mean(values * weights)
    return ops.mean(loss(true * weights, predicted * weights))


@keras.saving.register_keras_serializable("fspp")
class LastValue(keras.metrics.Metric):  # type: ignore[misc]
    """Shows the value of the last step; unlike a mean it needs no reset."""

    def __init__(self, name: str, dtype: str = "float32") -> None:
        super().__init__(name=name, dtype=dtype)
        self.value = self.add_variable((), "zeros", name="value")

    def update_state(self, value: Any) -> None:
        """Take the step's value."""
        self.value.assign(ops.cast(value, self.dtype))

    def result(self) -> Any:
        """The value of the last step."""
        return ops.convert_to_tensor(self.value)


class Trainer(keras.Model):  # type: ignore[misc]
    """A swapping network wired for training: two inputs, both sides' faces and masks out.

    `train_on_batch(x, y, return_dict=True)` gives the step's own losses: each side's sum under the side's name and its
    unweighted parts as `source_dssim` and so on. Keras's own `loss` beside them is a running mean.
    """

    def __init__(self, model: SwapModel, losses: FaceLosses) -> None:
        shape = (model.input_size, model.input_size, 3)
        inputs = {side: keras.Input(shape, dtype="uint8", name=side) for side in SIDES}
        outputs: dict[str, Any] = {}
        for side in SIDES:
            faces = FacesToFloat(model.channel_order, name=f"{side}_to_float")(inputs[side])
            outputs[side], mask = model.reconstruct(side, faces)
            if mask is not None:
                outputs[f"{side}_mask"] = mask
        super().__init__(inputs=inputs, outputs=outputs, name="trainer")
        self.losses_of_side = losses
        names = [*losses.losses, *(["mask"] if model.has_mask else [])]
        self.shown = {
            side: {"total": LastValue(side), **{name: LastValue(f"{side}_{name}") for name in names}} for side in SIDES
        }

    def loss_names(self) -> list[str]:
        """Names of the figures of a step: each side's sum, then its unweighted losses."""
        return [metric.name for side in SIDES for metric in self.shown[side].values()]

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Sum over both sides. `y` holds uint8 faces by side and masks as `source_mask`, `target_mask`."""
        total = 0.0
        for side in SIDES:
            values = self.losses_of_side(y[side], y.get(f"{side}_mask"), y_pred[side], y_pred.get(f"{side}_mask"))
            sum_of_side = self.losses_of_side.total(values)
            for name, value in {**values, "total": sum_of_side}.items():
                self.shown[side][name].update_state(value)
            total = total + sum_of_side
        return total
