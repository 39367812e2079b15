"""The aligner from pictures to points: DeepFaceLab's, one by one and averaged, in batches of few sizes."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from fspp_align_fan.aligner import FANAligner
from fspp_align_fan.options import FANOptions
from fspp_align_fan.weights import convert
from fspp_core.errors import PluginError, ShapeError
from fspp_core.extraction.alignment.second_pass import five_looks
from fspp_core.geometry.affine import untransform_each
from fspp_core.types import Detection

RECTS = np.array([[90, 60, 230, 240], [-20, -10, 120, 150], [200, 100, 420, 330]], np.float32)


def found(boxes):
    return [Detection(box=box, score=0.9) for box in boxes]


@pytest.fixture(scope="module")
def aligner(weights_file):
    return FANAligner(FANOptions(batch_size=8), {"2DFAN4": weights_file})


@pytest.fixture(scope="module")
def one_stack(weights_file):
    return FANAligner(FANOptions(stacks=1, batch_size=4), {"2DFAN4": weights_file})


def test_points_equal_deepfacelab(aligner, deepfacelab):
    """Its single pass, and its five crops a pixel apart, averaged, which are one call here."""
    image = deepfacelab.made("image")
    assert deepfacelab.outputs["extract_pts"]["rects"] == RECTS.tolist()
    [points] = aligner.align([image], [found(RECTS)])
    mean = five_looks(aligner, [image] * 3, found(RECTS))
    single, averaged = deepfacelab.arrays["extract_pts"], deepfacelab.arrays["extract_pts_ms"]
    # Maps of random weights may have two cells all but equally high; a pixel of the crop may differ by a level.
    assert (np.abs(points - single) < 1e-3).all(axis=-1).mean() > 0.99
    assert (np.abs(mean - averaged) < 1e-3).all(axis=-1).mean() > 0.97


def test_pictures_without_faces(one_stack):
    pictures = [np.zeros((40, 50, 3), np.uint8), np.zeros((300, 200, 3), np.uint8), np.zeros((30, 30, 3), np.uint8)]
    none, some, last = one_stack.align(pictures, [[], found(RECTS[:2]), []])
    assert (none.shape, some.shape, last.shape) == ((0, 68, 2), (2, 68, 2), (0, 68, 2))
    assert one_stack.align([], []) == []


def test_batches_have_few_sizes_and_no_padding(one_stack, deepfacelab, monkeypatch):
    sizes = []
    run = one_stack._network

    def watched(batch):
        sizes.append(len(batch))
        return run(batch)

    monkeypatch.setattr(one_stack, "_network", watched)
    image = deepfacelab.made("image")
    boxes = np.concatenate([RECTS, RECTS + 7, RECTS + 3, RECTS - 5])[:11]
    together = np.concatenate(one_stack.align([image, image], [found(boxes[:4]), found(boxes[4:])]))
    assert sizes == [4, 4, 2, 1]
    for number in (0, 5, 10):
        [[alone]] = one_stack.align([image], [found(boxes[number : number + 1])])
        assert (np.abs(alone - together[number]) < 1e-3).all(axis=-1).mean() > 0.95


def test_second_pass_on_crops(one_stack, astronaut):
    """A crop that is the whole square gives the cells of its maps, four pixels each."""
    crops = np.ascontiguousarray(np.stack([astronaut[:256, 100:356], astronaut[50:306, 90:346]]))
    points = one_stack.align_crops(crops)
    [maps] = one_stack._network(crops.astype(np.float32))
    row, column = np.divmod(maps.reshape(2, 68, -1).argmax(-1), 64)
    assert points.dtype == np.float32
    assert (np.abs(points - 4 * (np.stack([column, row], -1) + 0.5)) <= 1).all()
    assert one_stack.align_crops(crops[:0]).shape == (0, 68, 2)
    with pytest.raises(ShapeError, match=r"\(n, 256, 256, 3\) uint8; received \(2, 256, 100, 3\)"):
        one_stack.align_crops(crops[:, :, :100])


def test_faces_are_cut_out_as_they_are_aligned(one_stack, deepfacelab):
    image = deepfacelab.made("image")
    crops, matrices = one_stack.cut([image, image, image], [found(RECTS[:2]), [], found(RECTS[2:])])
    difference = np.abs(crops[:, 3::8, 3::8, ::-1].astype(int) - deepfacelab.arrays["crops_sub8"])
    assert difference.max() <= 1
    [whole] = one_stack.align([image], [found(RECTS)])
    back = untransform_each(one_stack.align_crops(crops), matrices)
    assert (np.abs(back - whole) < 1e-3).all(axis=-1).mean() > 0.99
    none, no_matrices = one_stack.cut([image], [[]])
    assert (none.shape, no_matrices.shape) == ((0, 256, 256, 3), (0, 2, 3))


def test_flip_gives_a_mirrored_face_mirrored_landmarks(weights_file, astronaut):
    from fspp_core.geometry import mirror

    steady = FANAligner(FANOptions(stacks=1, flip=True), {"2DFAN4": weights_file})
    crop = np.ascontiguousarray(astronaut[:256, 100:356])
    one, other = steady.align_crops(np.stack([crop, crop[:, ::-1]]))
    same = np.abs(mirror(other, 257) - one) < 1e-3  # the square is 256 wide, from 0 to 256
    assert same.all(axis=-1).mean() > 0.95


def test_engines_find_the_same_points(engine, one_stack, weights_file, astronaut, monkeypatch, tmp_path):
    monkeypatch.setenv("FSPP_CACHE_DIR", str(tmp_path))
    other = FANAligner(FANOptions(stacks=1, engine=engine), {"2DFAN4": weights_file})
    crops = astronaut[None, :256, 100:356]
    assert (np.abs(other.align_crops(crops) - one_stack.align_crops(crops)) < 1e-3).all(axis=-1).mean() > 0.95
    assert [path.name[:4] for path in tmp_path.rglob("*.npz")] == ["fan-"] * (engine == "openvino")


def test_wrong_input_is_named(one_stack, weights_file):
    with pytest.raises(ShapeError, match="2 pictures and detections of 1"):
        one_stack.align([np.zeros((9, 9, 3), np.uint8)] * 2, [[]])
    with pytest.raises(ShapeError, match="picture 0 must be"):
        one_stack.align([np.zeros((9, 9), np.uint8)], [[]])
    with pytest.raises(PluginError, match="needs one file of weights; received 0"):
        FANAligner(FANOptions(), {})


def test_damaged_weights_are_told(deepfacelab, tmp_path):
    tensors = convert(deepfacelab.weights)
    path = tmp_path / "2DFAN4.safetensors"
    save_file({**tensors, "l0.bias": np.full(68, np.nan, np.float32)}, path)
    with pytest.raises(PluginError, match=r"2DFAN4.*: l0\.bias is not finite"):
        FANAligner(FANOptions(stacks=1), {"2DFAN4": path})
    save_file({**tensors, "l0.weight": np.full((1, 1, 256, 68), 3e38, np.float32)}, path)
    overflowing = FANAligner(FANOptions(stacks=1), {"2DFAN4": path})
    with pytest.raises(ShapeError, match="fan gave values that are not finite"):
        overflowing.align_crops(np.zeros((1, 256, 256, 3), np.uint8))
