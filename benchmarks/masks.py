"""Mixing and shaping masks against the bare warps and blurs they are made of; flicker with and without smoothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from ratio import Comparison, compare

from fspp_core import geometry
from fspp_core.conversion.faces import FaceJob, FrameJob
from fspp_core.conversion.smoothing import Smoothing
from fspp_core.geometry import MEAN_FACE_68
from fspp_core.masks import MaskShape, face_mask, parse_mask
from fspp_core.types import Face, FloatArray, Frame, Mask, Matrix

LANDMARKS = (MEAN_FACE_68 * 300 + (500, 300)).astype(np.float32)
FACE_SHARE = 0.6  # of the crop's side
REPEAT = 40
FRAMES, JITTER = 60, 0.01  # frames of the flicker figure; how far landmarks jump, in sizes of the face


def main() -> list[Comparison]:
    face = _face(LANDMARKS, xseg=("whole", 256), bisenet=("fs-face", 512), hands=("full", 256))
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        comparisons = [comparison for size in (256, 512) for comparison in _costs(face, size)]
    finally:
        cv2.setNumThreads(threads)
    masks = _jumping()
    print(
        f"   flicker of a hull whose landmarks jump by {JITTER:.0%} of the face, and its distance from the still one:"
    )
    still = _hull(LANDMARKS)
    for reach in (0, 1, 2, 4, 8):
        smooth = _smoothed(masks, reach)
        flicker = np.mean([np.abs(after - before).mean() for before, after in pairwise(smooth)])
        off = np.mean([np.abs(mask - still).mean() for mask in smooth])
        print(f"   mask_smooth {reach}: {100 * flicker:.3f} % of the crop a frame, {100 * off:.3f} % off")
    return comparisons


def _costs(face: Face, size: int) -> list[Comparison]:
    matrix = geometry.crop_matrix(face.landmarks, "full", size)
    made = []
    for text in ("xseg", "bisenet | xseg", "xseg - hands", "(xseg | bisenet) * bisenet + xseg - hands"):
        expression = parse_mask(text)
        names = expression.names if "|" not in text or "*" in text else expression.names[:1]

        def ours(expression=expression) -> None:
            for _ in range(REPEAT):
                face_mask(expression, face, matrix, size)

        def warps(names=names) -> None:
            for _ in range(REPEAT):
                for name in names:
                    _warped(face.masks[name], matrix, size)

        made.append(_compared(f"mask {text!r} at {size}", ours, warps, "its warps", "<= 1.5"))
    mask = face_mask(parse_mask("xseg - hands * bisenet + bisenet"), face, matrix, size)
    shape = MaskShape(threshold=4, blur="gaussian", blur_size=5)
    radius = round(0.05 * FACE_SHARE * size)

    def shaped() -> None:
        for _ in range(REPEAT):
            shape.apply(mask, FACE_SHARE * size)

    def blurred() -> None:
        for _ in range(REPEAT):
            cv2.GaussianBlur(mask, (2 * radius + 1,) * 2, (radius + 0.5) / 2.5)

    made.append(_compared(f"shape a mask as convert does at {size}", shaped, blurred, "its blur", "<= 1.5"))
    return made


def _warped(mask: Mask, matrix: Matrix, size: int) -> FloatArray:
    image = np.divide(mask.image, 255, dtype=np.float32)
    return np.clip(geometry.warp(image, geometry.compose(matrix, geometry.invert(mask.matrix)), size), 0.0, 1.0)


def _compared(name: str, ours, baseline, against: str, aim: str) -> Comparison:
    comparison = compare(name, ours, baseline, against=against, aim=aim, clock=time.process_time)
    print(f"   {1000 * comparison.ours_s / REPEAT:.2f} ms a face")
    return comparison


def _face(landmarks: FloatArray, **masks: tuple[str, int]) -> Face:
    stored = {}
    for name, (face_type, size) in masks.items():
        matrix = geometry.crop_matrix(landmarks, face_type, size)
        hulls = geometry.extended_hulls(geometry.transform(landmarks, matrix))
        stored[name] = Mask(image=geometry.fill_polygons(hulls, size), matrix=matrix)
    return Face(
        box=geometry.box_of(landmarks),
        score=1.0,
        landmarks=landmarks,
        landmarks_origin="fitted",
        detector="none",
        aligner="none",
        masks=stored,
        track=0,
    )


def _hull(landmarks: FloatArray) -> FloatArray:
    points = geometry.transform(landmarks, geometry.crop_matrix(LANDMARKS, "full", 256))
    return geometry.fill_polygons(geometry.extended_hulls(points), 256) / np.float32(255)


def _jumping() -> list[FloatArray]:
    random = np.random.default_rng(0)
    reach = float(np.ptp(LANDMARKS, axis=0).max())
    return [_hull((LANDMARKS + random.normal(0, JITTER * reach, (68, 2))).astype(np.float32)) for _ in range(FRAMES)]


def _smoothed(masks: Sequence[FloatArray], reach: int) -> list[FloatArray]:
    face, picture = _face(LANDMARKS), np.zeros((4, 4, 3), np.uint8)
    jobs = []
    for index, mask in enumerate(masks):
        job = FaceJob(face=face, number=index, matrix=np.eye(2, 3), input=None, reference=None, seen=mask)
        jobs.append(FrameJob(Frame(index=index, name=str(index), image=picture), [job]))
    return [job.faces[0].seen for job in Smoothing(reach, lambda index: 0).run(jobs, 0)]


if __name__ == "__main__":
    main()
