"""Conformance classes for all toys; collected by test_kit.py in a process of its own, where most must fail."""

from __future__ import annotations

from pathlib import Path

from fspp_core import testing
from fspp_core.registry import load_registry
from fspp_core.specs import KINDS
from fspp_core.testing.pictures import drawn_face
from fspp_core.testing.run import KIT_CLASSES

FILES = (Path(__file__).with_name("toys.py"),)
BOX = (60.0, 20.0, 150.0, 140.0)

for _kind in KINDS:
    for _spec in load_registry(plugin_files=FILES).specs(_kind):
        if not _spec.name.startswith(f"{_kind.replace('_', '-')}-"):
            continue
        _extras = {
            "detector": {
                "face_picture": classmethod(lambda cls: (drawn_face(160, 200, BOX), BOX)),
                "finds_faces_down_to_px": 120,
                "has_keypoints": False,
            },
            "aligner": {"needs_keypoints": False},
            "masker": {"finds_drawn_face": True},
            "color_transfer": {"nears_the_reference": True},
            "scheduler": {"known": {(0, 10): 1.0, (5, 10): 0.5}},
        }.get(_kind, {})
        _extras |= {"component": _spec.name, "plugin_files": FILES}
        globals()[f"Test_{_spec.name}"] = type(f"Test_{_spec.name}", (getattr(testing, KIT_CLASSES[_kind]),), _extras)


class Test_replaced(testing.ScheduleConformance):  # noqa: N801 - named like the toys
    component, plugin_files = "scheduler-sound", FILES

    def test_close_twice(self):
        """Not checked, and no reason given."""
