"""Following faces between detections against detection on every frame: time, and how far boxes and landmarks move."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
from ratio import Comparison, compare

from fspp_core import geometry
from fspp_core.demo.animate import animate
from fspp_core.demo.portraits import ASTRONAUT, HOPPER, load
from fspp_core.extraction.detection.detecting import Detecting
from fspp_core.extraction.detection.tracking import Tracking
from fspp_core.extraction.options import ExtractOptions
from fspp_core.extraction.shots import Group, Shot
from fspp_core.registry import load_registry
from fspp_core.types import Detection, Image

FRAMES, SIDE, GROUP = 48, 640, 8
SHIFT = (3, 2)  # pixels down and to the right, for what the detector itself differs by
Work = Callable[[Group], Group]


def footage() -> list[Image]:
    """Two portraits that move, turn and speak, beside each other: 1280x640, two seconds."""
    halves = (animate(portrait, load(portrait), frames=FRAMES, size=SIDE) for portrait in (ASTRONAUT, HOPPER))
    return [np.concatenate(pair, axis=1) for pair in zip(*halves, strict=True)]


def shots(images: list[Image]) -> Group:
    """The frames as they come to the stage."""
    return [Shot(index=index, name=str(index), pts=None, image=image) for index, image in enumerate(images)]


def run(stage: Callable[[], Work], frames: Group) -> Group:
    """All frames through a fresh stage, group by group."""
    work = stage()
    return [shot for first in range(0, len(frames), GROUP) for shot in work(frames[first : first + GROUP])]


def differences(found: Group, wanted: Group, shift: tuple[int, int] = (0, 0)) -> str:
    """Overlap of the boxes, and distance of the landmarks that the aligner fits to the keypoints."""
    back = -np.array([shift[1], shift[0]], np.float32)
    overlaps, distances, lost = [], [], 0
    for one, other in zip(found, wanted, strict=True):
        for face in other.detections:
            boxes = np.array([near.box + np.tile(back, 2) for near in one.detections]).reshape(-1, 4)
            overlap = geometry.iou(boxes, face.box[None])[:, 0]
            if not len(boxes) or overlap.max() < 0.3:
                lost += 1
                continue
            near = one.detections[int(overlap.argmax())]
            overlaps.append(float(overlap.max()))
            distances.append(100 * float(_distance(near, face, back)))
    return (
        f"boxes overlap {np.mean(overlaps):.3f} (least {min(overlaps):.3f}), landmarks off "
        f"{np.mean(distances):.2f} % of the face (most {max(distances):.2f} %), {lost} faces lost"
    )


def _distance(found: Detection, wanted: Detection, back: np.ndarray) -> np.floating:
    if found.keypoints is None or wanted.keypoints is None:
        raise ValueError("the landmarks are compared by the detector's keypoints, and it gives none")
    points = geometry.fit_keypoints(found.keypoints + back) - geometry.fit_keypoints(wanted.keypoints)
    return np.linalg.norm(points, axis=1).mean() / max(wanted.box[2:] - wanted.box[:2])


def main() -> list[Comparison]:
    detector = load_registry().build("detector", "mtcnn")
    images = footage()
    frames = shots(images)

    def every() -> Work:
        return Detecting(detector=detector, options=ExtractOptions())

    def following(nth: int) -> Work:
        options = ExtractOptions(detect_every=nth)
        return Tracking(detecting=Detecting(detector=detector, options=options), options=options)

    wanted = run(every, frames)
    shifted = run(every, shots([np.roll(image, SHIFT, axis=(0, 1)) for image in images]))
    print(
        f"detected on frames shifted by {SHIFT[1]} and {SHIFT[0]} pixels: {differences(shifted, wanted, SHIFT)}",
        flush=True,
    )
    results = []
    for nth in (2, 5, 10):
        stage = partial(following, nth)
        print(f"detected on every {nth}: {differences(run(stage, frames), wanted)}", flush=True)
        results.append(
            compare(
                f"mtcnn, {2 * SIDE}x{SIDE}, two faces, every {nth}",
                partial(run, stage, frames),
                partial(run, every, frames),
                against="every frame",
                aim=f"near {1 / nth:g}",
                rounds=3,
                clock=time.process_time,
            )
        )
    return results


if __name__ == "__main__":
    main()
