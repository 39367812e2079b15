"""What runs the networks: devices, versions, processor features, seeds."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fspp_core import backend


def test_devices_are_listed() -> None:
    devices = backend.devices()
    assert any(device.kind == "cpu" for device in devices)
    assert all(":" in device.name and "/" not in device.name for device in devices)
    assert str(backend.DeviceInfo(name="GPU:0", kind="gpu", description="X1")) == "GPU:0 (X1)"


def test_devices_on_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    """As JAX names them: the processor alone, or what else there is."""
    found = [SimpleNamespace(platform="cpu", id=0, device_kind="cpu")]
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(devices=lambda: found))
    monkeypatch.setattr(backend, "backend_name", lambda: "jax")
    assert [str(device) for device in backend.devices()] == ["CPU:0"]
    found[:] = [SimpleNamespace(platform="gpu", id=1, device_kind="X1")]
    assert [str(device) for device in backend.devices()] == ["CPU:0", "GPU:1 (X1)"]
    assert [device.kind for device in backend.devices()] == ["cpu", "gpu"]


@pytest.mark.parametrize(
    ("cards", "mps", "names"), [(0, False, []), (2, False, ["CUDA:0", "CUDA:1"]), (0, True, ["MPS:0"])]
)
def test_devices_on_torch(monkeypatch: pytest.MonkeyPatch, cards: int, mps: bool, names: list[str]) -> None:
    cuda = SimpleNamespace(device_count=lambda: cards, get_device_name=lambda number: f"X{number}")
    backends = SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps))
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda, backends=backends))
    monkeypatch.setattr(backend, "backend_name", lambda: "torch")
    assert [device.name for device in backend.devices()] == ["CPU:0", *names]
    assert all(device.kind == "gpu" for device in backend.devices()[1:])


def test_memory_growth_is_no_error() -> None:
    assert backend.grow_memory() == []
    assert backend.grow_memory() == []


def test_versions_name_what_is_installed() -> None:
    versions = backend.versions()
    assert versions["numpy"] == np.__version__
    assert {"python", "platform", "fspp-core", "keras", "tensorflow"} <= versions.keys()


@pytest.mark.parametrize(
    ("line", "has"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 amx_tile", True),
        ("flags\t\t: fpu avx512f avx512_bf16x", False),
        ("Features\t: fp asimd bf16", True),
        ("model name\t: bf16 avx512_bf16", False),
        ("", False),
    ],
)
def test_bfloat16_is_read_from_the_flags(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str, has: bool) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(f"processor\t: 0\n{line}\n", encoding="utf-8")
    monkeypatch.setattr(backend, "_CPUINFO", path)
    monkeypatch.setattr("sys.platform", "linux")
    answer = backend.cpu_has_bfloat16()
    assert bool(answer) is has
    assert answer.reason


def test_without_cpuinfo_the_answer_is_no(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(backend, "_CPUINFO", tmp_path / "none")
    monkeypatch.setattr("sys.platform", "linux")
    assert not backend.cpu_has_bfloat16()
    assert "cannot be read" in backend.cpu_has_bfloat16().reason
    monkeypatch.setattr("sys.platform", "win32")
    assert not backend.cpu_has_bfloat16()


def test_equal_seeds_give_equal_numbers() -> None:
    import keras

    drawn = []
    for _ in range(2):
        backend.seed(3)
        drawn.append((np.random.rand(), np.asarray(keras.layers.Dense(2)(np.ones((1, 2)))).tolist()))
    assert drawn[0] == drawn[1]
