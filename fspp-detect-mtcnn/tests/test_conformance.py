"""MTCNN passes the kit that every detector must."""

from __future__ import annotations

from fspp_core.testing import DetectorConformance


class TestMTCNN(DetectorConformance):
    component = "mtcnn"
    has_keypoints = True
    finds_faces_down_to_px = 30
    box_tolerance_px = 1e-3
    score_tolerance = 1e-4
