"""Memory stays flat however long the footage is: the slope over frames, once everything has been allocated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

RESIDENT = Path("/proc/self/statm")
FRAME_BYTES = 160 * 120 * 3
FLAT = 2048  # bytes a frame, a small part of one; what is measured varies by half of it

# Frames without end, that nobody has to decode; everything else is as ever. What may leak is kept in a list.
SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np
import fspp_core.extraction.driver as driver
from fspp_core.extraction import ExtractOptions, extract
from fspp_core.media import MediaInfo, MediaReader
from fspp_core.registry import load_registry
from fspp_core.types import Frame

plugin, output, count, leaking = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "leaking"
picture = np.full((120, 160, 3), 20, np.uint8)
picture[30:80, 60:104] = 200
kept, resident = [], []

class Endless(MediaReader):
    info = MediaInfo(path=Path("endless.mp4").absolute(), kind="video", width=160, height=120, frame_count=count)
    def frames(self, start=0, stop=None, step=1):
        yield from map(self.frame, self.indices(start, stop, step))
    def frame(self, index):
        return Frame(index=index, name=self.name(index), image=np.roll(picture, index % 40, axis=1))
    def name(self, index):
        return f"endless_{index:06d}"
    def fingerprint(self):
        return "0" * 64
    def close(self):
        pass

def progress(event):
    if event.done % 10 == 0:
        resident.append((event.done, int(Path("/proc/self/statm").read_text().split()[1])))
    if leaking and event.done % 4 == 0:
        kept.append(picture.copy())

driver.open_media = lambda *_, **__: Endless()
options = ExtractOptions(detector="blobs", size=16, batch_size=2)
extract("endless.mp4", output, options, registry=load_registry(plugin_files=[plugin]), progress=progress)
print(json.dumps(resident))
"""


def slope(output, tools, count, what):
    """Bytes by which the process grows with every frame, from a third of them on; the end empties the queues."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FSPP_")}
    words = [sys.executable, "-c", SCRIPT, str(tools.plugin), str(output), str(count), what]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert ended.returncode == 0, ended.stderr
    done, pages = np.array(json.loads(ended.stdout), float).T
    steady = (done > count / 3) & (done < count - 40)
    return np.polyfit(done[steady], pages[steady], 1)[0] * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not RESIDENT.exists(), reason="only Linux tells the resident memory of a process in a file")
def test_memory_is_flat_over_frames(tmp_path, tools):
    assert slope(tmp_path / "flat", tools, 900, "as it is") < FLAT
    assert slope(tmp_path / "leak", tools, 300, "leaking") == pytest.approx(FRAME_BYTES / 4, rel=0.5)
