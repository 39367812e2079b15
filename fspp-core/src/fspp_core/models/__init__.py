"""Trained models on disk: checkpoints of named parts, written whole or not at all, and opening one to use it."""

from fspp_core.models.checkpoint import Checkpoint
from fspp_core.models.opening import open_model
from fspp_core.models.store import CheckpointStore, Damage

__all__ = ["Checkpoint", "CheckpointStore", "Damage", "open_model"]
