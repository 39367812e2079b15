"""The two public-domain portraits of the demo, read from the packages that carry them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from fspp_core.errors import FsppError
from fspp_core.media import read_image
from fspp_core.types import Frame, Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """A portrait and where its face is.

    Attributes:
        who: the person shown.
        credit: where the picture comes from.
        package: distribution that carries the file.
        folder: import name of the package and the path of the file's folder inside it.
        file: its name there.
        center: x, y of the nose tip in pixels.
        radius: half the width of the face in pixels.
        view: side of the square window that the clip shows, in pixels.
    """

    who: str
    credit: str
    package: str
    folder: tuple[str, ...]
    file: str
    center: tuple[float, float]
    radius: float
    view: float


ASTRONAUT = Portrait(
    who="Eileen Collins",
    credit="NASA portrait of Eileen Collins, public domain, from scikit-image",
    package="scikit-image",
    folder=("skimage", "data"),
    file="astronaut.png",
    center=(223.0, 124.0),
    radius=48.0,
    view=250.0,
)
HOPPER = Portrait(
    who="Grace Hopper",
    credit="US Navy portrait of Grace Hopper, public domain, from matplotlib",
    package="matplotlib",
    folder=("matplotlib", "mpl-data", "sample_data"),
    file="grace_hopper.jpg",
    center=(264.0, 234.0),
    radius=98.0,
    view=440.0,
)


def load(portrait: Portrait) -> Image:
    """The portrait as (height, width, 3) uint8 BGR.

    Raises:
        FsppError: when its package is not installed, with the line that installs it.
    """
    try:
        folder = files(portrait.folder[0])
    except ModuleNotFoundError as error:
        raise FsppError(
            f"the demo's portrait of {portrait.who} comes with {portrait.package}, which is not installed: "
            "pip install fspp-core[demo]"
        ) from error
    image = read_image(Path(str(folder.joinpath(*portrait.folder[1:], portrait.file))))
    return Frame(index=0, name=portrait.file, image=image).bgr8
