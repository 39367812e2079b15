"""A plugin of toy components: one sound one of each kind, and many that each break one rule of the contract."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from fspp_core.errors import ShapeError
from fspp_core.hookspecs import hookimpl
from fspp_core.options import NoOptions, option
from fspp_core.specs import ComponentSpec, WeightFile
from fspp_core.types import Detection

FSPP_API = 1

FAULTS = {
    "detector": (
        *("outside", "ascending", "scribbles", "ghosts", "forgetful", "careless", "double", "batchy", "blind", "dies"),
        *("phones", "hoards", "once", "upper", "chatty", "nowhere", "mutable", "invalid", "mute", "weights"),
    ),
    "aligner": (
        *("fixed", "silent", "edited", "few", "adrift"),
        *("croppy", "croppy-half", "croppy-flat", "croppy-double", "croppy-astray", "croppy-any-size"),
    ),
    "masker": ("bytes", "nan", "greedy", "scribbles", "any-size", "cropless"),
    "recognizer": ("long", "nan", "same"),
    "loss": ("offset", "root", "negative", "mixed"),
    "scheduler": ("nan", "memory", "whole", "never", "past"),
    "color_transfer": ("bright", "nan", "scribbles", "blank"),
    "optimizer": ("scheduled", "shared", "up", "restless"),
    "model": ("loud", "twins", "lambda", "hidden", "half", "capitals", "frozen"),
}


class Toy:
    """What all toys share."""

    fault = ""

    def __init__(self, options) -> None:
        self.calls = count()
        self.closed = False

    def close(self) -> None:
        if self.closed and self.fault == "once":
            raise RuntimeError("closed already")
        self.closed = True


class Detector(Toy):
    """Finds the skin colour of drawn faces."""

    def detect(self, images):
        if self.fault == "phones":
            with suppress(OSError):
                socket.create_connection(("example.org", 80), timeout=0.1)
        if self.fault == "hoards":
            Path("seen.txt").write_text("a face", encoding="utf-8")
        if self.fault == "dies" and min(images[0].shape[:2] if images else (9,)) < 8:
            raise ZeroDivisionError
        if self.fault != "careless":
            sizes = {np.shape(image) for image in images}
            if (
                len(sizes) > 1
                or any(len(s) != 3 or s[2] != 3 for s in sizes)
                or any(i.dtype != np.uint8 for i in images)
            ):
                raise ShapeError("pictures must be (height, width, 3) uint8 of one size")
        found = [self.one(image, len(images)) for image in images]
        if self.fault == "forgetful" and next(self.calls) % 2:
            return [[] for _ in images]
        return found

    def one(self, image, batch):
        if self.fault == "scribbles":
            image[0, 0] = 1
        skin = (image == (140, 175, 225)).all(-1)
        if self.fault == "ghosts":
            return [self.detection((0, 0, 1, 1), 0.5)]
        if not skin.any() or self.fault == "blind":
            return []
        rows, columns = np.flatnonzero(skin.any(1)), np.flatnonzero(skin.any(0))
        box = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        if self.fault == "outside":
            box[0] -= 1000
        if self.fault == "batchy":
            box[2] -= 10 * (batch > 1)
        scores = (0.2, 0.9) if self.fault == "ascending" else (0.9, 0.2)
        return [self.detection(box, score) for score in scores]

    def detection(self, box, score):
        kind = np.float64 if self.fault == "double" else np.float32
        return Detection(box=np.array(box, kind), score=score)


class Aligner(Toy):
    """Spreads 68 points over the box."""

    landmarks_origin = "fitted"

    def __init__(self, options) -> None:
        super().__init__(options)
        if self.fault == "edited":
            self.landmarks_origin = "edited"

    def align(self, images, detections):
        return [self.one(found) for found in detections]

    def one(self, found):
        points = np.zeros((len(found), 67 if self.fault == "few" else 68, 2), np.float32)
        for number, detection in enumerate(found):
            left, top, right, bottom = detection.box.tolist()
            if (left >= right or top >= bottom) and self.fault != "silent":
                raise ShapeError(f"box {detection.box.astype(int).tolist()} has no area")
            steps = np.linspace(0.1, 0.9, points.shape[1], dtype=np.float32)
            points[number, :, 0] = left + (right - left) * steps
            points[number, :, 1] = top + (bottom - top) * steps**2
            if self.fault == "fixed":
                points[number] += np.float32(50) - points[number].mean(0) + np.float32(50)
            if self.fault == "adrift":
                points[number] += 1000
        return points


class Cropping:
    """Sees every face in a crop of 32 pixels, where it spreads the points evenly; mixed into the croppy aligners."""

    crop_size = 32

    def cut(self, images, detections):
        boxes = np.array([d.box for found in detections for d in found], float).reshape(-1, 4)
        scales = self.crop_size / (boxes[:, 2:] - boxes[:, :2])
        matrices = np.zeros((len(boxes), 2, 3))
        matrices[:, 0, 0], matrices[:, 1, 1] = scales.T
        matrices[:, :, 2] = -boxes[:, :2] * scales
        if self.fault == "croppy-astray":
            matrices[:, 0, 2] += 3
        shape = (self.crop_size, self.crop_size, 3)
        return np.zeros((len(boxes), *shape[self.fault == "croppy-flat" :]), np.uint8), matrices

    def align_crops(self, crops):
        size = self.crop_size
        if self.fault != "croppy-any-size" and (crops.shape[1:] != (size, size, 3) or crops.dtype != np.uint8):
            raise ShapeError(f"crops must be (n, {size}, {size}, 3) uint8; received {crops.shape} {crops.dtype}")
        steps = np.linspace(0.1, 0.9, 68)
        points = np.broadcast_to(np.stack([steps, steps**2], axis=1) * size, (len(crops), 68, 2))
        return points.astype(np.float64 if self.fault == "croppy-double" else np.float32)


class Masker(Toy):
    """A disc."""

    face_type, size = "full", 64

    def __init__(self, options) -> None:
        super().__init__(options)
        if self.fault == "cropless":
            self.face_type = "passport"

    def mask(self, crops, landmarks):
        if crops.shape[1:] != (self.size, self.size, 3) and self.fault != "any-size":
            raise ShapeError(f"crops must be {self.size} pixels wide")
        rows, columns = np.mgrid[: crops.shape[1], : crops.shape[2]] - self.size / 2
        disc = (rows**2 + columns**2 < 600).astype(np.float32)
        if self.fault == "greedy":
            disc = 1 - disc
        if self.fault == "bytes":
            disc = disc * 255
        if self.fault == "scribbles" and len(landmarks):
            landmarks[0] = 0
        masks = np.stack([disc] * len(crops)) if len(crops) else np.zeros((0, self.size, self.size), np.float32)
        if self.fault == "nan" and len(crops) and not crops.any():
            masks[:] = np.nan
        return masks


class Recognizer(Toy):
    """Colours, as if they were a person."""

    face_type, size = "full", 32

    def embed(self, crops):
        if crops.shape[1:] != (self.size, self.size, 3):
            raise ShapeError(f"crops must be {self.size} pixels wide")
        values = crops[:, ::8, ::8].reshape(len(crops), 48).astype(np.float32) + (self.fault != "nan")
        if self.fault == "same":
            values[:] = 1
        length = np.linalg.norm(values, axis=1, keepdims=True)
        with np.errstate(invalid="ignore"):
            return values if self.fault == "long" else values / length


class Loss(Toy):
    """Mean squared error."""

    def __call__(self, true, predicted):
        from keras import ops

        difference = predicted - true
        if self.fault == "root":
            return ops.sqrt(ops.mean(ops.square(difference), axis=-1, keepdims=True))
        if self.fault == "mixed":
            difference = difference - ops.mean(difference) * 2
        error = ops.mean(ops.square(difference), axis=-1, keepdims=True)
        if self.fault == "negative":
            return -error
        return error + 0.1 if self.fault == "offset" else error


class Scheduler(Toy):
    """Falls in a line."""

    def factor(self, step, total):
        if self.fault == "memory":
            step = next(self.calls)
        if self.fault == "nan" and step == total:
            return float("nan")
        if self.fault == "past":
            return 1 - step / total
        if self.fault == "never":
            return 0.0
        if self.fault == "whole":
            return 1
        return max(0.0, 1 - step / total)


class ColorTransfer(Toy):
    """Shifts the mean inside the mask."""

    def transfer(self, faces, references, masks):
        weights = masks[..., None]
        total = weights.sum((1, 2), keepdims=True)
        if self.fault == "nan":
            with np.errstate(invalid="ignore"):
                shift = ((references - faces) * weights).sum((1, 2), keepdims=True) / total
        else:
            shift = ((references - faces) * weights).sum((1, 2), keepdims=True) / np.maximum(total, 1e-9)
        if self.fault == "blank":
            shift = shift + 0.1
        result = faces + shift
        if self.fault == "scribbles":
            faces *= 0.5
        return result.astype(np.float32) if self.fault == "bright" else result.clip(0, 1).astype(np.float32)


class Optimizer(Toy):
    """Plain descent."""

    shared = None

    def build(self, learning_rate):
        import keras

        if self.fault == "scheduled":
            return keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(learning_rate, 10, 0.9))
        if self.fault == "shared":
            type(self).shared = self.shared or keras.optimizers.Adam(learning_rate)
            return self.shared
        if self.fault == "up":
            return keras.optimizers.SGD(learning_rate, weight_decay=-5.0)
        if self.fault == "restless":
            return keras.optimizers.SGD(max(learning_rate, 1e-3))
        return keras.optimizers.SGD(learning_rate)


class Model(Toy):
    """A very small autoencoder."""

    input_size = output_size = 16
    channel_order = "bgr"
    has_mask = True

    def __init__(self, options) -> None:
        super().__init__(options)
        import keras
        from keras import layers

        inputs = keras.Input((16, 16, 3))
        x = layers.Conv2D(4, 3, 2, "same", activation="relu")(inputs)
        if self.fault == "lambda":
            x = layers.Lambda(lambda value: value * 2)(x)
        encoder = keras.Model(inputs, x, name="encoder")
        last = "linear" if self.fault == "loud" else "sigmoid"
        dtype = None if self.fault == "half" else "float32"
        decoders = {}
        for side in ("source", "target"):
            code = keras.Input((8, 8, 4))
            x = layers.UpSampling2D()(code)
            faces = layers.Conv2D(3, 3, 1, "same", activation=last, dtype=dtype)(x)
            mask = layers.Conv2D(1, 3, 1, "same", activation=last, dtype=dtype)(x)
            decoders[side] = keras.Model(code, [faces, mask], name=f"decoder_{side}")
        if self.fault == "twins":
            decoders["source"] = decoders["target"]
        if self.fault == "hidden":
            self.unsaved = keras.Variable(keras.random.uniform((3,)))
        self.encoder, self.decoders = encoder, decoders
        name = "Encoder" if self.fault == "capitals" else "encoder"
        self.parts = {name: encoder, **{f"decoder_{side}": part for side, part in decoders.items()}}

    def reconstruct(self, side, faces):
        code = self.encoder(faces)
        if self.fault == "frozen":
            from keras import ops

            code = ops.stop_gradient(code)
        faces, mask = self.decoders[side](code)
        if self.fault == "loud":
            faces = faces * 100
        return (faces * self.unsaved if self.fault == "hidden" else faces), mask

    def swap(self, faces):
        return self.reconstruct("source", faces)


@dataclass
class Mutable:
    size: int = option(1, "Anybody may change it.")


@dataclass(frozen=True)
class Invalid:
    size: int = option(1, "Too small by default.", minimum=5)


@dataclass(frozen=True)
class Mute:
    size: int = option(1, "")


KINDS = {
    "detector": Detector,
    "aligner": Aligner,
    "masker": Masker,
    "recognizer": Recognizer,
    "loss": Loss,
    "scheduler": Scheduler,
    "color_transfer": ColorTransfer,
    "optimizer": Optimizer,
    "model": Model,
}
ODD = {
    "upper": {"name": "detector-Upper"},
    "chatty": {"summary": "Says\nfar too much."},
    "nowhere": {"factory": f"{__name__}:Nowhere"},
    "mutable": {"options": Mutable},
    "invalid": {"options": Invalid},
    "mute": {"options": Mute},
    "weights": {
        "weights": (WeightFile(name="w.h5", urls=("http://a.b/w",), sha256="abc", size=1, licence="?", source=""),)
    },
}


def _describe(kind):
    specs = []
    for fault in ("sound", *FAULTS[kind]):
        name = f"{kind}_{fault}".replace("-", "_")
        bases = (Cropping, KINDS[kind]) if fault.startswith("croppy") else (KINDS[kind],)
        hidden = {"crop_size": property()} if fault == "croppy-half" else {}  # is not there
        globals()[name] = type(name, bases, {"fault": "" if fault == "sound" else fault, **hidden})
        values = {
            "name": f"{kind.replace('_', '-')}-{fault}",
            "kind": kind,
            "summary": f"A toy: {fault}.",
            "factory": f"{__name__}:{name}",
            "options": NoOptions,
        }
        specs.append(ComponentSpec(**{**values, **(ODD.get(fault, {}) if kind == "detector" else {})}))
    return specs


@hookimpl
def fspp_detectors():
    return _describe("detector")


@hookimpl
def fspp_aligners():
    return _describe("aligner")


@hookimpl
def fspp_maskers():
    return _describe("masker")


@hookimpl
def fspp_recognizers():
    return _describe("recognizer")


@hookimpl
def fspp_losses():
    return _describe("loss")


@hookimpl
def fspp_schedulers():
    return _describe("scheduler")


@hookimpl
def fspp_color_transfers():
    return _describe("color_transfer")


@hookimpl
def fspp_optimizers():
    return _describe("optimizer")


@hookimpl
def fspp_models():
    return _describe("model")
