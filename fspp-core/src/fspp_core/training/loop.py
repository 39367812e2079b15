"""Training: the loop, and what must happen at its end however it comes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fspp_core.errors import Cancelled, FsppError, TrainingError
from fspp_core.locking import exclusive
from fspp_core.options import options_dict, parse_options
from fspp_core.progress import CancelFlag, Progress, ProgressEvent, Timings, ignore
from fspp_core.registry import Registry, load_registry
from fspp_core.training.batches import single_threaded_opencv
from fspp_core.training.options import TrainOptions
from fspp_core.training.report import TrainReport
from fspp_core.training.session import Session
from fspp_core.training.setup import Components, Setup

LOG = logging.getLogger(__name__)

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
        BusyError: when another run is training the model.
        Cancelled: when stopped by `cancel` or an interrupt, after saving.
    """
    with _setup(model_dir, options, components, registry) as setup:
        if setup.done >= setup.options.steps:
            LOG.info("%s: all %d steps are done; raise steps to go on", model_dir, setup.done)
            return setup.report(None)
        with _opened(setup, Path(source), Path(target), progress, cancel) as session:
            _run(session, setup.options.steps, progress, cancel)
            return setup.report(session)


@contextmanager
def open_session(
    source: Path | str,
    target: Path | str,
    model_dir: Path | str,
    options: TrainOptions | None = None,
    *,
    components: Components | None = None,
    registry: Registry | None = None,
) -> Iterator[Session]:
    """A training that the caller steps by hand with `advance` and `after_step`; arguments and errors as in `train`."""
    with (
        _setup(model_dir, options, components, registry) as setup,
        _opened(setup, Path(source), Path(target), ignore, None) as session,
    ):
        yield session


@contextmanager
def _setup(
    model_dir: Path | str, options: TrainOptions | None, components: Components | None, registry: Registry | None
) -> Iterator[Setup]:
    """What is to be done, looked up while no other run can change it."""
    checked = parse_options(TrainOptions, options_dict(options or TrainOptions()), where="train.")
    with exclusive(Path(model_dir)):
        yield Setup(Path(model_dir), checked, components or {}, registry or load_registry())


@contextmanager
def _opened(
    setup: Setup, source: Path, target: Path, progress: Progress, cancel: CancelFlag | None
) -> Iterator[Session]:
    timings = Timings()
    with single_threaded_opencv():
        with timings.measure("prepare"):
            session = setup.session(source, target, timings, progress, cancel)
        try:
            yield session
        finally:
            session.close()


def _run(session: Session, steps: int, progress: Progress, cancel: CancelFlag | None) -> None:
    try:
        while session.step < steps:
            if cancel is not None and cancel.is_set():
                raise Cancelled("cancelled")
            figures = session.advance()
            session.after_step(figures)
            shown = {name: figures[name] for name in _SHOWN}
            progress(ProgressEvent(stage="train", done=session.step, total=steps, unit="step", values=shown))
    except (Cancelled, KeyboardInterrupt) as stop:
        session.settle_step()
        path = session.saved or session.save()
        raise Cancelled(
            f"training stopped at step {session.step} of {steps} on request and saved in {path}; run the same command "
            "again to go on"
        ) from stop
    except TrainingError:
        raise
    except Exception as error:
        # a face that has gone, a failing plugin, a full disk: the weights are as good as they were
        session.settle_step()
        with suppress(FsppError):
            error.add_note(f"the training of {session.step} steps is saved in {session.saved or session.save()}")
        raise
    if session.saved is None:
        session.save()
    session.draw()
