"""The three pipelines as the command line and the project file see them: places, options, components they use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any

from fspp_core.specs import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A pipeline as the command line and the project file see it.

    Attributes:
        options_class: `"module:Class"` of its options.
        function: `"module:function"` that runs it, called with `places` in order, then the options.
        places: names of its files and folders, with what each is.
        uses: option fields that name components, with the kind they name.
        may_use: option fields that hold mask expressions, with the kind of component that names in them may be.
        paths: option fields that are paths, or lists of them.
        batch: `"module:function"` that does so for all that lies in the first place; empty where there is none.
        finished: `"module:function"` that is called like the one that runs it, and tells whether all is done already,
            so that nothing has to be loaded; empty where that is not known beforehand.
    """

    name: str
    summary: str
    options_class: str
    function: str
    places: Mapping[str, str]
    uses: Mapping[str, Kind]
    may_use: Mapping[str, Kind] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
    batch: str = ""
    finished: str = ""

    @property
    def options(self) -> type[Any]:
        """The options dataclass."""
        found: type[Any] = resolve_name(self.options_class)
        return found

    @property
    def run(self) -> Callable[..., Any]:
        """The function that runs it."""
        found: Callable[..., Any] = resolve_name(self.function)
        return found


JOBS: dict[str, Job] = {
    job.name: job
    for job in (
        Job(
            name="extract",
            summary="Find the faces in footage: face crops and alignments.json.",
            options_class="fspp_core.extraction.options:ExtractOptions",
            function="fspp_core.extraction:extract",
            places={
                "media": "The footage: a video, a picture, or a folder of pictures.",
                "output": "Folder for alignments.json and the face crops.",
            },
            uses={"detector": "detector", "aligner": "aligner", "maskers": "masker", "recognizers": "recognizer"},
            paths=("import_from", "filter", "nfilter"),
            batch="fspp_core.extraction:extract_all",
            finished="fspp_core.extraction.output:is_finished",
        ),
        Job(
            name="train",
            summary="Train a model to put the source's face into the target's footage.",
            options_class="fspp_core.training.options:TrainOptions",
            function="fspp_core.training:train",
            places={
                "source": "Faces to put in: a folder of crops, an extract's output, or an alignments.json.",
                "target": "Faces of the footage they are put into, given likewise.",
                "model_dir": "Folder of the model: checkpoints, previews, log. Training goes on where it stopped.",
            },
            uses={"model": "model", "optimizer": "optimizer", "scheduler": "scheduler", "losses": "loss"},
            may_use={"mask": "masker", "source_mask": "masker"},
            paths=("source_media", "target_media"),
        ),
        Job(
            name="convert",
            summary="Put the source's face into footage with a trained model.",
            options_class="fspp_core.conversion.options:ConvertOptions",
            function="fspp_core.conversion:convert",
            places={
                "media": "The footage the faces were extracted from.",
                "alignments": "Its alignments.json, or the folder extract wrote it to.",
                "model_dir": "Folder of the trained model.",
                "output": "The video to write, or a folder for pictures.",
            },
            uses={"color": "color_transfer"},
            may_use={"mask": "masker"},
        ),
    )
}
