"""FAN in two passes: DeepFaceLab's five looks, few calls of the network, and Faceswap's whole crop."""

from __future__ import annotations

import numpy as np
import pytest

from fspp_align_fan.aligner import FANAligner
from fspp_align_fan.options import FANOptions
from fspp_core import geometry
from fspp_core.extraction import ExtractOptions
from fspp_core.extraction.alignment.aligning import Aligning
from fspp_core.extraction.alignment.second_pass import SecondPass, five_looks, second_pass_of
from fspp_core.extraction.shots import Shot
from fspp_core.geometry import MEAN_FACE_68
from fspp_core.geometry.affine import between_centers
from fspp_core.types import Detection

RECTS = np.array([[90, 60, 230, 240], [-20, -10, 120, 150], [200, 100, 420, 330]], np.float32)
LANDMARKS = np.stack([MEAN_FACE_68 * 90 + (150, 90), MEAN_FACE_68 * 60 + (300, 200)]).astype(np.float32)


def found(*boxes):
    return tuple(Detection(box=np.array(box, np.float32), score=0.9) for box in boxes)


class OneBox:
    """A detector that finds the same box on every picture."""

    def detect(self, images):
        return [list(found((40, 30, 210, 240))) for _ in images]


@pytest.fixture(scope="module")
def one_stack(weights_file):
    return FANAligner(FANOptions(stacks=1, batch_size=4), {"2DFAN4": weights_file})


@pytest.fixture
def crops_run(one_stack, monkeypatch):
    """Crops that went through the network, call by call."""
    counts, run = [], one_stack._cells

    def counted(crops):
        counts.append(len(crops))
        return run(crops)

    monkeypatch.setattr(one_stack, "_cells", counted)
    return counts


def test_the_pass_by_boxes_is_the_five_looks_mapped_back(one_stack, deepfacelab):
    image = deepfacelab.made("image")
    again = SecondPass("detector", one_stack, OneBox())
    [matrix] = [geometry.crop_matrix(LANDMARKS[0], "full", 256)]
    crop = geometry.warp(image, between_centers(matrix), 256, interpolation="linear")
    [inside] = five_looks(one_stack, [crop], OneBox().detect([crop])[0])
    second = again._again([image], LANDMARKS[:1])
    np.testing.assert_allclose(second[0], geometry.transform(inside, geometry.invert(matrix)), atol=1e-3)


@pytest.mark.parametrize(("mode", "looks"), [("shifts", 5), ("detector", 5), ("realign", 1)])
def test_all_faces_go_through_together(one_stack, crops_run, deepfacelab, mode, looks):
    image = deepfacelab.made("image")
    found = SecondPass(mode, one_stack, OneBox())([image] * 2, LANDMARKS)
    assert np.isfinite(found).all()
    assert sum(crops_run) == 2 * looks
    assert max(crops_run) == min(4, 1 << (2 * looks).bit_length() - 1), "in full batches"


def test_fan_has_a_second_pass_unless_told_otherwise(one_stack, crops_run, deepfacelab):
    assert second_pass_of(ExtractOptions(), one_stack) == "shifts"
    shot = Shot(index=0, name="0", pts=None, image=deepfacelab.made("image"), detections=found(*RECTS[:2]))
    Aligning(aligner=one_stack, options=ExtractOptions(aligner="fan"))([shot])
    assert sum(crops_run) == 2 + 2 * 5


@pytest.mark.parametrize("how", ["clahe", "hist", "mean"])
def test_the_crops_are_evened_out(one_stack, deepfacelab, monkeypatch, how):
    """Those of the first pass and of the second, on the pixels the network gets."""
    from fspp_core.extraction.alignment.normalizing import even_out

    crops, _ = one_stack.cut([deepfacelab.made("image") // 3 + 40], [found(RECTS[0])])
    got, run = [], one_stack._cells

    def watched(batch):
        got.extend(batch)
        return run(batch)

    monkeypatch.setattr(one_stack, "_cells", watched)
    options = ExtractOptions(aligner="fan", normalization=how, second_pass="shifts")
    shot = Shot(index=0, name="0", pts=None, image=deepfacelab.made("image") // 3 + 40, detections=found(RECTS[0]))
    Aligning(aligner=one_stack, options=options)([shot])
    assert len(got) in (1, 6), "a face whose landmarks make no crop has no second pass"
    np.testing.assert_array_equal(got[0], even_out(crops[0], how))
