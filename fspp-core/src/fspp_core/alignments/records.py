"""What the alignments file holds, as typed records: checked when made and when read, arrays kept as arrays."""

from __future__ import annotations

import math
from itertools import chain
from typing import Any, Literal, get_args

import msgspec
import numpy as np
import numpy.typing as npt

from fspp_core.errors import AlignmentsError
from fspp_core.types import FloatArray, LandmarksOrigin, Matrix

MediaKind = Literal["video", "folder", "picture"]

_LARGEST = float(np.finfo(np.float32).max)


class RecordError(AlignmentsError, ValueError):
    """A field that cannot stand; as a ValueError, so that msgspec adds the path of the field when it reads."""


class MaskRecord(msgspec.Struct, gc=False, kw_only=True, forbid_unknown_fields=True, eq=False):
    """A stored mask.

    Attributes:
        png: an 8-bit grey PNG, 0 outside and 255 inside the face; base64 in the file.
        matrix: (2, 3) float64, frame -> mask pixels.
    """

    png: bytes
    matrix: npt.NDArray[Any]

    def __post_init__(self) -> None:
        self.matrix = _array(self.matrix, "matrix", (2, 3), np.float64)
        if not self.png.startswith(b"\x89PNG\r\n\x1a\n"):
            raise RecordError(f"png must be a PNG file; received {len(self.png)} bytes that begin otherwise")


class FaceRecord(msgspec.Struct, gc=False, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, eq=False):
    """One face of a frame; the fields are those of `types.Face`, identities as little-endian float32 bytes."""

    box: npt.NDArray[Any]
    score: float
    landmarks: npt.NDArray[Any]
    landmarks_origin: LandmarksOrigin
    detector: str
    aligner: str
    keypoints: npt.NDArray[Any] | None = None
    masks: dict[str, MaskRecord] = {}
    identity: dict[str, bytes] = {}
    track: int | None = None

    def __post_init__(self) -> None:
        self.box = _array(self.box, "box", (4,), np.float32)
        self.landmarks = _array(self.landmarks, "landmarks", (68, 2), np.float32)
        if self.keypoints is not None:
            self.keypoints = _array(self.keypoints, "keypoints", (5, 2), np.float32)
        if self.landmarks_origin not in get_args(LandmarksOrigin):
            known = ", ".join(get_args(LandmarksOrigin))
            raise RecordError(f"landmarks_origin must be one of {known}; received {self.landmarks_origin!r}")
        if not 0.0 <= self.score <= 1.0:
            raise RecordError(f"score must lie in 0..1; received {self.score}")
        for name, vector in self.identity.items():
            if len(vector) % 4 or not np.isfinite(np.frombuffer(vector, "<f4")).all():
                raise RecordError(f"identity {name!r} must be finite float32 numbers; received {len(vector)} bytes")
        for text in (self.detector, self.aligner, *self.masks, *self.identity):
            _check_text(text)


class FrameRecord(msgspec.Struct, gc=False, kw_only=True, forbid_unknown_fields=True, eq=False):
    """The faces of one frame that was looked at, which may be none.

    Attributes:
        index: 0-based place of the frame in the footage.
        name: stem under which things made from the frame are filed.
        pts: presentation time in ticks of the footage; None for pictures.
        cut: whether another scene begins here, compared with the frame looked at before; not written where it is not.
        faces: in the order the detector gave them, or the user put them.
    """

    index: int
    name: str
    pts: int | None = None
    cut: bool | msgspec.UnsetType = msgspec.UNSET
    faces: list[FaceRecord] = []

    def __post_init__(self) -> None:
        self.cut = self.cut or msgspec.UNSET
        if self.index < 0:
            raise RecordError(f"index must not be negative; received {self.index}")
        _check_text(self.name)


class MediaRecord(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """The footage the alignments belong to.

    Attributes:
        name: path or name of the video or folder.
        kind: "video", "folder" of pictures, or one "picture".
        width: of the upright frames, in pixels; of the first for folders of mixed sizes.
        height: likewise.
        frame_count: frames in the footage.
        fingerprint: tells this footage from any other, wherever it lies.
        time_base: seconds per tick of the frames' `pts` as a fraction such as "1/30000"; None for pictures.
    """

    name: str
    kind: MediaKind
    width: int
    height: int
    frame_count: int
    fingerprint: str
    time_base: str | None = None

    def __post_init__(self) -> None:
        for field in ("width", "height", "frame_count"):
            if getattr(self, field) < 0:
                raise RecordError(f"{field} must not be negative; received {getattr(self, field)}")
        _check_text(self.name)
        _check_text(self.fingerprint)


def encoded(record: Any) -> bytes:
    """A record as one line of JSON, without its end of line. Equal records give equal bytes."""
    return _ENCODER.encode(record)


def to_array(kind: type, value: Any) -> npt.NDArray[np.float64]:
    """Turn a list of numbers, or of rows of them, into an array: msgspec's hook for fields that hold one."""
    rows = isinstance(value, list) and len(value) > 0 and isinstance(value[0], list)
    if rows and {*map(type, value)} != {list}:
        raise RecordError("expected rows of numbers only")
    flat = list(chain.from_iterable(value)) if rows else value
    if not isinstance(flat, list) or not {*map(type, flat)} <= {float, int}:
        raise RecordError("expected a list of numbers")
    array = np.fromiter(flat, np.float64, len(flat))
    if not rows:
        return array
    if len({*map(len, value)}) > 1:
        raise RecordError("expected rows of one length")
    return array.reshape(len(value), -1)


def finite(value: Any, path: str) -> Any:
    """`value`, made of what JSON knows; tuples become lists.

    Raises:
        AlignmentsError: for a number that is not finite, or a value JSON does not know, naming its path.
    """
    if isinstance(value, dict):
        return {_key(key, path): finite(item, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise AlignmentsError(f"{path} must be a finite number; received {value}")
        return value
    raise AlignmentsError(f"{path} must be text, a number, a list or a table; received {type(value).__name__}")


def _key(key: Any, path: str) -> str:
    if not isinstance(key, str):
        raise AlignmentsError(f"{path} must have names as keys; received {key!r}")
    return key


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RecordError(f"{text!r} is not valid Unicode; rename what it names") from error


def _array(value: Any, name: str, shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
    """A read-only copy of `value` in the shape and dtype of the field `name`, all finite."""
    wide = np.asarray(value, np.float64)
    if wide.shape != shape:
        raise RecordError(f"{name} must have shape {shape}; received {wide.shape}")
    if not np.abs(wide).max() <= _LARGEST:  # not-a-number is no less than anything either
        worst = wide[~(np.abs(wide) <= _LARGEST)][0]
        raise RecordError(f"{name} must be finite numbers that fit float32; received {worst}")
    array = wide.astype(dtype)
    array.setflags(write=False)
    return array


def _to_json(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _plain(value)
    raise TypeError(f"cannot write {type(value).__name__}")


def _plain(array: FloatArray | Matrix) -> Any:
    """Nested lists of short decimals that read back as the same numbers."""
    wide = array.astype(np.float64)
    if array.dtype != np.float32:
        return wide.tolist()
    tenths = _TENTHS[np.frexp(array)[1] - _LEAST_EXPONENT]
    fewer = tenths / 10
    short = np.rint(wide * fewer) / fewer
    off = short.astype(np.float32) != array
    if off.any():
        short = np.where(off, np.rint(wide * tenths) / tenths, short)
        off = short.astype(np.float32) != array
        if off.any():  # at powers of two float32 lies denser below than above; so it does near zero
            short[off] = [float(str(number)) for number in array[off]]
    return short.tolist()


def _tenths(exponent: int) -> float:
    """The power of ten whose inverse is no larger than the step between float32 numbers below 2 ** exponent."""
    return 10.0 ** max(1, math.ceil((24 - exponent) * math.log10(2)))


_LEAST_EXPONENT = -148
_TENTHS = np.array([_tenths(exponent) for exponent in range(_LEAST_EXPONENT, 129)])
_ENCODER = msgspec.json.Encoder(enc_hook=_to_json)
