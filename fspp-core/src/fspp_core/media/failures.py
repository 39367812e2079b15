"""Errors of PyAV and of the disk, told as what they mean for the file at hand."""

from __future__ import annotations

import errno

import av

from fspp_core.errors import MediaError

AV_ERRORS = (av.error.FFmpegError, OSError, ValueError)
"""What PyAV raises for bad input, refused settings and failing disks."""

_REMEDIES = {
    errno.ENOSPC: "the disk is full; make room and run the same command again, finished parts are kept",
    errno.EDQUOT: "the disk quota is used up; make room and run the same command again, finished parts are kept",
    errno.EFBIG: "the file grows larger than the file system or a limit allows; write elsewhere",
    errno.EACCES: "not allowed to write there",
    errno.EPERM: "not allowed to write there",
    errno.EROFS: "the file system is read-only",
    errno.ENAMETOOLONG: "the name is too long for this file system",
}


def failure(where: object, doing: str, error: BaseException) -> MediaError:
    """A `MediaError` that says what failed, why, and what to do, for an error caught while `doing` something."""
    number = getattr(error, "errno", None)
    reason = _REMEDIES.get(number or 0) or getattr(error, "strerror", None) or str(error) or type(error).__name__
    return MediaError(f"{where}: {doing} failed: {reason}")
