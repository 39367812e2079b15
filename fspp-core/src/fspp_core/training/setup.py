"""Puts a training together: options checked, network built, faces found, everything as the checkpoint left it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fspp_core import backend
from fspp_core.errors import TrainingError
from fspp_core.masks import MaskExpression
from fspp_core.models import Checkpoint, CheckpointStore
from fspp_core.models.randomness import restore_random_state
from fspp_core.options import options_dict
from fspp_core.progress import CancelFlag, Progress, Timings
from fspp_core.registry import Registry
from fspp_core.training.augment import Strengths
from fspp_core.training.batches import BatchMaker
from fspp_core.training.facemasks import FaceMasks, Maskers, training_expression, training_shape
from fspp_core.training.faces import CropPlan
from fspp_core.training.facesets import open_facesets, warn_of_changes
from fspp_core.training.findfaces import FaceSource, locate
from fspp_core.training.log import LOG_NAME
from fspp_core.training.options import TrainOptions, loss_weights
from fspp_core.training.precision import building, check_precision
from fspp_core.training.report import TrainReport
from fspp_core.training.resume import model_options, restore_optimizer
from fspp_core.training.session import Session
from fspp_core.training.step import FaceLosses, Trainer
from fspp_core.types import Side

LOG = logging.getLogger(__name__)

Components = Mapping[str, Mapping[str, Any]]


class Setup:
    """What is known about a training before its network is built, and the building of it."""

    def __init__(self, folder: Path, options: TrainOptions, components: Components, registry: Registry) -> None:
        self.folder, self.options, self.components, self.registry = folder, options, components, registry
        weights = loss_weights(options.losses)
        of_target = training_expression(options.mask)
        of_source = of_target
        if options.source_mask is not None:
            of_source = training_expression(options.source_mask, where="source_mask")
        self.masks: dict[Side, MaskExpression] = {"source": of_source, "target": of_target}
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
        masks: dict[Side, FaceMasks] = {}
        if losses.weighs_pixels or model.has_mask:
            maskers, shape = Maskers(self.registry, self.components), training_shape(options)
            masks = {side: FaceMasks(mask, maskers, plan, shape) for side, mask in self.masks.items()}
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

    def report(self, session: Session | None) -> TrainReport:
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
            seconds={} if session is None else dict(session.timings.seconds),
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
