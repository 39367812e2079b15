"""Everything that geometry promises is there, and the names of face types cost nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fspp_core import geometry


@pytest.mark.parametrize("name", geometry.__all__)
def test_names_resolve(name: str) -> None:
    assert getattr(geometry, name) is not None


def test_other_names_do_not() -> None:
    with pytest.raises(AttributeError, match="crop_matrices"):
        _ = geometry.crop_matrices


def test_face_types_are_listed_without_numpy_or_opencv() -> None:
    heavy = "{'numpy', 'cv2'} & set(sys.modules)"
    code = f"import sys; from fspp_core.geometry import FACE_TYPES; print(FACE_TYPES[0], {heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["half", "set()"]
