"""One running training: the compiled step with its data, and how it is saved, shown and logged."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fspp_core.errors import TrainingError
from fspp_core.models.randomness import random_state
from fspp_core.options import options_dict
from fspp_core.progress import Timings
from fspp_core.training.log import TrainingLog
from fspp_core.training.preview import Preview
from fspp_core.training.resume import optimizer_arrays

if TYPE_CHECKING:
    from fspp_core.interfaces import Schedule, SwapModel
    from fspp_core.models import CheckpointStore
    from fspp_core.registry import Registry
    from fspp_core.training.batches import Batch, BatchMaker
    from fspp_core.training.options import TrainOptions
    from fspp_core.training.step import Trainer

LOG = logging.getLogger(__name__)

_RATE_WINDOW = 50


class Session:
    """A network in training. `step` is the number of updates done.

    Args:
        folder: the model folder.
        origin: what the model was built from: `name`, `options` and `owner`, as checkpoints record them.
        kept: what checkpoints record besides, the same at each save.
        step: updates done so far.
        checkpoint: the folder that holds this step, if it was restored from one.
        seconds: time spent on them.
    """

    def __init__(
        self,
        *,
        options: TrainOptions,
        registry: Registry,
        folder: Path,
        store: CheckpointStore,
        model: SwapModel,
        origin: Mapping[str, Any],
        trainer: Trainer,
        schedule: Schedule,
        batches: BatchMaker,
        kept: Mapping[str, Any],
        step: int,
        checkpoint: Path | None,
        seconds: float,
        timings: Timings,
    ) -> None:
        self.options = options
        self.registry = registry
        self.store = store
        self.model = model
        self.origin = origin
        self.trainer = trainer
        self.schedule = schedule
        self.batches = batches
        self.kept = kept
        self.step = step
        self.timings = timings
        self.last: dict[str, float] = {}
        self._saved = None if checkpoint is None else (step, checkpoint)
        self._saved_at = time.monotonic()
        self._seconds_before, self._started = seconds, time.monotonic()
        self._rate = math.nan
        self._laps: deque[tuple[float, float]] = deque(maxlen=_RATE_WINDOW)
        self._before = (step, self._updates())
        losses = trainer.loss_names()
        self.columns = ["seconds", "learning_rate", "loss", *losses, "steps_per_s", "data_wait"]
        self.log = TrainingLog(folder, self.columns, step=step, tensorboard=options.tensorboard)
        self.preview = None
        if options.preview_every:
            faces = batches.sets
            self.preview = Preview(
                model, faces["source"], faces["target"], columns=options.preview_faces, folder=folder
            )
        self._stream: Generator[Batch, None, None] = batches.stream(step, options.steps, options.workers)

    @property
    def seconds(self) -> float:
        """Time spent on this training, earlier runs included."""
        return self._seconds_before + time.monotonic() - self._started

    @property
    def saved(self) -> Path | None:
        """The checkpoint of this very step, if there is one."""
        return self._saved[1] if self._saved is not None and self._saved[0] == self.step else None

    def advance(self) -> dict[str, float]:
        """Do one update.

        Returns:
            The figures of the step by column of the log.

        Raises:
            TrainingError: when a loss is not finite; nothing of this step is saved.
        """
        start = time.perf_counter()
        batch = next(self._stream)
        ready = time.perf_counter()
        rate = self.options.learning_rate * self.schedule.factor(self.step, self.options.steps)
        if rate != self._rate:
            self.trainer.optimizer.learning_rate = rate
            self._rate = rate
        self._before = (self.step, self._updates())
        results = self.trainer.train_on_batch(batch.inputs, batch.truth, return_dict=True)
        self.step += 1
        losses = {name: float(results[name]) for name in self.trainer.loss_names()}
        end = time.perf_counter()
        self._laps.append((end - start, ready - start))
        self.timings.seconds["data wait"] = self.timings.seconds.get("data wait", 0.0) + ready - start
        self.timings.seconds["step"] = self.timings.seconds.get("step", 0.0) + end - ready
        total, waited = (sum(lap[i] for lap in self._laps) for i in (0, 1))
        figures = {
            "seconds": self.seconds,
            "learning_rate": rate,
            "loss": losses["source"] + losses["target"],
            **losses,
            "steps_per_s": len(self._laps) / total,
            "data_wait": waited / total,
        }
        if not all(math.isfinite(value) for value in losses.values()):
            raise TrainingError(self._not_finite(losses))
        self.last = figures
        return figures

    def after_step(self, figures: Mapping[str, float]) -> None:
        """What is due after an update: event, log, preview, checkpoint."""
        options = self.options
        self.registry.call("fspp_train_step_end", step=self.step, metrics=figures)
        if self.step % options.log_every == 0:
            self.log.write(self.step, figures)
        if self.preview is not None and self.step % options.preview_every == 0:
            self.draw()
        late = options.save_minutes and time.monotonic() - self._saved_at >= 60 * options.save_minutes
        if self.step % options.save_every == 0 or late:
            self.save()

    def draw(self) -> None:
        """Write the preview sheet of this step."""
        if self.preview is None:
            return
        with self.timings.measure("preview"):
            loss = self.last.get("loss")
            shown = "" if loss is None else f", loss {loss:.4f}"
            self.preview.write(self.step, f"{self.origin['name']}, step {self.step}{shown}")

    def save(self) -> Path:
        """Write a checkpoint of this step and return its folder.

        Raises:
            TrainingError: when the weights are not finite; earlier checkpoints are kept.
        """
        with self.timings.measure("save"):
            self._check_weights()
            path: Path = self.store.save(
                step=self.step,
                model_name=self.origin["name"],
                model_options=self.origin["options"],
                owner=self.origin["owner"],
                parts=self.model.parts,
                optimizer=optimizer_arrays(self.trainer.optimizer),
                state={
                    **self.kept,
                    "face_type": self.options.face_type,
                    "train_options": options_dict(self.options),
                    "seed": self.options.seed,
                    "random": random_state(self.model),
                    "seconds": round(self.seconds, 3),
                    "losses": {name: self.last[name] for name in ("loss", *self.trainer.loss_names())}
                    if self.last
                    else {},
                },
                keep=self.options.keep_checkpoints,
            )
        self._saved, self._saved_at = (self.step, path), time.monotonic()
        self.registry.call("fspp_checkpoint_saved", step=self.step, path=str(path))
        return path

    def settle_step(self) -> None:
        """After an interrupt at any moment: make `step` the number of updates that reached the weights."""
        step, updates = self._before
        self.step = step + int(self._updates() > updates)

    def close(self) -> None:
        """Stop the data threads, let components go and finish the logs; may be called twice."""
        self._stream.close()
        for faces in self.batches.sets.values():
            faces.close()
        close = getattr(self.model, "close", None)
        if close is not None:
            close()
        self.log.close()

    def _updates(self) -> int:
        return int(self.trainer.optimizer.iterations)

    def _check_weights(self) -> None:
        from keras import ops

        for name, part in self.model.parts.items():
            for variable in part.weights:
                if not bool(ops.all(ops.isfinite(variable))):
                    raise TrainingError(
                        f"step {self.step}: {variable.path} of part {name} is no longer finite, so this step is not "
                        f"saved. {self._what_is_left()}"
                    )

    def _not_finite(self, losses: Mapping[str, float]) -> str:
        bad = ", ".join(f"{name} = {value}" for name, value in losses.items() if not math.isfinite(value))
        return f"step {self.step}: the loss is not finite ({bad}). {self._what_is_left()}"

    def _what_is_left(self) -> str:
        latest = self.store.latest()
        advice = "Run again with a lower learning_rate, optimizer clip_norm, or precision float32"
        if latest is None:
            return f"Nothing had been saved yet. {advice}"
        return f"The checkpoint of step {latest.step} is kept at {latest.path}; training goes on from it. {advice}"
