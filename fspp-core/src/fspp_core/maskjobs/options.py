"""What a user can set about jobs on masks; light, because the command line reads it at every start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from fspp_core.geometry.names import FaceType
from fspp_core.media.options import EncodeOptions
from fspp_core.options import option

Which = Literal["missing", "all"]
Space = Literal["frame", "face"]
Style = Literal["combined", "masked", "mask"]


def _frames() -> Any:
    return option("", "Only these frames, such as 0-99,150; nothing given: all.", group="Frames")


def _media() -> Any:
    return option(None, "The footage that the alignments were made of; face crops need none.", group="Frames")


def _any_footage() -> Any:
    return option(
        False, "Accept footage of equal size and number of frames, such as the same film encoded anew.", group="Frames"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOptions:
    """Options of `add_masks`; those of the maskers are given by their names."""

    maskers: tuple[str, ...] = option((), "Components that make the masks, each stored by its name.", group="Masks")
    which: Which = option(
        "missing",
        "Make masks for faces that have none of that name, or for all. With all, those that are there go first, so "
        "that a run that was stopped goes on with missing; the backup keeps them.",
        group="Masks",
    )
    also: str | None = option(
        None,
        "Alignments, or a folder of face crops, whose records of the same faces get these masks too.",
        group="Masks",
    )
    media: str | None = _media()
    frames: str = _frames()
    any_footage: bool = _any_footage()
    engine: Literal["keras", "openvino"] | None = option(
        None,
        "What runs the networks of all maskers that leave the choice, unless their own options say otherwise. Nothing "
        "given: keras.",
        group="Speed",
    )
    precision: Literal["f32", "bf16"] | None = option(
        None, "Numbers those networks compute with. Nothing given: f32.", group="Speed"
    )
    batch_size: int = option(32, "Faces a masker gets at once.", minimum=1, maximum=1024, group="Speed")


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewOptions:
    """Options of `preview_masks`."""

    masks: tuple[str, ...] = option(
        (),
        "Masks to show, by name, or expressions that mix them such as 'xseg | extended'; nothing given: all on faces. "
        "On frames it is one.",
        group="Masks",
    )
    on: Literal["faces", "frames"] = option(
        "faces",
        "A contact sheet of faces, as one picture; or full frames, as pictures or a video.",
        group="Picture",
    )
    style: Style = option(
        "combined",
        "The picture with what is masked tinted, only what is masked, or the mask itself.",
        group="Picture",
    )
    color: str = option(
        "#ff0000", "Colour of the tint, as red, green and blue.", pattern="^#[0-9a-fA-F]{6}$", group="Picture"
    )
    opacity: float = option(0.4, "How much of the tint is seen.", minimum=0, maximum=1, group="Picture")
    count: int = option(
        24, "Faces on the contact sheet, spread evenly over all there are.", minimum=1, maximum=1000, group="Picture"
    )
    columns: int = option(6, "Faces in a row of the contact sheet.", minimum=1, maximum=100, group="Picture")
    size: int = option(
        256, "Side of a face on the contact sheet, in pixels.", minimum=32, maximum=2048, group="Picture"
    )
    face_type: FaceType = option("whole", "How much of the head is shown.", group="Picture")
    media: str | None = _media()
    frames: str = _frames()
    any_footage: bool = _any_footage()
    codec: Literal["h264", "h265", "vp9", "av1", "ffv1", "prores"] = option("h264", "Codec of a video.", group="Output")
    overwrite: bool = option(False, "Replace what lies at the output.", group="Output")

    @property
    def encode(self) -> EncodeOptions:
        """How frames are written; previews have no sound."""
        return EncodeOptions(codec=self.codec, audio=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """Options of `export_masks`."""

    mask: str = option("", "The mask to export, by name.", group="Masks")
    space: Space = option("face", "Pictures of the size of a face crop, or of the whole frame.", group="Picture")
    face_type: FaceType | None = option(
        None,
        "How much of the head a face picture shows. Nothing given: as the face crops do, else whole.",
        group="Picture",
    )
    size: int | None = option(
        None,
        "Side of face pictures, in pixels. Nothing given: that of the face crops, else 512.",
        minimum=16,
        maximum=4096,
        group="Picture",
    )
    depth: Literal["8", "16"] = option("8", "Bits of a pixel.", group="Picture")
    blank: bool = option(False, "Write black pictures for faces without the mask, to be painted.", group="Picture")
    frames: str = _frames()
    media: str | None = option(
        None, "The footage: for the frames' sizes where they are pictures that may differ in it.", group="Frames"
    )
    any_footage: bool = _any_footage()
    overwrite: bool = option(False, "Replace pictures of the same names.", group="Output")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """Options of `import_masks`."""

    mask: str = option("", "Name that the masks get.", group="Masks")
    replace: bool = option(False, "Replace masks of that name; the backup keeps them.", group="Masks")
    size: int | None = option(
        None,
        "Side of the stored masks, in pixels. Nothing given: that of face pictures, 256 for frames.",
        minimum=16,
        maximum=4096,
        group="Masks",
    )
    space: Space = option("face", "What the pictures are of: face crops, or whole frames.", group="Picture")
    face_type: FaceType | None = option(
        None,
        "How much of the head face pictures show, and the stored masks. Nothing given: as the face crops do, else "
        "whole.",
        group="Picture",
    )
    media: str | None = option(
        None, "The footage: for the frames' sizes where they are pictures that may differ in it.", group="Frames"
    )
    any_footage: bool = _any_footage()


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyOptions:
    """Options of `copy_masks`."""

    masks: tuple[str, ...] = option((), "Masks to copy, by name; nothing given: all.", group="Masks")
    replace: bool = option(False, "Replace masks of those names; the backup keeps them.", group="Masks")
    frames: str = _frames()


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveOptions:
    """Options of `remove_masks`."""

    masks: tuple[str, ...] = option((), "Masks to remove, by name.", group="Masks")
    frames: str = _frames()
