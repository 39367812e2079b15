"""BiSeNet masks of a whole 720p video, from the file to stored masks, against its network on ready crops alone."""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from convert import footage
from ratio import Comparison, compare
from safetensors.numpy import save_file

from fspp_core import geometry
from fspp_core.alignments import Alignments
from fspp_core.maskjobs import AddOptions, add_masks
from fspp_core.media import open_media
from fspp_core.registry import load_registry
from fspp_core.types import Image
from fspp_mask_bisenet.masker import OriginalMasker
from fspp_mask_bisenet.options import OriginalOptions
from fspp_mask_bisenet.weights import tensor_shapes

FRAMES = 48
LEAST_SHARE = 0.9  # of the network's speed
CLASSES = 19


class Ready:
    """The registry, with a masker that is built and compiled already, as it is after the first batch of a video."""

    def __init__(self, masker: OriginalMasker) -> None:
        self._masker, self._registry = masker, load_registry()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._registry, name)

    def construct(self, kind: str, name: str, options: Any) -> OriginalMasker:
        """That masker."""
        return self._masker


def main(quick: bool = False) -> list[Comparison]:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        save_file(random_tensors(), root / "bisenet-original.safetensors")
        video, alignments = footage(root / "video.mp4", 1, FRAMES)
        results = []
        wall, cpu = (time.perf_counter, "wall"), (time.process_time, "CPU")
        for side, clocks in ((512, (cpu,)),) if quick else ((512, (wall, cpu)), (256, (cpu,))):
            options = OriginalOptions(input_side=side)
            masker = OriginalMasker(options, {"bisenet-original": root / "bisenet-original.safetensors"})
            crops = ready_crops(masker, video, alignments)
            for clock, what in clocks:
                comparison = compare(
                    f"masks of 720p video, bisenet at {side}, {what} time",
                    added(root, masker, side, video, alignments),
                    lambda masker=masker, crops=crops: masker.mask(crops, np.zeros((len(crops), 68, 2), np.float32)),
                    against="network alone",
                    aim=f"<= {1 / LEAST_SHARE:.2f}" if side == 512 else "known",
                    rounds=1 if quick else 3,
                    clock=clock,
                )
                print(
                    f"   {FRAMES / comparison.ours_s:.2f} faces/s against {FRAMES / comparison.baseline_s:.2f}: "
                    f"{1 / comparison.ratio:.2f} of the network's speed"
                )
                results.append(comparison)
        return results


def added(root: Path, masker: OriginalMasker, side: int, video: Path, alignments: Path):
    """What `fspp mask add` does, from decoding to the stored file; each time on alignments without masks."""
    number, registry = itertools.count(), Ready(masker)
    options = AddOptions(maskers=("bisenet",), media=str(video))

    def go() -> None:
        place = root / f"{side}-{next(number)}" / "alignments.json"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(alignments.read_bytes())
        report = add_masks(place, options, components={"bisenet": {"input_side": side}}, registry=registry)
        if report.masks != {"bisenet": FRAMES}:
            raise RuntimeError(f"expected {FRAMES} masks, got {report.masks}")

    return go


def ready_crops(masker: OriginalMasker, video: Path, alignments: Path) -> Image:
    """The crops that the masker gets of the video, one a frame."""
    loaded = Alignments.load(alignments)
    with open_media(video) as reader:
        return np.stack(
            [
                geometry.warp(
                    frame.bgr8,
                    geometry.crop_matrix(loaded.faces(frame.index)[0].landmarks, masker.face_type, masker.size),
                    masker.size,
                )
                for frame in reader.frames()
            ]
        )


def random_tensors() -> dict[str, np.ndarray]:
    """Weights without meaning, which do not matter for the speed; their scale keeps the numbers within bounds."""
    numbers = np.random.default_rng(0)
    made = {}
    for name, shape in tensor_shapes(CLASSES).items():
        if name.endswith("running_var"):
            made[name] = np.ones(shape, np.float32)
        else:
            scale = np.sqrt(2 / np.prod(shape[:-1])) if len(shape) == 4 else 0.1
            made[name] = (scale * numbers.standard_normal(shape)).astype(np.float32)
    return made


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
