"""Add masks to faces that are there already: pictures decoded once, crops of many frames to a batch."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fspp_core.alignments import MaskRecord
from fspp_core.alignments.faces import encode_mask
from fspp_core.concurrency import background, close
from fspp_core.errors import AlignmentsError, ConfigError, ShapeError
from fspp_core.extraction.masking import masks_of
from fspp_core.extraction.plan import with_shared
from fspp_core.extraction.threads import opencv_in_one_thread
from fspp_core.geometry import crop_corners, crop_matrix, transform
from fspp_core.interfaces import Masker, looks_at_pixels
from fspp_core.maskjobs.copying import copied
from fspp_core.maskjobs.options import AddOptions
from fspp_core.maskjobs.places import Entry, Place, counted, writing
from fspp_core.maskjobs.ranges import frame_filter
from fspp_core.maskjobs.removing import drop
from fspp_core.maskjobs.report import MaskReport
from fspp_core.maskjobs.sources import Sight, footage_of, sights, unseen
from fspp_core.options import options_dict, parse_options
from fspp_core.progress import CancelFlag, Progress, ProgressEvent, check, ignore
from fspp_core.registry import Registry, load_registry
from fspp_core.types import Image, Mask, Matrix

LOG = logging.getLogger(__name__)

_SAVE_EVERY_S = 30.0
_SAVE_SHARE = 20  # saving takes one part of so many of the time
_AHEAD = 64  # crops cut ahead of the maskers


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """What one masker gets of one face."""

    entry: Entry
    masker: str
    crop: Image
    matrix: Matrix


@dataclass(slots=True, eq=False)
class _Keeping:
    """Where masks go: with the face, once it has all that it lacked, so that a face crop is written once."""

    place: Place
    lacking: Mapping[int, set[str]]
    made: list[str] = field(default_factory=list)
    done: int = 0
    _ready: dict[int, dict[str, MaskRecord]] = field(default_factory=dict)

    def keep(self, entry: Entry, name: str, mask: Mask) -> None:
        """Take one mask of a face."""
        ready = self._ready.setdefault(id(entry), {})
        ready[name] = MaskRecord(png=encode_mask(mask.image, name), matrix=mask.matrix)
        if ready.keys() == self.lacking[id(entry)]:
            self.place.put(entry, self._ready.pop(id(entry)))
            self.made.extend(ready)
            self.done += 1


def add_masks(
    place: Path | str,
    options: AddOptions,
    *,
    components: Mapping[str, Mapping[str, Any]] | None = None,
    registry: Registry | None = None,
    progress: Progress = ignore,
    cancel: CancelFlag | None = None,
) -> MaskReport:
    """Make masks for faces of alignments or face crops, each stored by its masker's name.

    Alignments are written every half a minute and at the end, whole or not at all, with a backup before the first
    time; face crops each when its masks are made, their pixels untouched. A run that was stopped or killed goes on by
    the same call with `which="missing"`.

    Args:
        place: an alignments file, a folder with one, or a folder of face crops. Maskers that look at pixels need the
            footage of alignments.
        components: option values by masker name.
        progress: told after each batch.
        cancel: when set, the run stops; what is done is saved.

    Raises:
        FsppError: ConfigError, PluginError, AlignmentsError or MediaError, before the long work starts wherever that
            can be known before; Cancelled when asked to stop.
    """
    started = time.perf_counter()
    options = parse_options(AddOptions, options_dict(options), where="mask add: ")
    registry = registry or load_registry()
    chosen = _chosen(options, components or {}, registry)
    wanted = frame_filter(options.frames)
    with ExitStack() as stack:
        opened, *others = stack.enter_context(writing(place, *(() if options.also is None else (options.also,))))
        maskers = {name: registry.construct("masker", name, one) for name, one in chosen.items()}
        for masker in maskers.values():
            stack.callback(close, masker)
        looking = any(map(looks_at_pixels, maskers.values()))
        reader = stack.enter_context(footage_of(opened, options.media, any_footage=options.any_footage, needed=looking))
        entries = [entry for entry in opened.entries if wanted(entry.index)]
        lacking = {id(entry): _lacking(entry, options) for entry in entries}
        todo = [entry for entry in entries if lacking[id(entry)]]
        opened.note({name: _made_by(name, options_dict(one), registry) for name, one in chosen.items()})
        if options.which == "all":  # so that after a stop nobody takes an old one for a new one
            keys = {entry.key for entry in todo}
            for one in (opened, *others):
                drop(one, (entry for entry in one.entries if entry.key in keys), options.maskers)
        keeping = _Keeping(opened, lacking)
        if todo:
            stack.enter_context(opencv_in_one_thread())
            seen = sights(todo, reader) if looking else unseen(todo)
            cuts = background(_cuts(seen, maskers, lacking), _AHEAD)
            with closing(background(_masked(cuts, maskers, options.batch_size), 1)) as masked:
                _keep_all(keeping, masked, len(todo), progress, cancel)
        made = counted(keeping.made, options.maskers)
        for other in others:
            copied(entries, other, options.maskers, replace=False)
    return MaskReport(
        place=opened.path,
        faces=len(entries),
        masks=made,
        skipped={name: len(entries) - count for name, count in made.items()},
        also=others[0].path if others else None,
        backup=tuple(backup for one in (opened, *others) for backup in one.backups),
        components={name: options_dict(one) for name, one in chosen.items()},
        seconds=time.perf_counter() - started,
    )


def _chosen(options: AddOptions, components: Mapping[str, Mapping[str, Any]], registry: Registry) -> dict[str, Any]:
    """Options of the maskers, by name."""
    if not options.maskers:
        known = ", ".join(spec.name for spec in registry.specs("masker"))
        raise ConfigError(f"maskers: name at least one of {known}")
    if len(set(options.maskers)) < len(options.maskers):
        raise ConfigError(f"maskers: each can be given once; received {', '.join(options.maskers)}")
    return {name: with_shared(options, "masker", name, components.get(name, {}), registry) for name in options.maskers}


def _made_by(name: str, options: dict[str, Any], registry: Registry) -> dict[str, Any]:
    owner = registry.owner("masker", name)
    return {"options": options, "versions": {owner.distribution: owner.version}}


def _lacking(entry: Entry, options: AddOptions) -> set[str]:
    names = set(options.maskers)
    return names if options.which == "all" else names - entry.face.masks.keys()


def _cuts(
    seen: Generator[Sight, None, None], maskers: Mapping[str, Masker], lacking: Mapping[int, set[str]]
) -> Iterator[_Cut]:
    """What each masker gets of each face, in order."""
    warned: set[str] = set()
    with closing(seen):
        for sight in seen:
            for entry in sight.entries:
                for name in (name for name in maskers if name in lacking[id(entry)]):
                    masker = maskers[name]
                    try:
                        matrix = crop_matrix(entry.face.landmarks, masker.face_type, masker.size)
                    except ShapeError as error:
                        raise AlignmentsError(
                            f"frame {entry.frame}, face {entry.number}: cannot be cut out: {error}; extract it again, "
                            "or remove it"
                        ) from error
                    if not looks_at_pixels(masker):
                        yield _Cut(entry, name, np.broadcast_to(np.uint8(0), (masker.size, masker.size, 3)), matrix)
                        continue
                    if name not in warned and _beyond(sight, matrix, masker.size):
                        warned.add(name)
                        LOG.warning(
                            "masker %s looks at %s, which is more than the face crops show; what lies outside is "
                            "black to it: better give the alignments and the footage",
                            name,
                            masker.face_type,
                        )
                    yield _Cut(entry, name, sight.cut(matrix, masker.size), matrix)


def _beyond(sight: Sight, matrix: Matrix, size: int) -> bool:
    """Whether a crop shows much that a face crop does not."""
    if sight.matrix is None:
        return False
    corners = transform(crop_corners(matrix, size), sight.matrix)
    side = len(sight.image)
    return bool((corners < -0.05 * side).any() or (corners > 1.05 * side).any())


def _masked(
    cuts: Generator[_Cut, None, None], maskers: Mapping[str, Masker], batch_size: int
) -> Iterator[list[tuple[_Cut, Mask]]]:
    """Masks, by batches that are full until the end."""
    waiting: dict[str, list[_Cut]] = {}
    with closing(cuts):
        for cut in cuts:
            waiting.setdefault(cut.masker, []).append(cut)
            if len(waiting[cut.masker]) == batch_size:
                yield _batch(maskers[cut.masker], waiting.pop(cut.masker))
    for name, rest in waiting.items():
        yield _batch(maskers[name], rest)


def _batch(masker: Masker, cuts: list[_Cut]) -> list[tuple[_Cut, Mask]]:
    if looks_at_pixels(masker):
        crops: Image = np.stack([cut.crop for cut in cuts])
    else:
        crops = np.broadcast_to(np.uint8(0), (len(cuts), masker.size, masker.size, 3))
    landmarks = [cut.entry.face.landmarks for cut in cuts]
    masks = masks_of(cuts[0].masker, masker, crops, landmarks, [cut.matrix for cut in cuts])
    return list(zip(cuts, masks, strict=True))


def _keep_all(
    keeping: _Keeping,
    masked: Iterable[list[tuple[_Cut, Mask]]],
    total: int,
    progress: Progress,
    cancel: CancelFlag | None,
) -> None:
    """Store everything; what is done is saved now and then, and however this ends."""

    def tell() -> None:
        values = {"faces_per_s": keeping.done / max(time.perf_counter() - began, 1e-9)}
        progress(ProgressEvent(stage="mask", done=keeping.done, total=total, unit="face", values=values))

    began = saved = time.perf_counter()
    every = _SAVE_EVERY_S
    try:
        tell()
        check(cancel)
        for batch in masked:
            for cut, mask in batch:
                keeping.keep(cut.entry, cut.masker, mask)
            tell()
            now = time.perf_counter()
            if now - saved > every:
                keeping.place.save()
                saved = time.perf_counter()
                every = max(_SAVE_EVERY_S, _SAVE_SHARE * (saved - now))
            check(cancel)
    finally:
        keeping.place.save()
