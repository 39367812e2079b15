"""Use the installed wheels as a user would, in an empty folder: what only a wheel can lack shows here."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from importlib.metadata import distributions
from pathlib import Path

FSPP = Path(sysconfig.get_path("scripts")) / ("fspp.exe" if sys.platform == "win32" else "fspp")


def fspp(*arguments: str, codes: tuple[int, ...] = (0,)) -> str:
    """Run the command; what it printed."""
    print("$ fspp", *arguments, flush=True)
    done = subprocess.run([FSPP, *arguments], capture_output=True, encoding="utf-8", check=False)
    if done.returncode not in codes:
        raise SystemExit(f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def main() -> None:
    """Check the wheels."""
    ours = sorted(d.name for d in distributions() if d.name.startswith("fspp-"))
    print("installed:", *ours)
    editable = [
        d.name for d in distributions() if d.name in ours and "editable" in (d.read_text("direct_url.json") or "")
    ]
    if editable:
        raise SystemExit(f"installed editable, so nothing is tested: {editable}")

    for command in ("extract", "train", "convert", "demo", "plugins", "config", "doctor"):
        if command not in fspp("--help") or "Usage" not in fspp(command, "--help"):
            raise SystemExit(f"fspp --help does not show {command}")
    fspp("plugins")
    schema = json.loads(fspp("config", "schema"))
    if "extract" not in schema.get("properties", {}):
        raise SystemExit("the project file's schema has no extract section")
    fspp("doctor")
    if "demo" not in fspp("plugins", "show", "phaze-a"):
        raise SystemExit("phaze-a shows no preset demo: its JSON files are not in the wheel")

    from skimage import data

    from fspp_core.media import write_image

    Path("person").mkdir()
    write_image(Path("person/één 1.png"), data.astronaut()[..., ::-1].copy())
    fspp("extract", "person", "faces", "--json")
    record = json.loads(Path("faces/alignments.json").read_text(encoding="utf-8"))
    crops = list(Path("faces/faces").glob("*.png"))
    if len(crops) != 1 or not record["frames"]:
        raise SystemExit(f"expected one face, found {[c.name for c in crops]}")
    fspp("train", "faces", "faces", "model", "--preset", "demo", "--steps", "2", "--batch-size", "2")
    fspp("convert", "person", "faces", "model", "swapped")
    if len(list(Path("swapped").glob("*.png"))) != 1:
        raise SystemExit(f"expected one picture, found {[p.name for p in Path('swapped').iterdir()]}")
    print("the wheels work")


if __name__ == "__main__":
    main()
