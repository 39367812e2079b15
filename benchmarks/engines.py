"""S3FD and FAN on each engine in each precision, against Keras in f32: time, and how far boxes and landmarks move."""

from __future__ import annotations

import importlib.util
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from extract_material import FIRST_THRESHOLD, make_frames, make_weights
from ratio import Comparison, compare

from fspp_align_fan.heatmaps import decode as read_maps
from fspp_align_fan.network import fan
from fspp_align_fan.options import Decoder
from fspp_core import geometry
from fspp_core.inference import EngineName, Network, Precision
from fspp_core.media import read_image
from fspp_core.types import FloatArray, Image
from fspp_detect_mtcnn.detector import MTCNNDetector
from fspp_detect_mtcnn.options import MTCNNOptions
from fspp_detect_s3fd.boxes import decode
from fspp_detect_s3fd.frames import fill, fit
from fspp_detect_s3fd.network import s3fd
from fspp_detect_s3fd.options import S3FDOptions

WAYS: tuple[tuple[EngineName, Precision], ...] = (("keras", "bf16"), ("openvino", "f32"), ("openvino", "bf16"))
EXAMPLES, SHOWN = 3, 8  # frames that FAN is fitted to, and others that it is run on
CELL = 4  # pixels of the crop to a cell of the heat maps
JUMP = 1.5 * CELL
DECODERS: tuple[Decoder, ...] = ("quarter", "dark")
AIMS = {"f32": "about 1", "bf16": "at most 0.55"}

Outputs = list[FloatArray]


def compare_ways(
    name: str, build: Callable[[], Any], batch: FloatArray, differences: Callable[[Outputs, Outputs], str]
) -> list[Comparison]:
    """Run a network on a batch in every way there is."""

    def network(engine: EngineName, precision: Precision) -> Network:
        free = (None,) * 3  # batch, rows and columns, so that one export does for all
        called = name.split()[0]
        return Network(build, (*free, 3), name=called, engine=engine, precision=precision, made_of=[called])

    baseline = network("keras", "f32")
    expected = baseline(batch)
    results = []
    for engine, precision in WAYS:
        if engine == "openvino" and importlib.util.find_spec("openvino") is None:
            print("openvino is not installed: left out", flush=True)
            continue
        start = time.perf_counter()
        other = network(engine, precision)
        found = other(batch)
        print(f"{name}, {engine} {precision}: first run after {time.perf_counter() - start:.1f} s", flush=True)
        print(f"  {differences(expected, found)}", flush=True)
        results.append(
            compare(
                f"{name}, {engine} {precision}",
                lambda other=other: other(batch),
                lambda: baseline(batch),
                against="keras f32",
                aim=AIMS[precision],
                rounds=3,
                clock=time.process_time,
            )
        )
    return results


def box_differences(expected: Outputs, found: Outputs) -> str:
    """How far the boxes of all cells move that score as possible faces; the frame is 640 pixels wide."""
    ours, theirs = decode(found, 0), decode(expected, 0)
    seen = theirs.scores >= FIRST_THRESHOLD
    pixels = np.abs(ours.corners - theirs.corners)[seen]
    side = (theirs.corners[:, 2:] - theirs.corners[:, :2])[seen].max()
    scores = np.abs(ours.scores - theirs.scores)[seen]
    return (
        f"{seen.sum()} boxes of up to {side:.0f} px: edges move by {np.median(pixels):.2g} px (median), "
        f"{pixels.max():.2g} px at most; scores by {scores.max():.2g} at most"
    )


def landmark_differences(expected: Outputs, found: Outputs) -> str:
    """How far landmarks move, in the pixels of the 256-pixel crop.

    Maps of weights that were fitted to a few faces may have two peaks all but equally high; from one to the other is a
    jump, which says nothing about how near a peak is found.
    """
    texts = []
    for decoder in DECODERS:
        ours, theirs = (read_maps(maps[0], decoder)[0] * CELL for maps in (found, expected))
        far = np.linalg.norm(ours - theirs, axis=-1)
        stay = far[far <= JUMP]
        texts.append(
            f"{decoder}: {np.median(far):.2g} px (median), {stay.max():.2g} px at most at their peaks, "
            f"{len(far.ravel()) - len(stay)} of {far.size} jump to another, by {far.max():.2g} px at most"
        )
    return "landmarks move by " + "; ".join(texts)


def face_crops(images: Sequence[Image]) -> FloatArray:
    """(n, 256, 256, 3) float32 as FAN sees them."""
    crops = []
    for image, faces in zip(images, MTCNNDetector(MTCNNOptions(min_face=80)).detect(images), strict=True):
        points = geometry.fit_keypoints(max(faces, key=lambda face: face.score).keypoints)
        crops.append(geometry.warp(image, geometry.crop_matrix(points, "full", 256), 256))
    return np.stack(crops).astype(np.float32)


def main() -> list[Comparison]:
    """S3FD on one frame, FAN on one face and on eight."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["FSPP_CACHE_DIR"] = str(folder / "cache")
        paths = make_frames(folder / "frames", SHOWN + EXAMPLES, period=SHOWN + EXAMPLES)
        images = [read_image(path) for path in paths[:SHOWN]]
        detector, aligner = make_weights(folder / "weights", images[0], paths[SHOWN:])
        fitted = fit(*images[0].shape[:2], S3FDOptions())
        frame = np.zeros((1, fitted.rows, fitted.columns, 3), np.float32)
        fill(frame, images[:1], fitted, "bgr")
        crops = face_crops(images)
        return [
            *compare_ways("s3fd 640x360", lambda: s3fd(detector), frame, box_differences),
            *compare_ways("fan batch 1", lambda: fan(aligner), crops[:1], landmark_differences),
            *compare_ways("fan batch 8", lambda: fan(aligner), crops, landmark_differences),
        ]


if __name__ == "__main__":
    main()
