"""Write frames as pictures, one file each; a journal tells a rerun which are done."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from fspp_core.errors import MediaError
from fspp_core.files import atomic_write, long_path, remove_leftovers
from fspp_core.media.failures import failure
from fspp_core.media.options import EncodeOptions
from fspp_core.media.parts import Parts
from fspp_core.media.pictures import PICTURE_SUFFIXES, write_image
from fspp_core.media.reader import MediaReader
from fspp_core.media.writer import MediaWriter
from fspp_core.types import Frame

LOG = logging.getLogger(__name__)

_FORMAT = 1
_DEEP = frozenset({".png", ".tiff"})
_ALIASES = {".jpeg": ".jpg", ".jpe": ".jpg", ".tif": ".tiff"}


class PictureWriter(MediaWriter):
    """A folder of pictures being written, or a single picture."""

    def __init__(
        self,
        path: Path,
        *,
        like: MediaReader,
        options: EncodeOptions,
        resume: bool,
        job: Mapping[str, Any],
        metadata: Mapping[str, str],
    ) -> None:
        self._path = path
        self._options = options
        self._single = path if path.suffix.lower() in PICTURE_SUFFIXES else None
        self._suffix = path.suffix if self._single else f".{options.picture_format}"
        self._text = metadata if _kind(self._suffix) == ".png" else {}
        self._warned = False
        if self._single is None and path.exists() and not path.is_dir():
            raise MediaError(f"{path}: is a file; give a folder for pictures, or a name with a video suffix")
        if like.info.color.hdr:
            LOG.warning("%s: pictures keep the %s values but not the tag that says so", path, like.info.color.hdr)
        self._parts = Parts(path)
        self._journal_path = self._parts.folder / "done.txt"
        whole_job = {
            "format": _FORMAT,
            "source": like.fingerprint(),
            "suffix": self._suffix,
            "quality": options.quality,
            **job,
        }
        remove_leftovers(path.parent if self._single else path, path.name if self._single else None)
        self._done = self._take_over() if self._parts.begin(whole_job, resume=resume) else 0
        self._written = self._done
        self._journal: TextIO | None = None
        self._closed = False

    @property
    def done(self) -> int:
        """As `MediaWriter.done`."""
        return self._done

    def write(self, frame: Frame) -> None:
        """As `MediaWriter.write`; a picture that was not changed and keeps its format is copied byte for byte."""
        if self._closed:
            raise MediaError(f"{self._path}: is finished; frame {frame.name} comes too late")
        target = self._single or self._path / f"{frame.name}{self._suffix}"
        try:
            if isinstance(frame.native, Path) and _kind(frame.native.suffix) == _kind(self._suffix):
                atomic_write(target, long_path(frame.native).read_bytes())
            else:
                text = self._text if frame.native is None else None
                write_image(target, self._fitting(frame), quality=self._options.quality, text=text)
            if self._journal is None:
                self._journal = self._journal_path.open("a", encoding="utf-8", newline="\n")
            self._journal.write(f"{target.name}\n")
            self._journal.flush()
        except OSError as error:
            raise failure(target, "writing", error) from error
        self._written += 1
        self._done += 1

    def close(self) -> None:
        """As `MediaWriter.close`."""
        if self._closed:
            return
        self.abort()
        self._parts.remove()
        if not self._written:
            raise MediaError(f"{self._path}: no frames were written")

    def abort(self) -> None:
        """As `MediaWriter.abort`."""
        self._closed = True
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self._parts.release()

    def _fitting(self, frame: Frame) -> np.ndarray[Any, Any]:
        if frame.image.dtype == np.uint8 or _kind(self._suffix) in _DEEP:
            return frame.image
        if not self._warned:
            LOG.warning("%s: 16 bits become 8 in %s; png and tiff keep them", self._path, self._suffix)
            self._warned = True
        return frame.bgr8

    def _take_over(self) -> int:
        """How many pictures the earlier run finished; a name torn off at the end of the journal does not count."""
        try:
            lines = self._journal_path.read_text("utf-8").split("\n")[:-1]
        except OSError:
            return 0
        folder = self._single.parent if self._single else self._path
        done = 0
        for name in lines:
            if not long_path(folder / name).is_file():
                break
            done += 1
        atomic_write(self._journal_path, "".join(f"{name}\n" for name in lines[:done]))
        return done


def _kind(suffix: str) -> str:
    return _ALIASES.get(suffix.lower(), suffix.lower())
