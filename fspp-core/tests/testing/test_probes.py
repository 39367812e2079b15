"""The probes see what they are there to see, and nothing else."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import pytest

from fspp_core.testing.pictures import drawn_face, face_keypoints, shrunk
from fspp_core.testing.probes import heavy_imports, refused_network, watched_writes

HERE = Path(__file__).parent


def test_writes_outside_are_seen_and_reads_are_not(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "temporary"))
    home, away = tmp_path / "home", tmp_path / "away"
    home.mkdir()
    with watched_writes(home) as strays:
        (home / "mine.txt").write_text("fine", encoding="utf-8")
        away.mkdir()
        (away / "theirs.txt").write_text("stray", encoding="utf-8")
        (away / "theirs.txt").replace(away / "moved.txt")
        (away / "moved.txt").read_text(encoding="utf-8")
        os.close(os.open(away / "low.txt", os.O_CREAT | os.O_WRONLY))
    assert strays == [away, away / "theirs.txt", away / "moved.txt", away / "low.txt"]
    with watched_writes(home) as strays:
        (away / "moved.txt").read_text(encoding="utf-8")
    (away / "later.txt").write_text("nobody watches", encoding="utf-8")
    assert strays == []


def test_the_network_is_refused_and_attempts_are_kept():
    before = socket.socket.connect
    with refused_network() as attempts:
        with pytest.raises(OSError, match="must not use the network"):
            socket.create_connection(("198.51.100.1", 80))
        with contextlib.suppress(OSError), socket.socket() as caught:
            caught.connect(("198.51.100.1", 80))
        with contextlib.suppress(OSError):
            socket.getaddrinfo("example.org", 80)
    assert [attempt.partition("(")[0] for attempt in attempts] == ["create_connection", "connect", "getaddrinfo"]
    assert socket.socket.connect is before


def test_heavy_imports():
    assert heavy_imports("import json") == ()
    assert heavy_imports("import cv2") == ("cv2",)
    with pytest.raises(RuntimeError, match="no_such_module"):
        heavy_imports("import no_such_module")


def test_shrunk_averages_areas():
    picture = drawn_face(60, 90, (10, 5, 50, 55))
    half = shrunk(picture, 0.5)
    assert half.shape == (30, 45, 3)
    expected = picture.reshape(30, 2, 45, 2, 3).mean((1, 3))
    assert abs(half - expected).max() <= 1.01
    assert shrunk(picture, 1.0).tolist() == picture.tolist()


def test_keypoints_lie_on_the_drawn_features():
    box = (20.0, 10.0, 120.0, 140.0)
    picture = drawn_face(160, 160, box)
    dark = [int(picture[int(y), int(x)].sum()) for x, y in face_keypoints(box)[:2]]
    assert dark == [130, 130]
