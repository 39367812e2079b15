"""What a user can set about an extraction; light, because the command line reads it at every start."""

from __future__ import annotations

from dataclasses import dataclass

from fspp_core.geometry.names import FaceType
from fspp_core.options import option


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractOptions:
    """Options of `extract`; those of the components are given by component name."""

    detector: str = option("mtcnn", "Component that finds faces.", group="Components")
    aligner: str = option("keypoints", "Component that finds the 68 landmarks of a face.", group="Components")
    maskers: tuple[str, ...] = option(
        ("extended",), "Components whose masks are stored with the faces, by name.", group="Components"
    )

    start: int = option(0, "First frame to look at.", minimum=0, group="Frames")
    stop: int | None = option(None, "Frame to stop at; it is not looked at.", minimum=0, group="Frames")
    every: int = option(1, "Look at every n-th frame only, from the first on.", minimum=1, group="Frames")
    accept_damage: bool = option(
        False, "Take what can be read of cut-off footage instead of ending with an error.", group="Frames"
    )

    min_size: int = option(
        0, "Leave out faces whose box is smaller than this many pixels on its longer side.", minimum=0, group="Faces"
    )
    min_score: float = option(
        0.0, "Leave out faces the detector is less sure of than this.", minimum=0, maximum=1, group="Faces"
    )
    max_faces: int | None = option(None, "Keep only this many faces of a frame, the largest.", minimum=1, group="Faces")

    save_faces: bool = option(True, "Save a picture of each face, to sort and to train on.", group="Face crops")
    size: int = option(512, "Side of these pictures, in pixels.", minimum=16, maximum=4096, group="Face crops")
    face_type: FaceType = option("whole", "How much of the head they show.", group="Face crops")

    batch_size: int = option(8, "Frames of one size the detector gets at once.", minimum=1, maximum=1024, group="Speed")
    workers: int = option(2, "Threads that cut out and save faces.", minimum=1, group="Speed")

    overwrite: bool = option(
        False, "Replace what an extract of other footage or with other options left at the output.", group="Output"
    )
