"""What the conversion tests share: clips of a real face made in the test, alignments by hand, a model that tints."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fspp_core import geometry
from fspp_core.alignments import Alignments, MediaRecord
from fspp_core.media import open_media, write_image
from fspp_core.types import Face, Mask

KEYPOINTS = np.array([(204, 100), (245, 102), (224, 126), (202, 139), (244, 140)], np.float32)
SIZE = (128, 112)
PLUGIN = Path(__file__).with_name("toy_plugin.py")


def poses(picture, count):
    """`count` frames of 128 by 112 in which the portrait moves, and the face in each."""
    landmarks = geometry.fit_keypoints(KEYPOINTS)
    frames, faces = [], []
    for number in range(count):
        angle, scale = np.radians(5 * np.sin(number)), 0.42
        turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        matrix = np.column_stack([turn, (60 + 6 * np.cos(number), 56 + 2 * np.sin(2 * number)) - turn @ (224, 118)])
        frames.append(geometry.warp(picture, matrix, SIZE, border="reflect"))
        faces.append(face_of(geometry.transform(landmarks, matrix)))
    return frames, faces


def face_of(landmarks, masks=None):
    box = np.array([*landmarks.min(axis=0), *landmarks.max(axis=0)], np.float32)
    return Face(
        box=box,
        score=0.9,
        landmarks=landmarks.astype(np.float32),
        landmarks_origin="edited",
        detector="hand",
        aligner="hand",
        masks=masks or {},
    )


def with_hull(face, name="hull", size=80):
    """The face with a stored mask: the hull of its landmarks."""
    matrix = geometry.crop_matrix(face.landmarks, "full", size)
    points = geometry.transform(face.landmarks, matrix).astype(np.int32)
    image = cv2.fillConvexPoly(np.zeros((size, size), np.uint8), cv2.convexHull(points), 255)
    return replace(face, masks={**face.masks, name: Mask(image=image, matrix=matrix)})


def write_video(
    path,
    frames,
    *,
    codec="ffv1",
    pixel_format="bgr0",
    pts=None,
    base=Fraction(1, 1000),
    sound=False,
    options=None,
    setup=None,
):
    """Frames as a video; at 25 a second, or at the times given in ticks of `base`."""
    pts = pts if pts is not None else [40 * i for i in range(len(frames))]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixel_format
        stream.time_base = stream.codec_context.time_base = base
        if setup is not None:
            setup(stream)
        audio = container.add_stream("flac", rate=48_000, layout="mono") if sound else None
        deep = frames[0].dtype == np.uint16
        for time, image in zip(pts, frames, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="bgr48le" if deep else "bgr24")
            frame = frame.reformat(format=pixel_format)
            frame.pts, frame.time_base = time, base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if audio is not None:
            seconds = float((pts[-1] + pts[1] - pts[0]) * base)
            samples = (8000 * np.sin(np.arange(int(48_000 * seconds)) / 20)).astype(np.int16)
            for start in range(0, len(samples), 4096):
                block = av.AudioFrame.from_ndarray(samples[None, start : start + 4096], format="s16", layout="mono")
                block.sample_rate, block.pts, block.time_base = 48_000, start, Fraction(1, 48_000)
                container.mux(audio.encode(block))
            container.mux(audio.encode())
    return path


def write_folder(path, frames, suffix=".png"):
    path.mkdir()
    for number, image in enumerate(frames):
        write_image(path / f"shot{number:03d}{suffix}", image)
    return path


def write_alignments(path, media, faces, **changes):
    """An alignments file for `media` with the faces given by frame index."""
    with open_media(media) as reader:
        info = reader.info
        record = {
            "name": str(media),
            "kind": info.kind,
            "width": info.width,
            "height": info.height,
            "frame_count": info.frame_count,
            "fingerprint": reader.fingerprint(),
        }
        alignments = Alignments(MediaRecord(**{**record, **changes}), {})
        for index, those in faces.items():
            alignments.set_faces(index, those, name=reader.name(index))
    alignments.save(path)
    return path


def read_frames(path):
    with open_media(path) as reader:
        return [frame.image.copy() for frame in reader.frames()]


@pytest.fixture(scope="session")
def toy_registry():
    from fspp_core.registry import load_registry

    return load_registry(plugin_files=[PLUGIN])


@pytest.fixture(scope="session")
def tint(tmp_path_factory, toy_registry):
    """`tint(size=32, mask=True, …)` is the folder of a model with these options."""
    from fspp_core.models import CheckpointStore
    from fspp_core.options import options_dict

    made = {}

    def model(*, face_type="full", **options):
        key = (face_type, *sorted(options.items()))
        if key not in made:
            chosen = toy_registry.options("model", "tint", options)
            owner = toy_registry.owner("model", "tint")
            folder = tmp_path_factory.mktemp("model")
            CheckpointStore(folder).save(
                step=7,
                model_name="tint",
                model_options=options_dict(chosen),
                owner={"distribution": owner.distribution, "version": owner.version},
                parts=toy_registry.construct("model", "tint", chosen).parts,
                optimizer={},
                state={} if face_type is None else {"face_type": face_type},
                keep=1,
            )
            made[key] = folder
        return made[key]

    return model


@pytest.fixture(scope="session")
def clip(tmp_path_factory, astronaut):
    """A lossless video of ten frames with a face in all but frames 3, 4 and 9, and its alignments."""
    folder = tmp_path_factory.mktemp("clip")
    frames, faces = poses(astronaut, 10)
    video = write_video(folder / "clip.mkv", frames, sound=True)
    chosen = {i: [] if i in (3, 4, 9) else [with_hull(face)] for i, face in enumerate(faces)}
    del chosen[4]  # a frame that was not looked at is as good as one without faces
    return video, write_alignments(folder / "alignments.json", video, chosen)


@pytest.fixture(scope="session")
def tools():
    """The helpers above, for tests."""
    from types import SimpleNamespace

    return SimpleNamespace(
        poses=poses,
        face_of=face_of,
        with_hull=with_hull,
        write_video=write_video,
        write_folder=write_folder,
        write_alignments=write_alignments,
        read_frames=read_frames,
        plugin=PLUGIN,
        size=SIZE,
    )
