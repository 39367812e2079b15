"""Every error fspp raises on purpose: what, where, what was received, what to do."""

from __future__ import annotations


class FsppError(Exception):
    """Base of all errors that are shown to the user without a traceback."""


class ConfigError(FsppError):
    """Options or a project file that do not fit their schema; the message lists every fault."""


class PluginError(FsppError):
    """A plugin that is missing, broken, or breaks its contract; the message names its distribution."""


class MediaError(FsppError):
    """A picture or video that cannot be read or written as asked; the message names the file."""


class AlignmentsError(FsppError):
    """An alignments file or face record that is damaged, or belongs to other footage."""


class BusyError(FsppError):
    """Files that another run is writing."""


class CheckpointError(FsppError):
    """A checkpoint that is damaged or does not fit the model; nothing was overwritten."""


class WeightsError(FsppError):
    """Pretrained weights that are missing, damaged, or not the ones named; nothing of them was kept."""


class TrainingError(FsppError):
    """Training that cannot start or go on; the last good checkpoint is kept."""


class ShapeError(FsppError):
    """An array of another shape or dtype than the contract says."""


class Cancelled(FsppError):  # noqa: N818 - the request was not an error
    """The caller asked the job to stop; everything done so far is on disk."""
