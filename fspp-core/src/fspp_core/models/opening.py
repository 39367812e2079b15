"""Open a trained model: build what the checkpoint describes and load its weights."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from fspp_core.errors import CheckpointError
from fspp_core.models.store import CheckpointStore

if TYPE_CHECKING:
    from fspp_core.interfaces import SwapModel
    from fspp_core.models.checkpoint import Checkpoint
    from fspp_core.registry import Registry

LOG = logging.getLogger(__name__)


def open_model(folder: Path | str, registry: Registry, *, step: int | None = None) -> tuple[SwapModel, Checkpoint]:
    """Build the model of a model folder and load its weights.

    Args:
        folder: the folder a training wrote to.
        registry: where the model component is found.
        step: which checkpoint; the newest good one when None.

    Raises:
        CheckpointError: when there is no good checkpoint, or it does not fit the installed model.
        PluginError: when the model is not installed; names what to install.
        ConfigError: when the installed model does not know the checkpoint's options.
    """
    store = CheckpointStore(folder)
    checkpoint = store.latest() if step is None else store.open(step)
    if checkpoint is None:
        raise CheckpointError(
            f"{folder}: holds no trained model (looked for {store.folder}); make one with: "
            f"fspp train SOURCE TARGET {folder}"
        )
    try:
        model: SwapModel = registry.build("model", checkpoint.model_name, checkpoint.model_options)
    except Exception as error:
        error.add_note(f"while opening {checkpoint.path}, saved by {' '.join(map(str, checkpoint.owner.values()))}")
        raise
    checkpoint.load_parts(model)
    LOG.info("opened %s: %s, step %d", checkpoint.path, checkpoint.model_name, checkpoint.step)
    return model, checkpoint
