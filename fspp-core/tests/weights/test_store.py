"""Stored weights through the registry and `fspp weights`: missing, imported, used, damaged."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from fspp_core.cli import main
from fspp_core.errors import WeightsError
from fspp_core.registry import load_registry
from fspp_core.specs import ComponentSpec, WeightFile
from fspp_core.testing.run import run_checks
from fspp_core.weights import catalogue, import_weights, read_published
from fspp_core.weights.store import WeightStore, default_folder
from fspp_core.weights.tensors import read_tensors
from fspp_core.weights.wanted import chosen, recognised

PLUGIN = Path(__file__).with_name("toy_weights.py")


@pytest.fixture
def registry(store):
    return load_registry(plugin_files=[PLUGIN])


@pytest.fixture
def file(registry):
    return registry.spec("detector", "toy").weights[0]


@pytest.fixture
def published(writers, tensors, tmp_path):
    return writers["torch"](tmp_path / "toy-0a1b2c3d.pth", tensors)


def said(capsys, *words, code=0):
    assert main(["--plugin", str(PLUGIN), *words]) == code
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_component_gets_the_paths_of_its_weights(registry, file, published, store, tensors):
    record = import_weights(published, file, store)
    assert (record.converted_by, record.tensors, record.as_published) == (file.convert, 1, False)
    built = registry.build("detector", "toy")
    assert built.weights == {"toy-net": store.path("toy-net")}
    kernel = read_tensors(built.weights["toy-net"])["kernel"]
    np.testing.assert_array_equal(kernel, tensors["conv.weight"].transpose(2, 3, 1, 0))


def test_missing_weights_say_where_and_how(registry, store):
    with pytest.raises(WeightsError) as caught:
        registry.build("detector", "toy")
    for words in (
        "'toy-net'",
        str(store.path("toy-net")),
        "fspp weights fetch toy-net",
        "import FILE --as toy-net",
        "MIT",
    ):
        assert words in str(caught.value)
    assert "while building detector 'toy'" in caught.value.__notes__[0]


def test_kit_skips_what_has_no_weights_and_names_them(registry):
    results = run_checks(registry, str(PLUGIN), plugin_files=[PLUGIN])
    assert [result for result in results if result.outcome == "failed"] == []
    skipped = {result.check for result in results if "fspp weights fetch toy-net" in (result.message or "")}
    assert "builds with defaults" in skipped
    assert len(skipped) > 5


def test_cut_weights_are_not_handed_out(registry, file, published, store):
    import_weights(published, file, store)
    whole = store.path("toy-net").read_bytes()
    store.path("toy-net").write_bytes(whole[:-4])
    with pytest.raises(WeightsError, match=f"{len(whole)} bytes expected, got {len(whole) - 4}; get them again"):
        registry.build("detector", "toy")
    store.path("toy-net").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(WeightsError, match=r"SHA-256 expected \w{64}, got \w{64}"):
        store.verify(file)


def test_failed_import_changes_nothing(file, published, store, writers, tmp_path):
    before = import_weights(published, file, store)
    other = writers["torch"](tmp_path / "other.pth", {"fc": np.zeros(3, np.float32)})
    with pytest.raises(WeightsError, match=r"is not the weights 'toy-net': conv.weight is not in it, but fc"):
        import_weights(other, file, store)
    assert store.verify(file) == before
    assert sorted(p.name for p in store.folder.iterdir()) == [".toy-net.lock", "toy-net.json", "toy-net.safetensors"]


def test_failing_conversion_is_the_plugins_fault(published, store, file):
    for convert, reason in [("json:loads", "fails on it: TypeError"), ("builtins:len", "must return a dict of arrays")]:
        odd = WeightFile(name="x", urls=(), sha256="", size=None, licence="?", source="?", convert=convert)
        with pytest.raises(WeightsError, match=reason):
            import_weights(published, odd, store)
    assert not store.has("x")


def test_weights_of_another_store_are_taken_as_they_are(file, published, store, tmp_path):
    import_weights(published, file, store)
    second = WeightStore(tmp_path / "second")
    record = import_weights(store.path("toy-net"), file, second)
    assert record.published_format == "safetensors of another store"
    assert second.path("toy-net").read_bytes() == store.path("toy-net").read_bytes()
    assert set(read_published(second.path("toy-net"))[1]) == {"kernel"}


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a\\b", ".hidden", "c:x", "a\0"])
def test_names_cannot_lead_out_of_the_store(name, store):
    with pytest.raises(WeightsError, match="plain file name"):
        store.path(name)


def test_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("FSPP_WEIGHTS_DIR", str(tmp_path))
    assert default_folder() == tmp_path
    monkeypatch.delenv("FSPP_WEIGHTS_DIR")
    assert default_folder().name == "weights"
    assert "fspp" in default_folder().parts
    assert WeightStore().path("s3fd.safetensors").name == WeightStore().path("s3fd").name == "s3fd.safetensors"


def test_damaged_record_is_named(file, published, store):
    import_weights(published, file, store)
    for content in ("{", "[]", "{}"):
        store.record_path("toy-net").write_text(content, encoding="utf-8")
        with pytest.raises(WeightsError, match="record of 'toy-net' is missing or damaged"):
            store.verify(file)


def _spec(component, **weights):
    values = {"name": "w", "urls": (), "sha256": "", "size": None, "licence": "?", "source": "?"}
    file = WeightFile(**{**values, **weights})
    return ComponentSpec(kind="detector", name=component, summary="x", factory="x:X", weights=(file,))


def test_one_name_means_one_file():
    assert catalogue([_spec("a"), _spec("b")])["w"].components == ("detector a", "detector b")
    with pytest.raises(WeightsError, match="detector b and detector a mean different files by the weights 'w'"):
        catalogue([_spec("a"), _spec("b", size=3)])


def test_files_are_recognised_by_digest_then_by_name():
    known = catalogue(
        [_spec("a", name="one", sha256="aa11"), _spec("b", name="two", urls=("https://x.org/d/2.pth?raw=1",))]
    )
    assert recognised(known, Path("x.pth"), "aa11ff").name == "one"
    assert recognised(known, Path("2.pth"), "bb").name == "two"
    assert recognised(known, Path("One.npy"), "bb").name == "one"
    assert (
        recognised(catalogue([_spec("a", name="s3fd.safetensors")]), Path("S3FD.npy"), "bb").name == "s3fd.safetensors"
    )
    assert recognised(known, Path("x.pth"), "bb") is None
    assert [f.name for f in chosen(known, ["two", "a", "one"])] == ["two", "one"]
    with pytest.raises(WeightsError, match="did you mean two"):
        chosen(known, ["twoo"])


def test_commands_from_missing_to_verified(capsys, store, published):
    assert re.search("toy-net +missing", said(capsys, "weights", "list"))
    assert "fspp weights fetch toy" in said(capsys, "plugins", "show", "toy")
    assert said(capsys, "weights", "where").strip() == str(store.folder)
    assert said(capsys, "weights", "where", "toy").strip() == str(store.path("toy-net"))
    assert "toy-net: missing" in said(capsys, "weights", "verify")
    assert "are not at" in said(capsys, "weights", "verify", "toy-net", code=1)
    assert "network is not to be used" in said(capsys, "weights", "fetch", "toy", "--offline", code=1)
    out = said(capsys, "weights", "import", str(published))
    assert "toy-net: 1 tensors from torch, another edition" in out
    assert "MIT" in out
    [row] = [r for r in json.loads(said(capsys, "weights", "list", "--json")) if r["name"] == "toy-net"]
    assert (row["present"], row["components"]) == (True, ["detector toy"])
    [entry] = json.loads(said(capsys, "plugins", "show", "toy", "--json"))
    assert entry["weights"][0]["present"] is True
    assert "toy-net: whole, SHA-256" in said(capsys, "weights", "verify")
    assert str(store.path("toy-net")) in said(capsys, "weights", "fetch", "toy", "--offline")


def test_commands_say_what_they_need(capsys, store, published, tmp_path):
    assert "say --all" in said(capsys, "weights", "fetch", code=2)
    assert "no installed component wants" in said(capsys, "weights", "fetch", "nonsense", code=1)
    odd = published.rename(tmp_path / "unknown.bin")
    assert "say --as NAME, one of: " in said(capsys, "weights", "import", str(odd), code=2)
    assert "toy-net: 1 tensors" in said(capsys, "weights", "import", str(odd), "--as", "toy-net")
    assert "cannot be read" in said(capsys, "weights", "import", str(tmp_path / "none"), code=1)


def test_doctor_has_a_line_for_weights(store, registry, file, published):
    from fspp_core.cli.checkup import _weights

    [finding] = [f for f in _weights(registry) if f.subject == "toy-net"]
    assert (finding.state, "fspp weights fetch toy-net" in finding.remedy) == ("note", True)
    import_weights(published, file, store)
    assert [f.state for f in _weights(registry) if f.subject == "toy-net"] == ["ok"]
    store.path("toy-net").write_bytes(b"")
    [finding] = [f for f in _weights(registry) if f.subject == "toy-net"]
    assert (finding.state, "fetch --force toy-net" in finding.remedy) == ("problem", True)


def test_component_without_weights_is_built_as_before(registry):
    assert registry.build("scheduler", "constant").factor(0, 1) is not None
