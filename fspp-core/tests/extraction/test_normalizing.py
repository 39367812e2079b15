"""Light is evened out for the aligner only, on exactly the pixels that it looks at."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fspp_core.errors import ShapeError
from fspp_core.extraction.alignment.normalizing import even_out, evened
from fspp_core.interfaces import CropAligner
from fspp_core.types import Detection

METHODS = ("clahe", "hist", "mean")
CORNER = np.array([[1.0, 2.0]])


def face(box, keypoints=None):
    return Detection(box=np.array(box, np.float32), score=0.9, keypoints=keypoints)


@pytest.fixture(scope="module")
def dark():
    return np.random.default_rng(0).integers(30, 80, (90, 120, 3), dtype=np.uint8)


class Pictures:
    """Keeps what it sees; points are the middle of the box."""

    landmarks_origin = "detected"

    def __init__(self):
        self.seen = []

    def align(self, images, detections):
        self.seen += images
        return [
            np.array([np.tile((f.box[:2] + f.box[2:]) / 2, (68, 1)) for f in found], np.float32).reshape(-1, 68, 2)
            for found in detections
        ]


class Crops(Pictures):
    """Cuts out the boxes as they are, 16 pixels square; points are their corner and a bit."""

    crop_size = 16

    def cut(self, images, detections):
        pairs = [(image, f.box.astype(int)) for image, found in zip(images, detections, strict=True) for f in found]
        crops = [image[y : y + 16, x : x + 16] for image, (x, y, _, _) in pairs]
        matrices = [[[1, 0, -x], [0, 1, -y]] for _, (x, y, _, _) in pairs]
        return np.array(crops, np.uint8).reshape(-1, 16, 16, 3), np.array(matrices, float).reshape(-1, 2, 3)

    def align_crops(self, crops):
        self.seen += list(crops)
        return np.broadcast_to(np.float32(CORNER), (len(crops), 68, 2)).copy()


def test_each_method_does_what_it_is_called(dark):
    even = {how: even_out(dark, how) for how in METHODS}
    for channel in range(3):
        one = np.ascontiguousarray(dark[..., channel])
        np.testing.assert_array_equal(even["hist"][..., channel], cv2.equalizeHist(one))
        np.testing.assert_array_equal(even["clahe"][..., channel], cv2.createCLAHE(2.0, (4, 4)).apply(one))
        stretched = (one - float(one.min())) * 255 / (float(one.max()) - one.min())
        np.testing.assert_allclose(even["mean"][..., channel], stretched, atol=0.51)
    assert even["mean"].min() == 0
    assert even["mean"].max() == 255
    assert len({even[how].tobytes() for how in METHODS}) == 3
    assert even_out(dark, "none") is dark


@pytest.mark.parametrize("how", METHODS)
def test_flat_pictures_stay_pictures(how):
    for value in (0, 77, 255):
        flat = np.full((32, 40, 3), value, np.uint8)
        even = even_out(flat, how)
        assert (even.shape, even.dtype) == (flat.shape, np.uint8)
        assert len(np.unique(even)) == 1
        if how == "mean":
            np.testing.assert_array_equal(even, flat)


def test_nothing_asked_nothing_done():
    aligner = Pictures()
    assert evened(aligner, "none") is aligner


@pytest.mark.parametrize("how", METHODS)
def test_crops_are_evened_out_themselves(how, dark):
    """First pass and second: exactly the crop's own statistics, as Faceswap has them."""
    inner = Crops()
    aligner = evened(inner, how)
    assert isinstance(aligner, CropAligner)
    assert (aligner.crop_size, aligner.landmarks_origin) == (16, "detected")
    brighter, before = dark + np.uint8(90), dark.copy()
    found = aligner.align(
        [dark, dark, brighter], [[face((10, 20, 26, 36)), face((50, 5, 66, 21))], [], [face((3, 4, 19, 20))]]
    )
    assert [points.shape for points in found] == [(2, 68, 2), (0, 68, 2), (1, 68, 2)]
    np.testing.assert_array_equal(found[0][1], np.tile(CORNER + np.array([50, 5]), (68, 1)))
    np.testing.assert_array_equal(found[2][0], np.tile(CORNER + np.array([3, 4]), (68, 1)))
    for seen, crop in zip(inner.seen, (dark[20:36, 10:26], dark[5:21, 50:66], brighter[4:20, 3:19]), strict=True):
        np.testing.assert_array_equal(seen, even_out(crop, how))
    np.testing.assert_array_equal(dark, before)
    inner.seen.clear()
    aligner.align_crops(dark[None, :16, :16])
    np.testing.assert_array_equal(inner.seen, [even_out(dark[:16, :16], how)])
    np.testing.assert_array_equal(aligner.cut([dark], [[face((10, 20, 26, 36))]])[0], [dark[20:36, 10:26]])


def test_many_pictures_go_in_parts(dark):
    inner = Crops()
    found = evened(inner, "hist").align([dark] * 40, [[face((number, 2, number + 16, 18))] for number in range(40)])
    assert [float(points[0, 0, 0]) for points in found] == [number + 1.0 for number in range(40)]


@pytest.mark.parametrize("how", METHODS)
def test_others_get_the_surroundings_evened_out(how, dark):
    inner = Pictures()
    aligner = evened(inner, how)
    assert not isinstance(aligner, CropAligner)
    keypoints = np.full((5, 2), 40.0, np.float32)
    boxes = [(30, 30, 50, 60), (100, 70, 118, 88), (-300, -300, -200, -250)]
    found = aligner.align([dark, dark], [[face(boxes[0], keypoints), face(boxes[1])], [face(boxes[2])]])
    middles = [[np.mean(box[::2]), np.mean(box[1::2])] for box in boxes]
    np.testing.assert_allclose([*found[0][:, 0], found[1][0, 0]], middles)
    around = [dark[15:75, 10:70], dark[61:90, 91:120], dark]
    for seen, patch in zip(inner.seen, around, strict=True):
        np.testing.assert_array_equal(seen, even_out(patch, how))
    assert aligner.align([], []) == []
    assert [points.shape for points in aligner.align([dark, dark], [[], []])] == [(0, 68, 2)] * 2


def test_keypoints_go_along(dark):
    places = []

    class Keypoints(Pictures):
        def align(self, images, detections):
            places.extend(found[0].keypoints for found in detections)
            return super().align(images, detections)

    keypoints = np.arange(10, dtype=np.float32).reshape(5, 2) + 40
    evened(Keypoints(), "mean").align([dark], [[face((30, 30, 50, 60), keypoints)]])
    np.testing.assert_array_equal(places[0], keypoints - np.float32([10, 15]))


@pytest.mark.parametrize("box", [(31, 42, 31, 90), (1, 2, np.nan, 5)])
def test_the_aligner_names_bad_boxes_where_they_are(box, dark):
    class Strict(Pictures):
        def align(self, images, detections):
            raise ShapeError(str(detections[0][0].box.tolist()))

    with pytest.raises(ShapeError, match=str(float(box[0]))):
        evened(Strict(), "hist").align([dark], [[face(box)]])
