"""The same maps and the same boxes as DeepFaceLab's and face-alignment's own code gave."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from fspp_core.inference import Network
from fspp_detect_s3fd.boxes import Boxes, corners_of, decode, suppress
from fspp_detect_s3fd.detector import S3FDDetector
from fspp_detect_s3fd.network import MEAN, s3fd
from fspp_detect_s3fd.options import S3FDOptions

TOLERANCE = 1e-4  # relative L2 error of a map
BOX_PX = 0.01


def relative_error(ours, theirs):
    return np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)


def softmax(values):
    shares = np.exp(values - values.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


def assert_same_set(ours, theirs, tolerance):
    """Every box of one is a box of the other."""
    assert len(ours) == len(theirs)
    far = np.abs(ours[:, None] - theirs[None]).max(axis=2)
    assert far.min(axis=1).max() <= tolerance
    assert far.min(axis=0).max() <= tolerance
    assert len(set(far.argmin(axis=1).tolist())) == len(theirs)


@pytest.fixture(scope="module")
def networks(peer_weights):
    return {name: s3fd(peer_weights(name)[0]) for name in ("fa_s3fd", "dfl_s3fd")}


@pytest.fixture(scope="module")
def maps(engine, networks, golden, drawn):
    """The maps of each network for each recorded input, by the peer's name for the input; from every engine."""
    runs = {
        name: Network(lambda network=network: network, (None, None, None, 3), name=name, engine=engine)
        for name, network in networks.items()
    }
    given = {name: golden(name)[0]["inputs"] for name in networks}
    mean = np.array(MEAN, np.float32)
    pictures = {
        ("fa_s3fd", "net0"): drawn(given["fa_s3fd"]["net0"]).transpose(0, 2, 3, 1),
        ("fa_s3fd", "net1"): drawn(given["fa_s3fd"]["net1"]).transpose(0, 2, 3, 1),
        ("fa_s3fd", "img0"): drawn(given["fa_s3fd"]["img0"]).transpose(0, 2, 3, 1)[..., ::-1] - mean,
        ("fa_s3fd", "img1"): drawn(given["fa_s3fd"]["img1"]).transpose(0, 2, 3, 1)[..., ::-1] - mean,
        ("dfl_s3fd", "in0"): drawn(given["dfl_s3fd"]["in0"]) - mean,
        ("dfl_s3fd", "in1"): drawn(given["dfl_s3fd"]["in1"]) - mean,
    }
    return {key: runs[key[0]](picture) for key, picture in pictures.items()}


@pytest.mark.parametrize("level", range(1, 7))
@pytest.mark.parametrize("name", ["net0", "net1"])
def test_maps_of_face_alignment(maps, golden, name, level):
    stored = golden("fa_s3fd")[1]
    ours = maps["fa_s3fd", name][2 * level - 2 : 2 * level]
    for kind, values in zip(("cls", "reg"), ours, strict=True):
        theirs = stored[f"{name}_{kind}{level}"].transpose(0, 2, 3, 1)
        assert values.shape == theirs.shape
        assert relative_error(values, theirs) < TOLERANCE


@pytest.mark.parametrize("level", range(1, 7))
@pytest.mark.parametrize("name", ["in0", "in1"])
def test_maps_of_deepfacelab(maps, golden, name, level):
    stored = golden("dfl_s3fd")[1]
    scores, offsets = maps["dfl_s3fd", name][2 * level - 2 : 2 * level]
    assert relative_error(softmax(scores), stored[f"{name}_cls{level}"]) < TOLERANCE
    assert relative_error(offsets, stored[f"{name}_reg{level}"]) < TOLERANCE


def test_bfloat16_moves_boxes_little(engine, networks, peer_weights, golden, drawn):
    """Of every cell, face or not: edges by less than a hundredth of the box, scores by less than a hundredth."""
    picture = drawn(golden("dfl_s3fd")[0]["inputs"]["in0"]) - np.array(MEAN, np.float32)
    tensors = peer_weights("dfl_s3fd")[0]
    rounded = Network(lambda: s3fd(tensors), (None, None, None, 3), name="s3fd", engine=engine, precision="bf16")
    ours, exact = decode(rounded(picture), 0), decode(networks["dfl_s3fd"].predict_on_batch(picture), 0)
    sides = (exact.corners[:, 2:] - exact.corners[:, :2]).max(axis=1, keepdims=True)
    moved = np.abs(ours.corners - exact.corners) / sides
    assert 0 < moved.max() < 0.01
    assert np.abs(ours.scores - exact.scores).max() < 0.01


def test_candidates_of_face_alignment(maps, golden):
    stored = golden("fa_s3fd")[1]["img0_candidates"][0]
    ours = decode(maps["fa_s3fd", "img0"], 0.05)
    assert len(ours) == len(stored)
    np.testing.assert_allclose(ours.corners, stored[:, :4], rtol=0, atol=BOX_PX)
    np.testing.assert_allclose(ours.scores, stored[:, 4], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("name", "pictures"), [("img0", 1), ("img1", 2)])
@pytest.mark.parametrize("threshold", [0.5, 0.7])
@pytest.mark.parametrize("early", [False, True], ids=["all candidates", "sure ones only"])
def test_boxes_of_face_alignment(maps, golden, name, pictures, threshold, early):
    """Leaving the unsure out first changes nothing: they only ever take the place of those less sure still."""
    stored = golden("fa_s3fd")[1]
    boxes = suppress(decode(maps["fa_s3fd", name], threshold if early else 0.05), 0.3)
    for picture in range(pictures):
        ours = boxes[(boxes.picture == picture) & (boxes.scores > threshold)]
        theirs = stored[f"{name}_b{picture}_thr{threshold}"]
        np.testing.assert_allclose(ours.scores, theirs[:, 4], rtol=0, atol=1e-5)
        assert_same_set(ours.corners, theirs[:, :4], BOX_PX)


@pytest.mark.parametrize(("name", "pictures"), [("in0", 1), ("in1", 2)])
def test_boxes_of_deepfacelab(maps, golden, name, pictures):
    boxes = suppress(decode(maps["dfl_s3fd", name], 0.5), 0.3)
    for picture in range(pictures):
        ours = boxes.corners[boxes.picture == picture]
        assert_same_set(np.trunc(ours), golden("dfl_s3fd")[1][f"{name}_refine_b{picture}"], 1)


def test_decoding_and_suppression_alone(golden, drawn):
    facts, stored = golden("fa_s3fd")
    offsets, priors, scores = (drawn(facts["inputs"][name]) for name in ("loc", "priors", "scores"))
    corners = corners_of(priors[:, :2], priors[:, 2:], offsets)
    np.testing.assert_allclose(corners, stored["decode"], rtol=1e-5, atol=1e-4)
    boxes = Boxes(picture=np.zeros(50, np.intp), corners=corners, scores=scores[:, 0])
    for threshold in (0.3, 0.05):
        kept = suppress(boxes, threshold)
        np.testing.assert_array_equal(kept.corners, corners[stored[f"nms_keep_{threshold}"]])


def test_detecting_as_face_alignment(peer_weights, golden, drawn):
    facts, stored = golden("fa_s3fd")
    picture = drawn(facts["inputs"]["u8"])
    options = S3FDOptions(confidence=0.6, input_side=192, min_face=1)
    [found] = S3FDDetector(options, {"s3fd": peer_weights("fa_s3fd")[1]}).detect([picture[..., ::-1]])
    theirs = stored["u8_detect_from_image_thr0.6"]
    limits = np.array([192, 160, 192, 160])
    clipped = np.clip(theirs[:, :4], 0, limits)
    shown = (clipped[:, 2:] > clipped[:, :2]).all(axis=1) & ((theirs[:, 2:4] - theirs[:, :2]).min(axis=1) >= 1)
    assert_same_set(np.array([face.box for face in found]), clipped[shown], BOX_PX)


def test_extracting_as_deepfacelab(peer_weights, golden, drawn):
    """Theirs are cut to whole pixels of the scaled frame, toward zero: edges move by less than two pixels."""
    facts, stored = golden("dfl_s3fd")
    rule = facts["inputs"]["extract_image"]
    base, noise = drawn(rule["base"]), drawn(rule["noise"])
    picture = np.clip(base.repeat(20, 0).repeat(20, 1).astype(np.int32) + noise, 0, 255).astype(np.uint8)
    assert zlib.crc32(picture.tobytes()) == rule["crc32"]

    def found(min_face):
        options = S3FDOptions(min_face=min_face, extend_bottom=0.1, input_rule="deepfacelab", channel_order="rgb")
        [faces] = S3FDDetector(options, {"s3fd": peer_weights("dfl_s3fd")[1]}).detect([picture])
        return np.array([face.box for face in faces])

    def all_within(boxes, others):
        """Bottoms stray most: by the cut of both ends of the height, a tenth of it, and a cut to whole pixels."""
        far = np.abs(boxes[:, None] - others[None]) <= (2, 2, 2, 2 + 0.4 + 1)
        return far.all(axis=2).any(axis=1).all()

    theirs = np.clip(stored["extract_rects"], 0, [420, 300, 420, 300])
    outside = (theirs[:, 2:] <= theirs[:, :2]).any(axis=1)
    assert (len(theirs), outside.sum()) == (109, 5)
    surely, perhaps = found(44), found(36)
    assert len(surely) <= len(theirs) - 5 <= len(perhaps)
    assert all_within(surely, theirs)
    assert all_within(theirs[~outside], perhaps)
