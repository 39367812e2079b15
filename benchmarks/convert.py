"""Converting 720p footage against its parts run alone, one after another: decode, crop, network, blend, encode."""

from __future__ import annotations

import itertools
import logging
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
from ratio import Comparison, compare

from fspp_core import geometry
from fspp_core.alignments import Alignments, MediaRecord
from fspp_core.conversion import ConvertOptions, convert
from fspp_core.conversion.faces import cut, patches
from fspp_core.conversion.paste import paste
from fspp_core.conversion.plan import make_plan, select
from fspp_core.conversion.swapping import Swapper
from fspp_core.demo.portraits import ASTRONAUT, load
from fspp_core.media import open_media, open_writer
from fspp_core.media.clip import write_clip
from fspp_core.media.repaint import repaint
from fspp_core.models import CheckpointStore
from fspp_core.options import options_dict
from fspp_core.progress import Timings
from fspp_core.registry import load_registry
from fspp_core.types import Face

FRAMES = 24
WIDTH, HEIGHT = 1280, 720
KEYPOINTS = np.array([(204, 100), (245, 102), (224, 126), (202, 139), (244, 140)], np.float32)
OPTIONS = ConvertOptions(mask="none", overwrite=True)
LEAST_SHARE = 0.85  # of the ideal speed


def main() -> list[Comparison]:
    logging.disable(logging.WARNING)  # each round throws the file before it away
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        comparisons = []
        for faces in (1, 4):
            filmed = footage(root / f"{faces}.mp4", faces)
            model = _model(root / f"model{faces}")
            for clock, what in ((time.perf_counter, "wall"), (time.process_time, "CPU")):
                comparison = compare(
                    f"convert 720p, {faces} face{'s' if faces > 1 else ''}, {what} time",
                    _ours(root, *filmed, model),
                    _parts(root, *filmed, model),
                    against="sum of parts",
                    aim=f"<= {1 / LEAST_SHARE:.2f}",
                    rounds=3,
                    clock=clock,
                )
                print(
                    f"   {FRAMES / comparison.ours_s:.1f} frames/s against {FRAMES / comparison.baseline_s:.1f}: "
                    f"{1 / comparison.ratio:.2f} of the ideal, aim >= {LEAST_SHARE}"
                )
                comparisons.append(comparison)
        return comparisons


def _ours(root: Path, video: Path, alignments: Path, model: Path):
    """The real thing, model opened and all; `number` makes each run a job of its own."""
    number = itertools.count()

    def go():
        output = root / f"ours{next(number)}.mp4"
        convert(video, alignments, model, output, OPTIONS)
        output.unlink()

    return go


def _parts(root: Path, video: Path, alignments: Path, model: Path):
    """The same functions over all frames, each part finished before the next one starts."""

    def go():
        with open_media(video) as reader:
            selection = select(alignments, reader, OPTIONS)
            plan = make_plan(model, alignments, selection, OPTIONS, {}, load_registry())
            frames = list(reader.frames())
            jobs = [cut(frame, *selection.of_frame(frame.index, plan.recipe.masks), plan.recipe) for frame in frames]
            swapped = list(Swapper(plan.network, plan.batch, plan.recipe, Timings()).run(iter(jobs)))
            pasted = [(job.frame, *paste(job.frame.image, patches(job.faces, plan.recipe))) for job in swapped]
            done = [repaint(frame, image, box, reader.info) for frame, image, box in pasted if box is not None]
            with open_writer(root / "parts.mp4", like=reader, options=OPTIONS.encode, resume=False) as writer:
                for frame in done:
                    writer.write(frame)

    return go


def footage(path: Path, count: int, frames: int = FRAMES) -> tuple[Path, Path]:
    """A video of so many frames in which the portrait moves, `count` times side by side, and its alignments."""
    portrait, fitted = load(ASTRONAUT), geometry.fit_keypoints(KEYPOINTS)
    scale, step = (1.4, WIDTH) if count == 1 else (0.62, WIDTH // count)
    images, faces = [], {}
    for index in range(frames):
        x, y = 10 * np.sin(index / 5), 8 * np.cos(index / 7)
        matrix = np.array([[scale, 0.0, step / 2 - scale * 224 + x], [0.0, scale, HEIGHT / 3 - scale * 118 + y]])
        tile = geometry.warp(portrait, matrix, (step, HEIGHT), border="reflect")
        images.append(np.ascontiguousarray(np.tile(tile, (1, WIDTH // step, 1))[:, :WIDTH]))
        here = geometry.transform(fitted, matrix)
        faces[index] = [_face(here + np.float32([step * i, 0])) for i in range(count)]
    write_clip(path, images, rate=Fraction(25))
    with open_media(path) as reader:
        record = MediaRecord(
            name=str(path),
            kind="video",
            width=WIDTH,
            height=HEIGHT,
            frame_count=reader.info.frame_count,
            fingerprint=reader.fingerprint(),
        )
        alignments = Alignments(record, {})
        for index, those in faces.items():
            alignments.set_faces(index, those, name=reader.name(index))
    alignments.save(path.with_suffix(".json"))
    return path, path.with_suffix(".json")


def _face(landmarks: np.ndarray) -> Face:
    box = np.array([*landmarks.min(axis=0), *landmarks.max(axis=0)], np.float32)
    return Face(
        box=box, score=1.0, landmarks=landmarks, landmarks_origin="fitted", detector="none", aligner="keypoints"
    )


def _model(folder: Path) -> Path:
    """Phaze-A as it starts out: its weights do not matter for its speed."""
    registry = load_registry()
    options = registry.options("model", "phaze-a", preset="lightweight")
    owner = registry.owner("model", "phaze-a")
    CheckpointStore(folder).save(
        step=0,
        model_name="phaze-a",
        model_options=options_dict(options),
        owner={"distribution": owner.distribution, "version": owner.version},
        parts=registry.construct("model", "phaze-a", options).parts,
        optimizer={},
        state={"face_type": "full"},
        keep=1,
    )
    return folder


if __name__ == "__main__":
    main()
