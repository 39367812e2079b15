"""What runs the networks: devices, versions, processor features, seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fspp_core import backend


def test_devices_are_listed() -> None:
    devices = backend.devices()
    assert any(device.kind == "cpu" for device in devices)
    assert all(":" in device.name and "/" not in device.name for device in devices)
    assert str(backend.DeviceInfo(name="GPU:0", kind="gpu", description="X1")) == "GPU:0 (X1)"


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
