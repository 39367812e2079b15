"""What a user can set about a conversion; light, because the command line reads it at every start."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from fspp_core.media.options import EncodeOptions
from fspp_core.options import option


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertOptions(EncodeOptions):
    """Options of `convert`, among them all of the writer; those of components are given by component name."""

    color: str = option("rct", "Colour transfer component, or none.", group="Face")
    mask: str = option(
        "extended",
        "What of the face is seen: a mask stored with the faces, else made by the masker of this name; learned takes "
        "what the model predicts, none the whole crop. Masks mix: 'xseg | bisenet | extended' takes the first that is "
        "there, a * b what both have, a + b what either has, a - b what b lacks; '0-99: xseg; extended' goes by frame.",
        group="Face",
    )
    mask_threshold: float = option(
        4.0, "Mask values below this many percent count as outside.", minimum=0, maximum=100, group="Face"
    )
    keep_largest: bool = option(False, "Of a mask that falls into parts, keep only the largest.", group="Face")
    fill_holes: bool = option(False, "Fill what the mask encloses.", group="Face")
    erode: float = option(
        0.0,
        "How far to shrink the mask, in percent of the face's size; below 0 grows it.",
        minimum=-100,
        maximum=100,
        group="Face",
    )
    blur: Literal["gaussian", "box", "none"] = option("gaussian", "How the mask's edge is softened.", group="Face")
    blur_size: float = option(
        5.0,
        "How far the softening reaches to either side of the edge, in percent of the face's size.",
        minimum=0,
        maximum=100,
        group="Face",
    )
    blur_passes: int = option(1, "How often the softening is applied.", minimum=1, maximum=8, group="Face")
    mask_smooth: int = option(
        0,
        "Frames to either side over which a face's mask is averaged along its track, against flicker; 0 is off. Cuts "
        "are not averaged over.",
        minimum=0,
        maximum=30,
        group="Face",
    )
    opacity: float = option(
        1.0, "How much of the swapped face is seen: 1 all of it, 0 nothing.", minimum=0, maximum=1, group="Face"
    )

    start: int = option(0, "First frame to swap; frames before it pass through.", minimum=0, group="Frames")
    stop: int | None = option(
        None, "Frame to stop swapping at; it and those after it pass through.", minimum=0, group="Frames"
    )
    max_faces: int | None = option(
        None, "Swap only this many faces of a frame, the largest.", minimum=1, group="Frames"
    )
    any_footage: bool = option(
        False,
        "Accept alignments of other footage with the same size and number of frames, such as a re-encoded copy.",
        group="Frames",
    )
    accept_damage: bool = option(
        False, "Convert what can be read of cut-off footage instead of refusing it.", group="Frames"
    )

    batch_size: int = option(8, "Faces the network swaps at once.", minimum=1, maximum=1024, group="Speed")
    workers: int = option(2, "Threads that cut faces out, and as many that blend them in.", minimum=1, group="Speed")

    overwrite: bool = option(
        False, "Replace what lies at the output already, other than this job's own work.", group="Output"
    )

    @property
    def encode(self) -> EncodeOptions:
        """The writer's part of the options."""
        return EncodeOptions(**{field.name: getattr(self, field.name) for field in fields(EncodeOptions)})
