"""The weight files inside the installed `mtcnn` package (MIT licence), found and verified without importing it."""

from __future__ import annotations

import hashlib
import importlib.util
import io
from pathlib import Path
from typing import Any

import numpy.typing as npt

from fspp_core.errors import PluginError

# Of mtcnn 1.0.0. The files are pickles, so nothing else is ever opened.
_SHA256 = {
    "pnet": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    "rnet": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    "onet": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
}
_CURE = "install the one the weights are known from: pip install mtcnn==1.0.0"


def load_weights(name: str) -> list[npt.NDArray[Any]]:
    """The weights of one network, in the order of its layers: kernel, bias, slope of each.

    Args:
        name: "pnet", "rnet" or "onet".

    Raises:
        PluginError: when the package or the file is missing, or the file is not the known one.
    """
    path = _folder() / f"{name}.lz4"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PluginError(f"detector mtcnn: cannot read its weights {path}: {error.strerror}; {_CURE}") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != _SHA256[name]:
        raise PluginError(
            f"detector mtcnn: {path} has sha256 {digest[:16]}…, expected {_SHA256[name][:16]}…; "
            f"the installed mtcnn package is another version or damaged; {_CURE}"
        )
    import joblib
    import lz4.frame

    # Not left to joblib: from Python 3.13 on the file it opens complains when it is closed.
    weights: list[npt.NDArray[Any]] = joblib.load(io.BytesIO(lz4.frame.decompress(content)))
    return weights


def _folder() -> Path:
    spec = importlib.util.find_spec("mtcnn")  # a top-level name: nothing of the package runs
    if spec is None or not spec.submodule_search_locations:
        raise PluginError(f"detector mtcnn: the package mtcnn, which holds its weights, is not installed; {_CURE}")
    return Path(spec.submodule_search_locations[0]) / "assets" / "weights"
