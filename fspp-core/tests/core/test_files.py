"""Files appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from fspp_core.files import atomic_path, atomic_write, long_path, remove_leftovers


def test_text_and_bytes_arrive_as_they_are(tmp_path: Path) -> None:
    atomic_write(tmp_path / "a" / "text.txt", "größe\r\n中文\n")
    assert (tmp_path / "a" / "text.txt").read_bytes() == "größe\r\n中文\n".encode()
    atomic_write(tmp_path / "raw.bin", b"\x00\xff")
    assert (tmp_path / "raw.bin").read_bytes() == b"\x00\xff"


def test_an_error_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "kept.txt"
    atomic_write(target, "old")
    seen = []

    def fail_halfway() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            seen.append((temporary, target.read_text()))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail_halfway()
    [(temporary, meanwhile)] = seen
    assert (temporary.parent, temporary.suffix, meanwhile) == (tmp_path, ".txt", "old")
    assert [p.name for p in tmp_path.iterdir()] == ["kept.txt"]
    assert target.read_text() == "old"


def test_a_block_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "never.txt"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stem", ["中文 ünï 🎭", "x" * 250, "界" * 83])
def test_names_near_the_limit_and_beyond_ascii(tmp_path: Path, stem: str) -> None:
    atomic_write(tmp_path / f"{stem}.png", b"data")
    assert (tmp_path / f"{stem}.png").read_bytes() == b"data"


def test_deep_folders_are_made(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*(["folder name of forty characters, or so"] * 8)) / "file.txt"
    assert len(str(deep)) > 300
    atomic_write(deep, "there")
    assert long_path(deep).read_text() == "there"


def test_leftovers_of_killed_runs_go_and_nothing_else(tmp_path: Path) -> None:
    names = []
    for name in ("a.png", "b.png", "x" * 250 + ".png"):
        guard = atomic_path(tmp_path / name)
        temporary = guard.__enter__()
        temporary.touch()
        names.append(temporary.name)
        del guard
    kept = [
        ".hidden.png",
        "a.png",
        ".a.part.png",
        ".a.12345678.parts.png",
        ".a.12345678.part.jpg",
        "a.12345678.part.png",
    ]
    for name in [*kept, *names]:
        (tmp_path / name).touch()
    remove_leftovers(tmp_path, "a.png")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*kept, *names[1:]])
    remove_leftovers(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(set(kept) - {".a.12345678.part.jpg"})
    remove_leftovers(tmp_path / "absent")
