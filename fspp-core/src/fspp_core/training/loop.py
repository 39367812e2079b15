"""Training: everything that is put together before the first step, the loop, and its end."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fspp_core import backend
from fspp_core.errors import Cancelled, TrainingError
from fspp_core.models import Checkpoint, CheckpointStore
from fspp_core.options import options_dict, parse_options
from fspp_core.progress import CancelFlag, Progress, ProgressEvent, Timings, ignore
from fspp_core.registry import Registry, load_registry
from fspp_core.training.augment import Strengths
from fspp_core.training.batches import BatchMaker, single_threaded_opencv
from fspp_core.training.faces import CropPlan
from fspp_core.training.facesets import FaceMasks, open_facesets, warn_of_changes
from fspp_core.training.findfaces import FaceSource, locate
from fspp_core.training.log import LOG_NAME
from fspp_core.training.options import TrainOptions, loss_weights
from fspp_core.training.precision import building, check_precision
from fspp_core.training.report import TrainReport
from fspp_core.training.resume import model_options, restore_optimizer, restore_random_state
from fspp_core.training.session import Session
from fspp_core.training.step import FaceLosses, Trainer
from fspp_core.types import Side

LOG = logging.getLogger(__name__)

Components = Mapping[str, Mapping[str, Any]]
_SHOWN = ("loss", "source", "target", "steps_per_s", "data_wait")


def train(
    source: Path | str,
    target: Path | str,
    model_dir: Path | str,
    options: TrainOptions | None = None,
    *,
    components: Components | None = None,
    registry: Registry | None = None,
    progress: Progress = ignore,
    cancel: CancelFlag | None = None,
) -> TrainReport:
    """Train a model to put the source's face into footage of the target; goes on where `model_dir` stands.

    Args:
        source: faces of the identity that is put in: a folder of face crops, the output folder of an extract, or an
            alignments file with its footage.
        target: faces of the footage it is put into, likewise.
        model_dir: holds `checkpoints/`, `preview/`, `log.csv` and `tensorboard/`; made if need be.
        components: option values by component name: of the model, losses, schedule, optimizer and masker.
        cancel: when set, the training is saved and stops.

    Returns:
        What was done. When the steps had been done before, nothing is.

    Raises:
        ConfigError: for options that do not fit.
        PluginError: for a component that is missing or broken.
        TrainingError: for faces that cannot be used, options that cannot change, or a loss that is not finite; the last
            good checkpoint is kept.
        Cancelled: when stopped by `cancel` or an interrupt, after saving.
    """
    options = parse_options(TrainOptions, options_dict(options or TrainOptions()), where="train.")
    setup = _Setup(Path(model_dir), options, components or {}, registry or load_registry())
    if setup.done >= options.steps:
        LOG.info("%s: all %d steps are done; raise steps to go on", model_dir, setup.done)
        return setup.report(None, Timings())
    with single_threaded_opencv():
        timings = Timings()
        with timings.measure("prepare"):
            session = setup.session(Path(source), Path(target), timings, progress, cancel)
        try:
            _run(session, options, progress, cancel)
        finally:
            session.close()
        return setup.report(session, timings)


def _run(session: Session, options: TrainOptions, progress: Progress, cancel: CancelFlag | None) -> None:
    try:
        while session.step < options.steps:
            if cancel is not None and cancel.is_set():
                raise Cancelled("")
            figures = session.advance()
            session.after_step(figures)
            shown = {name: figures[name] for name in _SHOWN}
            progress(ProgressEvent(stage="train", done=session.step, total=options.steps, unit="step", values=shown))
    except (Cancelled, KeyboardInterrupt) as stop:
        session.settle_step()
        path = session.saved or session.save()
        raise Cancelled(
            f"training stopped at step {session.step} of {options.steps} on request and saved in {path}; run the same "
            "command again to go on"
        ) from stop
    if session.saved is None:
        session.save()
    session.draw()


class _Setup:
    """What is known about a training before its network is built, and the building of it."""

    def __init__(self, folder: Path, options: TrainOptions, components: Components, registry: Registry) -> None:
        self.folder, self.options, self.components, self.registry = folder, options, components, registry
        weights = loss_weights(options.losses)
        self.owner = registry.owner("model", options.model)
        self.store = CheckpointStore(folder)
        self.checkpoint: Checkpoint | None = self.store.latest()
        self.model_options = model_options(registry, options, self._raw(options.model), self.checkpoint)
        self.losses = {
            name: (registry.build("loss", name, self._raw(name)), weight) for name, weight in weights.items()
        }
        self.schedule = registry.build("scheduler", options.scheduler, self._raw(options.scheduler))
        self.optimizer = registry.build("optimizer", options.optimizer, self._raw(options.optimizer))

    @property
    def done(self) -> int:
        """Updates done in earlier runs."""
        return 0 if self.checkpoint is None else self.checkpoint.step

    def session(
        self, source: Path, target: Path, timings: Timings, progress: Progress, cancel: CancelFlag | None
    ) -> Session:
        """Build the network, find the faces, and put everything back where the checkpoint left it."""
        options = self.options
        places: dict[Side, FaceSource] = {
            "source": locate(source, _path(options.source_media)),
            "target": locate(target, _path(options.target_media)),
        }
        backend.grow_memory()
        check_precision(options.precision, force=options.force_precision)
        with building(options.precision, options.seed):
            model = self.registry.construct("model", options.model, self.model_options)
            losses = FaceLosses(
                self.losses,
                background_weight=options.background_weight,
                mask_loss_weight=options.mask_loss_weight,
                channel_order=model.channel_order,
            )
            trainer = Trainer(model, losses)
            trainer.compile(optimizer=self.optimizer.build(options.learning_rate), loss=None, jit_compile="auto")
        trainer.optimizer.build(trainer.trainable_variables)  # restoring into an unbuilt optimizer is lost
        state: Mapping[str, Any] = {}
        if self.checkpoint is not None:
            state = self.checkpoint.state
            self.checkpoint.load_parts(model)
            restore_random_state(model, state.get("random", {}))
            self._restore_optimizer(trainer, state)
        plan = CropPlan(options.face_type, model.input_size, model.output_size)
        masks = None
        if losses.weighs_pixels or model.has_mask:
            masks = FaceMasks(options.mask, self.registry, self._raw(options.mask))
        sets = open_facesets(places, plan, masks, options, progress=progress, cancel=cancel)
        warn_of_changes(state.get("data", {}), sets)
        strengths = Strengths(
            warp=options.warp,
            transform=options.transform,
            flip=options.flip,
            color=options.color,
            clahe=options.clahe,
        )
        return Session(
            options=options,
            registry=self.registry,
            folder=self.folder,
            store=self.store,
            model=model,
            origin={
                "name": options.model,
                "options": options_dict(self.model_options),
                "owner": {"distribution": self.owner.distribution, "version": self.owner.version},
            },
            trainer=trainer,
            schedule=self.schedule,
            batches=BatchMaker(
                sets["source"], sets["target"], batch_size=options.batch_size, seed=options.seed, strengths=strengths
            ),
            kept={
                "components": {name: dict(raw) for name, raw in self.components.items()},
                "data": {
                    side: {"path": str(places[side].path), "faces": len(faces), "fingerprint": faces.fingerprint}
                    for side, faces in sets.items()
                },
            },
            step=self.done,
            checkpoint=None if self.checkpoint is None else self.checkpoint.path,
            seconds=float(state.get("seconds", 0.0)),
            timings=timings,
        )

    def report(self, session: Session | None, timings: Timings) -> TrainReport:
        """What to tell the caller; without a session nothing was left to do."""
        checkpoint = None if self.checkpoint is None else self.checkpoint.path
        if session is not None:
            checkpoint = session.saved
        if checkpoint is None:
            raise TrainingError(f"{self.folder}: the training ended without a checkpoint")
        sets = {} if session is None else session.batches.sets
        return TrainReport(
            model=self.options.model,
            parameters=0 if session is None else int(session.trainer.count_params()),
            first_step=self.done,
            steps=self.done if session is None else session.step,
            faces={side: len(faces) for side, faces in sets.items()},
            losses={} if session is None else dict(session.last),
            seconds=dict(timings.seconds),
            devices=tuple(str(device) for device in backend.devices()),
            versions=backend.versions(),
            model_dir=self.folder,
            checkpoint=checkpoint,
            log=self.folder / LOG_NAME,
        )

    def _raw(self, component: str) -> dict[str, Any]:
        return dict(self.components.get(component, {}))

    def _restore_optimizer(self, trainer: Trainer, state: Mapping[str, Any]) -> None:
        before = state.get("train_options", {}).get("optimizer", self.options.optimizer)
        if before != self.options.optimizer:
            LOG.warning(
                "optimizer: %s instead of %s, so its running means start afresh", self.options.optimizer, before
            )
            return
        if self.checkpoint is not None:
            restore_optimizer(trainer.optimizer, self.checkpoint.optimizer())


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
