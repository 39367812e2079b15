"""Write footage: a video with the timing, tags and sound of another, or pictures; resumable after a kill."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from fspp_core.errors import MediaError
from fspp_core.media.join import CONTAINERS
from fspp_core.media.options import EncodeOptions
from fspp_core.media.pictures import PICTURE_SUFFIXES
from fspp_core.media.reader import MediaReader
from fspp_core.types import Frame

_OTHER_VIDEO_SUFFIXES = frozenset(
    {".avi", ".flv", ".gif", ".m2ts", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".wmv"}
)

VIDEO_SUFFIXES = _OTHER_VIDEO_SUFFIXES | CONTAINERS.keys()
"""What names of videos commonly end in, in lower case; others may be readable too."""


class MediaWriter(ABC):
    """Takes frames in order. As a context manager it finishes when the block ends well, and else keeps what is done."""

    @property
    @abstractmethod
    def done(self) -> int:
        """How many frames are safely written, by this run and an earlier one that was killed.

        Right after opening this is where to go on: the caller writes the frame with this place next.
        """

    @abstractmethod
    def write(self, frame: Frame) -> None:
        """Take the next frame; one whose `native` is still there is written without another conversion.

        Raises:
            MediaError: when its size or time does not fit, or the encoder or the disk fails.
        """

    @abstractmethod
    def close(self) -> None:
        """Finish: the output appears under its name, whole; what was unfinished is removed. May be called twice.

        Raises:
            MediaError: when no frame was written, or the disk fails; finished parts are kept then.
        """

    @abstractmethod
    def abort(self) -> None:
        """Stop without an output; finished parts stay for a rerun."""

    def __enter__(self) -> MediaWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()


def open_writer(
    path: Path | str,
    *,
    like: MediaReader,
    options: EncodeOptions | None = None,
    resume: bool = True,
    job: Mapping[str, Any] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> MediaWriter:
    """Open an output for frames made from those of `like`.

    Args:
        path: with a video suffix (.mp4, .m4v, .mov, .mkv, .webm) a video with the timing, colour tags, sound and
            subtitles of `like`; with a picture suffix one picture, if `like` is one; else a folder of pictures.
        like: the source; its size, times and tags are those of the output.
        resume: go on where an earlier run with equal arguments was stopped.
        job: JSON-ready values that the frames depend on beside `like` and `options`, such as the model and its
            checkpoint; an unfinished run with others is not continued.
        metadata: words about the output, such as that it is synthetic: tags of a video's container beside those of the
            source (.mp4 and .mov keep names they know, such as comment), texts in PNG pictures that were changed.

    Raises:
        MediaError: when source and output are the same, or the output cannot be as asked.
    """
    from fspp_core.media.picture_writer import PictureWriter
    from fspp_core.media.video_writer import VideoWriter

    output = Path(path).absolute()
    options = options or EncodeOptions()
    if output.resolve() == like.info.path.resolve():
        raise MediaError(f"{output}: is the source itself; give the output another name")
    suffix = output.suffix.lower()
    if suffix in _OTHER_VIDEO_SUFFIXES:
        raise MediaError(f"{output}: {suffix} is not written; take one of {', '.join(CONTAINERS)}")
    job, metadata = dict(job or {}), dict(metadata or {})
    if suffix in CONTAINERS and not output.is_dir():
        return VideoWriter(output, like=like, options=options, resume=resume, job=job, metadata=metadata)
    if suffix in PICTURE_SUFFIXES and like.info.kind != "picture":
        raise MediaError(
            f"{output}: {like.info.frame_count} frames do not go into one picture; give a folder or a video"
        )
    return PictureWriter(output, like=like, options=options, resume=resume, job=job, metadata=metadata)
