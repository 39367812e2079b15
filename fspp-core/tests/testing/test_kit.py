"""The kit tells sound components from unsound ones: each toy fails the check made for its fault."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fspp_core.registry import load_registry
from fspp_core.specs import KINDS

HERE = Path(__file__).parent
CASES = HERE / "toy_cases.py"

CAUGHT_BY = {
    "detector-outside": "boxes_lie_inside_the_picture",
    "detector-ascending": "scores_descend_within_0_and_1",
    "detector-scribbles": "pictures_are_left_as_they_were",
    "detector-ghosts": "no_face_no_detection",
    "detector-forgetful": "the_same_picture_gives_the_same_faces",
    "detector-careless": "wrong_pictures_are_refused",
    "detector-double": "detections_have_the_promised_types",
    "detector-batchy": "a_batch_gives_what_single_pictures_give",
    "detector-blind": "finds_the_face",
    "detector-dies": "tiny_pictures",
    "detector-phones": "no_network",
    "detector-hoards": "writes_nothing_outside_its_folder",
    "detector-once": "close_twice",
    "detector-Upper": "spec_is_sane",
    "detector-chatty": "spec_is_sane",
    "detector-nowhere": "factory_resolves",
    "detector-mutable": "options_are_a_frozen_dataclass",
    "detector-invalid": "schema_defaults_are_the_dataclass_defaults",
    "detector-mute": "schema_is_valid_and_closed",
    "detector-weights": "spec_is_sane",
    "aligner-fixed": "moving_the_picture_moves_the_landmarks",
    "aligner-silent": "a_box_without_area_is_named",
    "aligner-edited": "origin_is_stated",
    "aligner-few": "landmarks_have_the_promised_shape",
    "aligner-adrift": "landmarks_lie_about_the_face",
    "aligner-croppy-half": "crops_have_the_promised_shape",
    "aligner-croppy-flat": "crops_have_the_promised_shape",
    "aligner-croppy-double": "landmarks_of_crops_have_the_promised_shape",
    "aligner-croppy-astray": "landmarks_of_crops_go_back_to_those_of_pictures",
    "aligner-croppy-any-size": "crops_of_another_size_are_refused",
    "masker-bytes": "masks_have_the_promised_shape_and_range",
    "masker-nan": "flat_crops_are_finite",
    "masker-greedy": "covers_the_drawn_face",
    "masker-scribbles": "inputs_are_left_as_they_were",
    "masker-any-size": "crops_of_another_size_are_refused",
    "masker-cropless": "crop_is_stated",
    "recognizer-long": "embeddings_have_unit_length",
    "recognizer-nan": "flat_crops_are_finite",
    "recognizer-same": "different_pictures_differ",
    "loss-offset": "equal_pictures_lose_nothing",
    "loss-root": "gradients_are_finite",
    "loss-negative": "different_pictures_lose_something",
    "loss-mixed": "pictures_of_a_batch_are_apart",
    "scheduler-nan": "factors_are_finite_and_not_negative",
    "scheduler-memory": "factors_depend_on_the_step_only",
    "scheduler-whole": "factors_are_finite_and_not_negative",
    "scheduler-never": "the_rate_is_not_always_zero",
    "scheduler-past": "factors_are_finite_and_not_negative",
    "color-transfer-bright": "result_has_the_promised_shape_and_range",
    "color-transfer-nan": "unchanged_where_the_mask_is_empty",
    "color-transfer-scribbles": "inputs_are_left_as_they_were",
    "color-transfer-blank": "unchanged_where_the_mask_is_empty",
    "optimizer-scheduled": "rate_is_a_plain_variable",
    "optimizer-shared": "every_optimizer_is_fresh",
    "optimizer-up": "descends",
    "optimizer-restless": "rate_zero_changes_nothing",
    "model-loud": "outputs_have_the_promised_shape",
    "model-twins": "sides_differ",
    "model-lambda": "parts_can_be_made_again",
    "model-hidden": "saved_and_loaded_gives_equal_outputs",
    "model-half": "mixed_precision",
    "model-capitals": "attributes",
    "model-frozen": "one_step_learns",
    "replaced": "no_standard_check_is_overridden",
}
SOUND = [
    *("detector-sound", "aligner-sound", "masker-sound", "recognizer-sound", "loss-sound", "scheduler-sound"),
    *("aligner-croppy", "color-transfer-sound", "optimizer-sound", "model-sound"),
]


@pytest.fixture(scope="module")
def failures(tmp_path_factory):
    """Checks that failed, by toy, of those made for its fault; of all, for a sound toy."""
    report = tmp_path_factory.mktemp("kit") / "report.xml"
    command = [
        "-m",
        "pytest",
        "-q",
        "-c",
        str(report.with_name("none.ini")),
        f"--rootdir={HERE}",
        f"--junitxml={report}",
    ]
    report.with_name("none.ini").write_text("[pytest]\npython_files = toy_cases.py\n", encoding="utf-8")
    more = ["--import-mode=importlib", "-p", "no:cacheprovider", "-p", "no:xdist"]
    more += [f"{CASES}::Test_{toy}::test_{check}" for toy, check in CAUGHT_BY.items()]
    more += [f"{CASES}::Test_{toy}" for toy in SOUND]
    done = subprocess.run([sys.executable, *command, *more], capture_output=True, encoding="utf-8", cwd=report.parent)
    assert done.returncode == 1, done.stdout + done.stderr
    found = defaultdict(set)
    for case in ElementTree.parse(report).iter("testcase"):
        toy = case.get("classname").rsplit("Test_", 1)[1]
        found[toy] |= set()
        if case.find("failure") is not None or case.find("error") is not None:
            found[toy].add(case.get("name").removeprefix("test_").partition("[")[0])
    return dict(found)


@pytest.mark.parametrize("toy", CAUGHT_BY)
def test_the_fault_is_found(failures, toy):
    assert failures[toy] == {CAUGHT_BY[toy]}


@pytest.mark.parametrize("toy", SOUND)
def test_a_sound_component_passes(failures, toy):
    assert failures[toy] == set()


def test_every_toy_is_expected():
    registry = load_registry(plugin_files=[HERE / "toys.py"])
    toys = {spec.name for kind in KINDS for spec in registry.specs(kind) if "A toy" in spec.summary}
    assert toys | {"detector-chatty", "replaced"} == {*CAUGHT_BY, *SOUND}
