"""Open footage, whatever it is: a video, one picture, or a folder of pictures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from fspp_core.errors import MediaError
from fspp_core.files import long_path
from fspp_core.media.info import MediaInfo
from fspp_core.media.pictures import PICTURE_SUFFIXES
from fspp_core.types import Frame


class MediaReader(ABC):
    """Frames of one piece of footage, known by index and presentation time. Safe to use from several threads.

    Attributes:
        info: facts about the footage.
    """

    info: MediaInfo

    @abstractmethod
    def frames(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        """The frames `start`, `start + step`, … below `stop`, as a generator that may be closed early.

        Raises:
            MediaError: after the last good frame, where the footage is damaged; a file that a scan has shown to be
                cut off says so, unless the reader was told to accept it.
        """

    @abstractmethod
    def frame(self, index: int) -> Frame:
        """One frame, exactly; going forwards is cheap.

        Raises:
            MediaError: when there is no such frame, or it cannot be decoded.
        """

    @abstractmethod
    def name(self, index: int) -> str:
        """The name of a frame, unique in the footage: the stem of its picture, or of the video with its number."""

    @abstractmethod
    def fingerprint(self) -> str:
        """A digest of the content that another copy of the same footage shares, and an edited one does not."""

    @abstractmethod
    def close(self) -> None:
        """Let go of files; may be called twice."""

    def check_index(self, index: int) -> None:
        """Raise `MediaError` if there is no frame `index`."""
        if not 0 <= index < self.info.frame_count:
            count = self.info.frame_count
            raise MediaError(f"{self.info.path}: no frame {index}; there are {count}, from 0 to {count - 1}")

    def indices(self, start: int, stop: int | None, step: int) -> range:
        """The frame indices a call of `frames` asks for."""
        if start < 0 or step < 1 or (stop is not None and stop < 0):
            raise MediaError(
                f"{self.info.path}: frames {start}:{stop}:{step}: start and stop count from 0, step from 1"
            )
        count = self.info.frame_count
        return range(start, count if stop is None else min(stop, count), step)

    def __enter__(self) -> MediaReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.info}>"


def open_media(path: Path | str, *, accept_damage: bool = False) -> MediaReader:
    """Open a video file, one picture, or a folder of pictures.

    Folders are read in natural order of names (frame2 before frame10); files that are no pictures are passed over.

    Args:
        accept_damage: take what can be read of a cut-off or damaged video, with a warning in the log, instead of an
            error after the last good frame.

    Raises:
        MediaError: when it is not there or cannot be read.
    """
    from fspp_core.media.folder import PictureReader
    from fspp_core.media.video import VideoReader

    path = Path(path)
    place = long_path(path)
    if place.is_dir():
        return PictureReader.of_folder(path)
    if not place.exists():
        raise MediaError(f"{path}: there is no such file or folder")
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return PictureReader.of_file(path)
    return VideoReader(path, accept_damage=accept_damage)
