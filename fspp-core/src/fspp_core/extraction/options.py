"""What a user can set about an extraction; light, because the command line reads it at every start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fspp_core.geometry.names import FaceType
from fspp_core.options import option

SecondPass = Literal["auto", "off", "shifts", "detector", "realign"]
Normalization = Literal["none", "clahe", "hist", "mean"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractOptions:
    """Options of `extract`; those of the components are given by component name."""

    detector: str = option("mtcnn", "Component that finds faces.", group="Components")
    aligner: str = option("keypoints", "Component that finds the 68 landmarks of a face.", group="Components")
    maskers: tuple[str, ...] = option(
        ("extended",), "Components whose masks are stored with the faces, by name.", group="Components"
    )
    recognizers: tuple[str, ...] = option(
        ("hog-color",),
        "Components whose descriptions of who it is are stored with the faces, by name. hog-color is no recognition "
        "network: it tells apart the people of a scene, seen in like pose and light.",
        group="Components",
    )

    start: int = option(0, "First frame to look at.", minimum=0, group="Frames")
    stop: int | None = option(None, "Frame to stop at; it is not looked at.", minimum=0, group="Frames")
    every: int = option(1, "Look at every n-th frame only, from the first on.", minimum=1, group="Frames")
    accept_damage: bool = option(
        False, "Take what can be read of cut-off footage instead of ending with an error.", group="Frames"
    )

    import_from: str | None = option(
        None,
        "JSON file of boxes, and landmarks where it has them, to take instead of running detector and aligner.",
        group="Detection",
    )
    detect_every: int = option(
        1,
        "Run the detector on every n-th of these frames only, and follow the faces in between by optical flow. Where "
        "one is lost, and at scene cuts, it runs as well; a face that comes in in between is found at the next n-th.",
        minimum=1,
        maximum=1000,
        group="Detection",
    )
    track_score: float = option(
        0.7,
        "A followed face counts as lost where it looks less like itself than this, as the correlation of pictures.",
        minimum=0,
        maximum=1,
        group="Detection",
    )
    rotate: tuple[float, ...] = option(
        (),
        "Angles in degrees, clockwise, by which frames in which no face was found are turned, one after another, until "
        "one is.",
        group="Detection",
    )
    rotate_step: int | None = option(
        None,
        "Turn such frames all around instead, by this many degrees at a time.",
        minimum=1,
        maximum=180,
        group="Detection",
    )
    min_size: int = option(
        0,
        "Leave out faces whose box is smaller than this many pixels on its longer side.",
        minimum=0,
        group="Detection",
    )
    max_size: int | None = option(
        None,
        "Leave out faces whose box is larger than this many pixels on its longer side.",
        minimum=1,
        group="Detection",
    )
    min_score: float = option(
        0.0, "Leave out faces the detector is less sure of than this.", minimum=0, maximum=1, group="Detection"
    )
    max_faces: int | None = option(
        None, "Keep only this many faces of a frame, the largest.", minimum=1, group="Detection"
    )

    second_pass: SecondPass = option(
        "auto",
        "Align again on an upright crop of the face: shifts takes the mean of five crops a pixel apart; detector does "
        "so around the box that the detector finds in the crop, as DeepFaceLab; realign takes one whole crop, as "
        "Faceswap. Nothing given: shifts, where the aligner looks at the picture. What is not like the face keeps the "
        "first landmarks.",
        group="Alignment",
    )
    refeed: int = option(
        0,
        "Align this many times more, around boxes changed at random by up to 5 % of their shorter side, and take the "
        "mean.",
        minimum=0,
        maximum=10,
        group="Alignment",
    )
    normalization: Normalization = option(
        "none",
        "Even out the light on faces for the aligner: by local contrast (clahe), by histogram (hist), or by stretching "
        "the range of values (mean).",
        group="Alignment",
    )

    filter_features: bool = option(False, "Leave out faces whose eyes or brows lie below the mouth.", group="Filters")
    filter_min_scale: float = option(
        0.0,
        "Leave out faces whose fs-face crop has a side below this share of the frame's shorter one; 0 leaves out none.",
        minimum=0,
        maximum=1,
        group="Filters",
    )
    filter_max_scale: float = option(
        0.0,
        "Leave out faces whose fs-face crop has a side above this share of it; 0 leaves out none.",
        minimum=0,
        maximum=10,
        group="Filters",
    )
    filter_distance: float = option(
        0.0,
        "Leave out faces whose landmarks lie further than this from the mean face, in hundredths of its side; 0 leaves "
        "out none. Faceswap's is 22.5 or 40.",
        minimum=0,
        maximum=100,
        group="Filters",
    )
    filter_roll: float = option(
        0.0,
        "Leave out faces that are turned in the frame's plane by more than this many degrees from upright, to either "
        "side; 0 leaves out none.",
        minimum=0,
        maximum=180,
        group="Filters",
    )
    filter: tuple[str, ...] = option(
        (),
        "Keep only faces like those in these pictures, or folders of pictures: face crops made by fspp, or others, of "
        "which the largest face counts.",
        group="Filters",
    )
    nfilter: tuple[str, ...] = option(
        (),
        "Leave out faces like those in these pictures, or folders of pictures. A face like both one to keep and one to "
        "leave out goes where it is more like.",
        group="Filters",
    )
    filter_threshold: float | None = option(
        None,
        "Likeness, as the cosine of two descriptions by the first of the recognizers, from which faces are the same. "
        "Nothing given: what that recognizer suggests.",
        minimum=-1,
        maximum=1,
        group="Filters",
    )
    tracks: bool = option(
        True, "Number the faces by person over consecutive frames, anew at each scene cut.", group="Filters"
    )

    save_faces: bool = option(True, "Save a picture of each face, to sort and to train on.", group="Face crops")
    size: int = option(512, "Side of these pictures, in pixels.", minimum=16, maximum=4096, group="Face crops")
    face_type: FaceType = option("whole", "How much of the head they show.", group="Face crops")
    min_scale: int = option(
        0,
        "Save no picture of faces that show on the frame at less than this percentage of that size; they are kept in "
        "the alignments.",
        minimum=0,
        maximum=1000,
        group="Face crops",
    )

    engine: Literal["keras", "openvino"] | None = option(
        None,
        "What runs the networks of all components that leave the choice, unless their own options say otherwise. "
        "Nothing given: keras.",
        group="Speed",
    )
    precision: Literal["f32", "bf16"] | None = option(
        None, "Numbers those networks compute with. Nothing given: f32.", group="Speed"
    )
    batch_size: int = option(8, "Frames of one size the detector gets at once.", minimum=1, maximum=1024, group="Speed")
    workers: int = option(2, "Threads that cut out and save faces.", minimum=1, group="Speed")
    profile: bool = option(
        False, "Show what each stage did: items, seconds at work and waiting, items a second.", group="Speed"
    )

    overwrite: bool = option(
        False, "Replace what an extract of other footage or with other options left at the output.", group="Output"
    )
