"""Folders kept to one run: by another process too, and without a trace where nothing was made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from fspp_core.errors import BusyError
from fspp_core.locking import exclusive


def test_another_process_is_kept_out_until_the_block_ends(
    tmp_path: Path, run_python: Callable[..., CompletedProcess[str]]
) -> None:
    code = (
        "from pathlib import Path\nfrom fspp_core.locking import exclusive\n"
        f"with exclusive(Path({str(tmp_path)!r})): pass"
    )
    with exclusive(tmp_path):
        refused = run_python("-c", code)
    assert "BusyError" in refused.stderr
    assert str(tmp_path) in refused.stderr
    assert run_python("-c", code).returncode == 0


def test_a_folder_in_which_nothing_was_made_is_taken_away(tmp_path: Path) -> None:
    with exclusive(tmp_path / "new"):
        assert (tmp_path / "new").is_dir()
    assert not (tmp_path / "new").exists()


def test_a_folder_with_work_in_it_stays_even_after_an_error(tmp_path: Path) -> None:
    def fail() -> None:
        (tmp_path / "new" / "work").write_text("done")
        raise RuntimeError("later")

    with pytest.raises(RuntimeError, match="later"), exclusive(tmp_path / "new"):
        fail()
    assert (tmp_path / "new" / "work").read_text() == "done"


def test_a_second_opening_in_one_process_is_refused(tmp_path: Path) -> None:
    with exclusive(tmp_path), pytest.raises(BusyError, match="another run"), exclusive(tmp_path):
        pass
