"""The filters leave out what they say, count it, and are nothing where they are not asked for."""

from __future__ import annotations

import json
import logging
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from fspp_core.alignments import Alignments
from fspp_core.errors import ConfigError
from fspp_core.extraction import ExtractOptions
from fspp_core.extraction.filtering import filtering
from fspp_core.extraction.shots import Shot
from fspp_core.geometry import crop_matrix, mean_distance, scale_of
from fspp_core.geometry.faceswap import face_side, tilt
from fspp_core.geometry.tables import FS_MEAN_51
from fspp_core.types import Face


def landmarks(side=100.0, degrees=0.0, *, upside_down=False):
    """The mean face, turned clockwise by an angle, `side` pixels large."""
    brows = FS_MEAN_51[:10]
    jaw = np.column_stack([np.linspace(brows[:, 0].min(), brows[:, 0].max(), 17), np.full(17, 1.0)])
    points = np.concatenate([jaw, FS_MEAN_51]) - 0.5
    if upside_down:
        points[48:, 1] -= 0.7  # the mouth between the brows
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return (points @ np.array([[c, s], [-s, c]]) * side + (200, 150)).astype(np.float32)


def shot_of(*points, height=300, width=400):
    faces = tuple(
        Face(
            box=np.array([0, 0, 1, 1], np.float32),
            score=1 - number / 100,
            landmarks=found,
            landmarks_origin="detected",
            detector="a",
            aligner="b",
        )
        for number, found in enumerate(points)
    )
    return Shot(index=0, name="0", pts=None, image=np.zeros((height, width, 3), np.uint8), faces=faces)


def passed(shot, **options):
    """Numbers of the faces that pass, and the counts."""
    left_out = Counter()
    stage = filtering(ExtractOptions(**options), left_out)
    kept = stage([shot])[0].faces
    return [next(i for i, face in enumerate(shot.faces) if face is one) for one in kept], dict(left_out)


def test_no_filter_is_no_stage():
    assert filtering(ExtractOptions(), Counter()) is None


def test_features():
    shot = shot_of(landmarks(), landmarks(upside_down=True), landmarks(degrees=170))
    assert passed(shot, filter_features=True) == ([0, 2], {"features": 1})


def test_scale():
    """The side of the face crop against the frame's shorter one, whatever the frame's shape."""
    sides = (40.0, 75.0, 120.0)
    points = [landmarks(side) for side in sides]
    for side, one in zip(sides, points, strict=True):
        assert face_side(one) == pytest.approx(2 * side, rel=1e-3)
        assert face_side(one) == pytest.approx(64 / scale_of(crop_matrix(one, "fs-face", 64)), rel=1e-3)
    shot = shot_of(*points)  # 80, 150, 240 of 300
    assert passed(shot, filter_min_scale=0.3) == ([1, 2], {"min_scale": 1})
    assert passed(shot, filter_max_scale=0.6) == ([0, 1], {"max_scale": 1})
    assert passed(shot, filter_min_scale=0.3, filter_max_scale=0.6) == ([1], {"min_scale": 1, "max_scale": 1})
    assert passed(shot, filter_max_scale=2.0) == ([0, 1, 2], {})
    assert passed(shot_of(*points, height=400, width=300), filter_max_scale=0.6)[0] == [0, 1]


def test_distance():
    rng = np.random.default_rng(0)
    odd = landmarks() + rng.normal(0, 12, (68, 2)).astype(np.float32)
    limit = 100 * mean_distance(odd)
    shot = shot_of(landmarks(), odd)
    assert passed(shot, filter_distance=limit * 0.99) == ([0], {"distance": 1})
    assert passed(shot, filter_distance=limit * 1.01) == ([0, 1], {})


@pytest.mark.parametrize("degrees", [-170, -90, -31, 0, 29, 90, 135, 180])
def test_roll(degrees):
    points = landmarks(degrees=degrees)
    assert (np.degrees(tilt(points)) - degrees + 180) % 360 == pytest.approx(180, abs=0.1)
    kept, counts = passed(shot_of(points), filter_roll=30.0)
    assert bool(kept) == (abs(degrees) <= 30)
    assert counts == ({} if kept else {"roll": 1})


def test_an_upright_face_passes_the_least_roll_and_zero_leaves_out_none():
    shot = shot_of(landmarks(), landmarks(degrees=40))
    assert passed(shot, filter_roll=0.5) == ([0], {"roll": 1})
    assert passed(shot, filter_roll=0.0, filter_features=True) == ([0, 1], {})


def test_the_first_filter_counts_and_the_order_stays():
    bad = landmarks(20, 120, upside_down=True)
    shot = shot_of(landmarks(), bad, landmarks(degrees=-100), landmarks(30))
    options = {"filter_features": True, "filter_min_scale": 0.3, "filter_roll": 45.0}
    assert passed(shot, **options) == ([0], {"features": 1, "roll": 1, "min_scale": 1})
    left_out = Counter()
    stage = filtering(ExtractOptions(**options), left_out)
    stage([shot, replace(shot, faces=()), shot])
    assert left_out == {"features": 2, "roll": 2, "min_scale": 2}


def test_extract_leaves_out_and_says_so(run, video, tmp_path, tools, faces_of, caplog):
    """The toy's small faces have a fifth of the frame, the large ones a third and more."""
    plain = run(video, tmp_path / "plain")
    assert plain.left_out == {}
    with caplog.at_level(logging.INFO):
        report = run(video, tmp_path / "out", filter_min_scale=0.3)
    small = sum(tools.expected_faces(i) == 2 for i in range(20))
    assert report.left_out == {"min_scale": small}
    assert report.faces == plain.faces - small
    assert f"faces left out: {small} by min_scale" in caplog.text
    assert json.loads(report.report.read_text("utf-8"))["left_out"] == {"min_scale": small}
    assert faces_of(tmp_path / "out") == {i: min(1, tools.expected_faces(i)) for i in range(20)}
    assert len(list((tmp_path / "out" / "faces").iterdir())) == report.faces
    widths = [
        face.box[2] - face.box[0]
        for frame in Alignments.load(tmp_path / "out" / "alignments.json").frames.values()
        for face in frame.faces
    ]
    assert min(widths) > 40


def test_limits_that_no_face_keeps_are_refused(run, video, tmp_path):
    with pytest.raises(ConfigError, match=r"filter_min_scale, filter_max_scale: no face is larger than 0\.5 and sm"):
        run(video, tmp_path / "out", filter_min_scale=0.5, filter_max_scale=0.3)
    assert not (tmp_path / "out").exists()
