"""The extraction against the procedure DeepFaceLab follows: same frames, same weights, same faces; and its switches.

`python benchmarks/extract.py [--quick] [--frames N]`. Both sides run the same networks with the same weights and get
the same boxes, so that only the procedure differs; see `deepfacelab_baseline.py` and `extract_material.py`.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
from pathlib import Path
from unittest import mock

from ratio import Comparison


def main(*, quick: bool = False, frames: int | None = None) -> list[Comparison]:
    """Measure, print the tables, and give the ratios that matter."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from fspp_core.cli.quiet import start_backend

    start_backend()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of every new size of a batch
    from extract_tables import measure

    from fspp_core.backend import devices

    gpu = any(device.kind == "gpu" for device in devices())
    count = frames or (4 if quick else 96 if gpu else 10)
    with tempfile.TemporaryDirectory() as folder:
        places = {"FSPP_WEIGHTS_DIR": str(Path(folder) / "weights"), "FSPP_CACHE_DIR": str(Path(folder) / "cache")}
        with mock.patch.dict(os.environ, places):
            return measure(Path(folder), count, gpu=gpu, quick=quick)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="four frames, and only some of the switches")
    parser.add_argument("--frames", type=int, help="how many frames; a frame costs the baseline about 5 CPU-seconds")
    given = parser.parse_args()
    for comparison in main(quick=given.quick, frames=given.frames):
        print(comparison)
