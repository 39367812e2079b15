"""Everything one conversion is put together from, checked before its long work starts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fspp_core import backend
from fspp_core.alignments import Alignments
from fspp_core.alignments.places import check_footage
from fspp_core.conversion import checks
from fspp_core.conversion.faces import Recipe
from fspp_core.conversion.masking import MaskPlan, made_masks
from fspp_core.conversion.options import ConvertOptions
from fspp_core.conversion.selection import Selection
from fspp_core.inference import Network
from fspp_core.interfaces import SwapModel
from fspp_core.masks import MaskShape, Sources, parse_mask
from fspp_core.media import MediaReader
from fspp_core.models import Checkpoint, open_model
from fspp_core.options import options_dict
from fspp_core.registry import Registry
from fspp_core.specs import Kind

LOG = logging.getLogger(__name__)

Components = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """One conversion.

    Attributes:
        alignments: the file.
        selection: which faces are swapped.
        checkpoint: whose weights the model has.
        network: swaps a full batch.
        batch: faces in a batch.
        recipe: how every face is treated.
        options: of the conversion.
        components: options of the colour transfer and the maskers in use, by name, defaults included.
        versions: of the packages that matter and the distributions in use.
    """

    alignments: Path
    selection: Selection
    checkpoint: Checkpoint
    network: Network
    batch: int
    recipe: Recipe
    options: ConvertOptions
    components: Components
    versions: Mapping[str, str]


def select(alignments: Path, reader: MediaReader, options: ConvertOptions) -> Selection:
    """The faces to swap, after making sure that they belong to this footage.

    Raises:
        AlignmentsError: when they do not, or cannot be cut out.
    """
    loaded = Alignments.load(alignments)
    check_footage(loaded, alignments, reader, any_footage=options.any_footage)
    selection = Selection(loaded, start=options.start, stop=options.stop, max_faces=options.max_faces)
    checks.check_landmarks(selection, alignments)
    if not selection.faces:
        LOG.warning("%s: there is no face to swap in the frames asked for; all of them pass through", alignments)
    return selection


def make_plan(
    model_dir: Path,
    alignments: Path,
    selection: Selection,
    options: ConvertOptions,
    components: Components,
    registry: Registry,
) -> Plan:
    """Open the model and build the components.

    Raises:
        FsppError: CheckpointError, AlignmentsError, PluginError or ConfigError, saying what does not fit.
    """
    used: dict[str, Mapping[str, Any]] = {}
    versions = backend.versions()

    def build(kind: Kind, name: str) -> Any:
        chosen = registry.options(kind, name, components.get(name, {}))
        used[name] = options_dict(chosen)
        owner = registry.owner(kind, name)
        versions[owner.distribution] = owner.version
        return registry.construct(kind, name, chosen)

    color = None if options.color == "none" else build("color_transfer", options.color)
    model, checkpoint = open_model(model_dir, registry)
    face_type = checks.check_model(model, checkpoint)
    checks.check_tracks(selection, alignments, smooth=options.mask_smooth)
    expression = parse_mask(options.mask)
    sources = Sources(
        maskers=frozenset(spec.name for spec in registry.specs("masker")),
        learned=frozenset({"swap", "target"} if model.has_mask else ()),
        swapped=True,
    )
    makers, of_target = made_masks(expression, sources, selection, alignments)
    recipe = Recipe(
        face_type=face_type,
        input_size=model.input_size,
        output_size=model.output_size,
        channel_order=model.channel_order,
        masks=MaskPlan(
            expression=expression, sources=sources, maskers={name: build("masker", name) for name in sorted(makers)}
        ),
        smooth=options.mask_smooth,
        color=color,
        shape=MaskShape(
            threshold=options.mask_threshold,
            keep_largest=options.keep_largest,
            fill_holes=options.fill_holes,
            erode=options.erode,
            blur=options.blur,
            blur_size=options.blur_size,
            blur_passes=options.blur_passes,
        ),
        opacity=options.opacity,
    )
    owner = registry.owner("model", checkpoint.model_name)
    versions[owner.distribution] = owner.version
    batch = min(options.batch_size, max(1, selection.faces))
    wire = _with_target_mask(model) if of_target else model.swap
    return Plan(
        alignments=alignments,
        selection=selection,
        checkpoint=checkpoint,
        network=Network(lambda: wire, (batch, model.input_size, model.input_size, 3), name=checkpoint.model_name),
        batch=batch,
        recipe=recipe,
        options=options,
        components=used,
        versions=versions,
    )


def _with_target_mask(model: SwapModel) -> Callable[[Any], tuple[Any, ...]]:
    """Swap, and predict the mask of the target's own face too."""
    return lambda faces: (*model.swap(faces), model.reconstruct("target", faces)[1])
