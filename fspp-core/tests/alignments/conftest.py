"""Faces and footage to record."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fspp_core.alignments import FrameRecord, MediaRecord, to_record
from fspp_core.geometry import MEAN_FACE_68, components_hulls, fill_polygons
from fspp_core.types import Face, Mask

MakeFace = Callable[[int], Face]
MakeFrame = Callable[[int], FrameRecord]


@pytest.fixture(scope="session")
def media() -> MediaRecord:
    return MediaRecord(
        name="größe 中文.mp4",
        kind="video",
        width=640,
        height=360,
        frame_count=500,
        fingerprint="sha256:abc",
        time_base="1/12800",
    )


@pytest.fixture(scope="session")
def make_face() -> MakeFace:
    """A face with everything a face may have, another for each number."""

    def make(number: int) -> Face:
        rng = np.random.default_rng(number)
        landmarks = (MEAN_FACE_68 * 100 + rng.uniform(0, 300, 2)).astype(np.float32)
        return Face(
            box=np.array([10.5, 20.25, 110.125, 140], np.float32) + np.float32(number),
            score=float(rng.uniform(0, 1)),
            landmarks=landmarks,
            landmarks_origin="fitted",
            detector="mtcnn",
            aligner="keypoints",
            keypoints=landmarks[[36, 45, 30, 48, 54]],
            masks={
                "components": Mask(
                    image=fill_polygons(components_hulls(landmarks / 4), 64),
                    matrix=np.array([[0.25, 0, 0], [0, 0.25, 0]]),
                )
            },
            identity={"vggface2": rng.normal(size=8).astype(np.float32)},
            track=number,
        )

    return make


@pytest.fixture(scope="session")
def make_frame(make_face: MakeFace) -> MakeFrame:
    """A frame record with no, one or two faces."""

    def make(index: int) -> FrameRecord:
        faces = [to_record(make_face(10 * index + number)) for number in range(index % 3)]
        return FrameRecord(index=index, name=f"größe_{index:06d}", pts=index * 512, faces=faces)

    return make
