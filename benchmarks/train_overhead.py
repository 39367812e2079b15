"""Training steps of our loop, data, masks, log and all, against plain Keras on ready arrays with the same network."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from ratio import Comparison, compare

from fspp_core import geometry
from fspp_core.alignments import FaceCrop, MediaRecord, write_face_crop
from fspp_core.demo.portraits import ASTRONAUT, HOPPER, Portrait, load
from fspp_core.registry import load_registry
from fspp_core.training import TrainOptions
from fspp_core.training.loop import open_session
from fspp_core.types import Crop, Face

FACES = 24
BATCH = 8
STEPS = 10
KEYPOINTS = {
    ASTRONAUT.who: [(204, 100), (245, 102), (224, 126), (202, 139), (244, 140)],
    HOPPER.who: [(220, 190), (308, 186), (268, 237), (232, 277), (304, 273)],
}


def main() -> list[Comparison]:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        sides = [_faces(root / portrait.file, portrait) for portrait in (HOPPER, ASTRONAUT)]
        options = TrainOptions(preset="demo", batch_size=BATCH, steps=100_000, save_minutes=0, save_every=100_000)
        with open_session(*sides, root / "model", options) as session:
            ours = _ours(session)
            baseline = _baseline(session.batches.make(0))
            return [
                compare(
                    f"training step, phaze-a demo, batch {BATCH}",
                    ours,
                    baseline,
                    against="plain train_on_batch",
                    aim="<= 1.10",
                    rounds=9,
                    clock=clock,
                )
                for clock in (time.perf_counter, time.process_time)
            ]


def _ours(session):
    def go():
        for _ in range(STEPS):
            session.after_step(session.advance())

    return go


def _baseline(batch):
    """The same parts in a bare functional model, compiled with a loss function each, on float arrays that are there."""
    import keras
    from keras import ops

    from fspp_core.options import NoOptions
    from fspp_core.training.loss_options import DSSIMOptions
    from fspp_core.training.losses import DSSIM, MAE

    registry = load_registry()
    model = registry.build("model", "phaze-a", preset="demo")
    shape = (model.input_size, model.input_size, 3)
    inputs = {side: keras.Input(shape, name=side) for side in ("source", "target")}
    outputs = {side: model.reconstruct(side, faces)[0] for side, faces in inputs.items()}
    dssim, mae = DSSIM(DSSIMOptions()), MAE(NoOptions())

    def loss(true, predicted):
        faces, weights = true[..., :3], 0.1 + 0.9 * true[..., 3:]
        return ops.mean(dssim(faces, predicted) * weights) + ops.mean(mae(faces, predicted) * weights)

    network = keras.Model(inputs, outputs)
    network.compile(keras.optimizers.Adam(5e-5), loss=dict.fromkeys(inputs, loss))
    x = {side: _floats(faces) for side, faces in batch.inputs.items()}
    y = {
        side: np.concatenate([_floats(batch.truth[side]), _floats(batch.truth[f"{side}_mask"])], axis=-1) for side in x
    }

    def go():
        for _ in range(STEPS):
            network.train_on_batch(x, y)

    return go


def _floats(pixels):
    return pixels.astype(np.float32) / 255


def _faces(folder: Path, portrait: Portrait) -> Path:
    """Face crops of 256 pixels, each turned a little."""
    picture = load(portrait)
    landmarks = geometry.fit_keypoints(np.array(KEYPOINTS[portrait.who], np.float32))
    folder.mkdir()
    media = MediaRecord(name=portrait.file, kind="picture", width=1, height=1, frame_count=1, fingerprint="none")
    for number in range(FACES):
        turn = cv2.getRotationMatrix2D(portrait.center, 10 * np.sin(number), 1.0)
        moved = geometry.transform(landmarks, turn)
        frame = geometry.warp(picture, turn, (picture.shape[1], picture.shape[0]))
        matrix = geometry.crop_matrix(moved, "full", 256)
        box = np.array([*moved.min(axis=0), *moved.max(axis=0)], np.float32)
        face = Face(
            box=box, score=1.0, landmarks=moved, landmarks_origin="fitted", detector="none", aligner="keypoints"
        )
        crop = FaceCrop(
            crop=Crop(image=geometry.warp(frame, matrix, 256), matrix=matrix, face_type="full"),
            face=face,
            frame_index=number,
            frame_name=f"{number:06d}",
            face_index=0,
            media=media,
        )
        write_face_crop(folder / crop.file_name, crop)
    return folder


if __name__ == "__main__":
    main()
