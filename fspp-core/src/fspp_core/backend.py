"""What the numeric backend of Keras runs on; the only module that imports tensorflow."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

PACKAGES = (
    "fspp-core",
    "keras",
    "tensorflow",
    "jax",
    "torch",
    "openvino",
    "numpy",
    "opencv-python-headless",
    "av",
    "safetensors",
)
"""Packages whose versions matter for repeating a result."""

_CPUINFO = Path("/proc/cpuinfo")
_BFLOAT16_FLAGS = ("avx512_bf16", "amx_bf16", "bf16")  # the last is what Linux calls it on ARM


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInfo:
    """A device networks can run on.

    Attributes:
        name: as the backend calls it, such as "GPU:0".
        kind: what it is.
        description: the maker's name for it, empty when unknown.
    """

    name: str
    kind: Literal["cpu", "gpu", "tpu", "other"]
    description: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.description})" if self.description else self.name


_PROCESSOR = DeviceInfo(name="CPU:0", kind="cpu")
_KINDS: dict[str, Literal["gpu", "tpu"]] = {"gpu": "gpu", "cuda": "gpu", "rocm": "gpu", "tpu": "tpu"}
"""What JAX calls its devices, besides processors."""


@dataclass(frozen=True, slots=True)
class Capability:
    """Whether something is possible, true or false as it stands, and why.

    Attributes:
        available: the answer.
        reason: how that is known, for messages.
    """

    available: bool
    reason: str

    def __bool__(self) -> bool:
        return self.available


def backend_name() -> str:
    """Name of the Keras backend: "tensorflow", "jax" or "torch"."""
    import keras

    return str(keras.backend.backend())


def devices() -> list[DeviceInfo]:
    """Devices the backend sees, processors first. On TensorFlow, GPU memory is from now on taken as it is needed."""
    if backend_name() == "jax":
        return [_PROCESSOR, *_jax_devices()]
    if backend_name() != "tensorflow":
        return [_PROCESSOR, *_torch_devices()]
    import tensorflow as tf

    grow_memory()
    return [_tensorflow_device(tf, device) for device in tf.config.list_physical_devices()]


def grow_memory() -> list[str]:
    """Let TensorFlow take GPU memory as it needs it and not all at once.

    Returns:
        Names of GPUs for which it is too late, because they are in use already.
    """
    if backend_name() != "tensorflow":
        return []
    import tensorflow as tf

    late = []
    for device in tf.config.list_physical_devices("GPU"):
        try:
            if not tf.config.experimental.get_memory_growth(device):
                tf.config.experimental.set_memory_growth(device, True)
        except (RuntimeError, ValueError):
            late.append(_short(device.name))
    return late


def seed(number: int, *, deterministic: bool = False) -> None:
    """Seed Python, numpy and the backend, for the whole process.

    Args:
        number: 0 or more.
        deterministic: let TensorFlow use only operations that give the same bits at each run; slower on GPUs, and
            cannot be taken back.
    """
    import keras

    keras.utils.set_random_seed(number)
    if deterministic and backend_name() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def versions() -> dict[str, str]:
    """Versions of Python, the system and the packages that matter; installed ones only. Imports none of them."""
    found = {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}"}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def cpu_has_bfloat16() -> Capability:
    """Whether the processor multiplies bfloat16 numbers itself; where it does not, they are slower than float32."""
    if not sys.platform.startswith("linux"):
        return Capability(False, f"cannot be told on {platform.system()}, so it is taken not to")
    try:
        text = _CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        return Capability(False, f"{_CPUINFO} cannot be read: {error}")
    lines = [line for line in text.splitlines() if line.lower().startswith(("flags", "features"))]
    flags = {flag for line in lines for flag in line.partition(":")[2].split()}
    has = [flag for flag in _BFLOAT16_FLAGS if flag in flags]
    if has:
        return Capability(True, f"the processor has {', '.join(has)}")
    return Capability(False, f"the processor has none of {', '.join(_BFLOAT16_FLAGS)}")


def _tensorflow_device(tf: Any, device: Any) -> DeviceInfo:
    kind = device.device_type.lower()
    details = tf.config.experimental.get_device_details(device) if kind == "gpu" else {}
    return DeviceInfo(
        name=_short(device.name),
        kind=kind if kind in ("cpu", "gpu", "tpu") else "other",
        description=details.get("device_name", "") or (platform.processor() if kind == "cpu" else ""),
    )


def _jax_devices() -> list[DeviceInfo]:
    import jax  # Keras's own listing fails where there is no GPU

    return [
        DeviceInfo(
            name=f"{device.platform}:{device.id}".upper(), kind=_KINDS[device.platform], description=device.device_kind
        )
        for device in jax.devices()
        if device.platform in _KINDS
    ]


def _torch_devices() -> list[DeviceInfo]:
    import torch  # Keras has no listing for it

    found = [
        DeviceInfo(name=f"CUDA:{number}", kind="gpu", description=torch.cuda.get_device_name(number))
        for number in range(torch.cuda.device_count())
    ]
    if torch.backends.mps.is_available():
        found.append(DeviceInfo(name="MPS:0", kind="gpu"))
    return found


def _short(name: str) -> str:
    """`/physical_device:GPU:0` is what TensorFlow says; `GPU:0` is what people read."""
    return name.rpartition("device:")[2]
