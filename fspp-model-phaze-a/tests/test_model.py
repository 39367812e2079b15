"""The ways faces go, the presets, and that a small one learns two faces."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fspp_core.errors import ConfigError
from fspp_core.models import CheckpointStore, open_model
from fspp_core.options import options_dict, parse_options
from fspp_core.registry import load_registry
from fspp_model_phaze_a.model import PhazeA
from fspp_model_phaze_a.options import PhazeAOptions

Small = Callable[..., PhazeA]
FACES = np.random.default_rng(1).uniform(size=(2, 32, 32, 3)).astype(np.float32)
PRESETS = sorted(f.name.removesuffix(".json") for f in (resources.files("fspp_model_phaze_a") / "presets").iterdir())


def join(*maps: Any) -> Any:
    return keras.ops.concatenate(maps, axis=-1)


def check(model: PhazeA, side: str, small_map: Any, decoder: str) -> None:
    faces = model.swap(FACES)[0] if side == "swap" else model.reconstruct(side, FACES)[0]  # type: ignore[arg-type]
    np.testing.assert_allclose(faces, model.parts[decoder](small_map), atol=1e-6)


def test_one_network_of_hidden_layers_two_decoders(small: Small) -> None:
    model = small()
    assert list(model.parts) == ["encoder", "fc_both", "decoder_source", "decoder_target"]
    shown = model.parts["fc_both"](model.parts["encoder"](FACES))
    check(model, "source", shown, "decoder_source")
    check(model, "target", shown, "decoder_target")
    check(model, "swap", shown, "decoder_source")


def test_two_networks_of_hidden_layers_one_decoder(small: Small) -> None:
    model = small(split_fc=True, split_decoders=False)
    assert list(model.parts) == ["encoder", "fc_source", "fc_target", "decoder_both"]
    code = model.parts["encoder"](FACES)
    check(model, "source", model.parts["fc_source"](code), "decoder_both")
    check(model, "target", model.parts["fc_target"](code), "decoder_both")
    check(model, "swap", model.parts["fc_source"](code), "decoder_both")


def test_iae(small: Small) -> None:
    model = small(split_fc=True, split_decoders=False, shared_fc="full", bottleneck_in_encoder=False)
    assert list(model.parts) == ["encoder", "fc_source", "fc_target", "fc_shared", "decoder_both"]
    code = model.parts["encoder"](FACES)
    assert code.shape == (2, 4, 4, 16), "the bottleneck belongs to the hidden layers"
    source, target, shared = (model.parts[f"fc_{name}"](code) for name in ("source", "target", "shared"))
    check(model, "source", join(source, shared), "decoder_both")
    check(model, "target", join(target, shared), "decoder_both")
    check(model, "swap", join(source, shared), "decoder_both")


def test_liae(small: Small) -> None:
    model = small(split_fc=True, split_decoders=False, shared_fc="half")
    assert list(model.parts) == ["encoder", "fc_source", "fc_target", "decoder_both"]
    code = model.parts["encoder"](FACES)
    source, target = (model.parts[f"fc_{name}"](code) for name in ("source", "target"))
    check(model, "source", join(source, target), "decoder_both")
    check(model, "target", join(target, target), "decoder_both")
    check(model, "swap", join(source, target), "decoder_both")


def test_half_without_a_split_doubles_the_common_layers(small: Small) -> None:
    model = small(shared_fc="half")
    common = model.parts["fc_both"](model.parts["encoder"](FACES))
    check(model, "source", join(common, common), "decoder_source")


def test_sides_that_cannot_differ_are_refused(small: Small) -> None:
    with pytest.raises(ConfigError, match="split_decoders"):
        small(split_fc=False, split_decoders=False)


def test_presets_are_there() -> None:
    assert PRESETS == ["demo", "lightweight", "original"]
    assert load_registry().presets("model", "phaze-a") == PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_presets_fit_the_schema_and_name_every_option(name: str) -> None:
    text = (resources.files("fspp_model_phaze_a") / "presets" / f"{name}.json").read_text(encoding="utf-8")
    values = json.loads(text)
    assert options_dict(parse_options(PhazeAOptions, values)) == values, "later defaults must not change a preset"


@pytest.mark.parametrize(
    ("preset", "parts"),
    [
        # encoder: 3-128-256-512-1024 with 5x5, dense 16384-1024; hidden: 1024-16384, 3x3 1024-2048;
        # decoders: 3x3 512-1024, 256-512, 128-256, 5x5 64-3
        ("original", {"encoder": 33992960, "fc_both": 35670016, "decoder_source": 6199747, "decoder_target": 6199747}),
        ("lightweight", {"encoder": 20884224, "fc_both": 8922112, "decoder_source": 10630019,
                         "decoder_target": 10630019}),
    ],
)  # fmt: skip
def test_parameter_counts_equal_the_peers(preset: str, parts: dict[str, int]) -> None:
    model = load_registry().build("model", "phaze-a", preset=preset)
    assert (model.input_size, model.output_size, model.channel_order) == (64, 64, "bgr")
    counts = {name: part.count_params() for name, part in model.parts.items()}
    assert counts == parts
    assert sum(counts.values()) == {"original": 82_062_470, "lightweight": 51_066_374}[preset]


def test_the_demo_preset_is_small() -> None:
    model = load_registry().build("model", "phaze-a", preset="demo")
    assert model.output_size == 64
    assert 1_000_000 < sum(part.count_params() for part in model.parts.values()) < 4_000_000


def test_a_small_one_learns_two_faces_and_swaps_them(small: Small, astronaut: np.ndarray, hopper: np.ndarray) -> None:
    """Few steps on two real faces: each side is rebuilt as itself, and a swap comes out nearer to the source."""
    model = small(enc_scaling=3, output_size=32, fs_original_min_filters=16, fs_original_max_filters=64,
                  bottleneck_size=64, fc_depth=1, fc_min_filters=32, fc_dimensions=4, dec_min_filters=16,
                  dec_res_blocks=0)  # fmt: skip
    target = shrink(astronaut[60:188, 160:288])
    source = shrink(hopper[140:332, 168:360])
    inputs = {side: keras.Input((32, 32, 3)) for side in ("source", "target")}
    outputs = [model.reconstruct(side, faces)[0] for side, faces in inputs.items()]  # type: ignore[arg-type]
    trainer = keras.Model(list(inputs.values()), outputs)
    trainer.compile(keras.optimizers.Adam(2e-3), loss=["mae", "mae"])
    random = np.random.default_rng(0)
    for _ in range(120):
        truth = [shifted(face, random) for face in (source, target)]
        trainer.train_on_batch([noisy(batch, random) for batch in truth], truth)
    swapped = np.asarray(model.swap(target[None])[0])[0]
    rebuilt = np.asarray(model.reconstruct("target", target[None])[0])[0]
    assert np.abs(rebuilt - target).mean() < 0.08
    assert np.abs(swapped - source).mean() < 0.7 * np.abs(swapped - target).mean()


def shrink(face: np.ndarray) -> np.ndarray:
    side = face.shape[0] // 32
    return face.reshape(32, side, 32, side, 3).mean((1, 3)).astype(np.float32) / 255


def shifted(face: np.ndarray, random: np.random.Generator) -> np.ndarray:
    moves = random.integers(-2, 3, (8, 2))
    return np.stack([np.roll(face, tuple(move), (0, 1)) for move in moves])


def noisy(faces: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return (faces + random.normal(0, 0.05, faces.shape)).astype(np.float32)


def test_dropout_and_noise_go_on_where_they_stood(small: Small) -> None:
    """What a resumed training puts back is enough for the same random numbers."""
    from fspp_core.models.randomness import random_state, restore_random_state

    def forward(model: PhazeA) -> np.ndarray:
        code = model.parts["encoder"](FACES)
        return np.asarray(model.parts["decoder_source"](model.parts["fc_both"](code, training=True), training=True))

    first, resumed = (small(fc_dropout=0.3, dec_gaussian=True) for _ in range(2))
    early = forward(first)
    state = random_state(first)
    later = forward(first)
    assert np.abs(early - later).max() > 0
    restore_random_state(resumed, state)
    np.testing.assert_array_equal(forward(resumed), later)


def test_the_readme_example() -> None:
    model = load_registry().build("model", "phaze-a", {"learn_mask": True}, preset="demo")
    faces, masks = model.swap(np.zeros((3, 64, 64, 3), np.float32))
    assert (faces.shape, masks.shape) == ((3, 64, 64, 3), (3, 64, 64, 1))


def test_a_saved_model_is_opened_with_its_own_options(small: Small, tmp_path: Path) -> None:
    model = small(learn_mask=True, dec_filters=[16, 16, 8, 8])
    CheckpointStore(tmp_path).save(
        step=3,
        model_name="phaze-a",
        model_options=options_dict(model.options),
        owner={"distribution": "fspp-model-phaze-a", "version": "0"},
        parts=model.parts,
        optimizer={},
        state={"face_type": "full"},
        keep=1,
    )
    opened, checkpoint = open_model(tmp_path, load_registry())
    assert (checkpoint.step, checkpoint.state) == (3, {"face_type": "full"})
    assert opened.options == model.options
    for mine, theirs in zip(model.swap(FACES), opened.swap(FACES), strict=True):
        np.testing.assert_array_equal(mine, theirs)
