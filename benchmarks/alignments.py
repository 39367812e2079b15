"""Alignments of 100,000 faces: load and save against the standard library's json; the journal's appends a second."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import numpy as np
from ratio import Comparison, compare

from fspp_core.alignments import Alignments, AlignmentsJournal, FaceRecord, FrameRecord, MaskRecord, MediaRecord
from fspp_core.alignments.faces import encode_mask
from fspp_core.alignments.records import encoded
from fspp_core.geometry import MEAN_FACE_68, components_hulls, fill_polygons

FACES = 100_000
FACES_PER_FRAME = 2
JOURNAL_FRAMES = 5_000


def faces_of(rng: np.random.Generator, png: bytes) -> list[FaceRecord]:
    faces = []
    for _ in range(FACES_PER_FRAME):
        corner, size = rng.uniform(0, 1500, 2), rng.uniform(60, 400)
        landmarks = MEAN_FACE_68 * size + corner + rng.normal(0, size / 50, (68, 2))
        faces.append(
            FaceRecord(
                box=np.concatenate([corner, corner + size]),
                score=round(float(rng.uniform(0.7, 1)), 4),
                landmarks=landmarks,
                landmarks_origin="detected",
                detector="mtcnn",
                aligner="fan",
                masks={"components": MaskRecord(png=png, matrix=np.array([[64 / size, 0, 0], [0, 64 / size, 0]]))},
            )
        )
    return faces


def many_faces(count: int) -> Alignments:
    rng = np.random.default_rng(0)
    png = encode_mask(fill_polygons(components_hulls(MEAN_FACE_68 * 40 + 12), 64), "components")
    frames = (
        FrameRecord(index=index, name=f"clip_{index:06d}", pts=index * 512, faces=faces_of(rng, png))
        for index in range(count // FACES_PER_FRAME)
    )
    media = MediaRecord(
        name="clip.mp4",
        kind="video",
        width=1920,
        height=1080,
        frame_count=count // FACES_PER_FRAME,
        fingerprint="0" * 64,
        time_base="1/15360",
    )
    return Alignments(media, {"detector": "mtcnn"}, frames)


def main() -> list[Comparison]:
    alignments = many_faces(FACES)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "alignments.json"
        alignments.save(path)
        print(f"{FACES:,} faces in {len(alignments.frames):,} frames: {path.stat().st_size / 1e6:.0f} MB", flush=True)
        return [loading(path), saving(alignments, path), journal_rate(alignments, folder)]


def loading(path: Path) -> Comparison:
    return compare(
        f"load {FACES:,} faces, as arrays",
        lambda: Alignments.load(path),
        lambda: json.loads(path.read_text(encoding="utf-8")),
        against="json.loads, as lists",
        aim="below 1, seconds",
        rounds=2,
        clock=time.process_time,
    )


def saving(alignments: Alignments, path: Path) -> Comparison:
    plain = json.loads(path.read_text(encoding="utf-8"))

    def save_plain() -> None:
        text = json.dumps(plain, separators=(",", ":"), ensure_ascii=False)
        path.with_name("plain.json").write_text(text, encoding="utf-8")

    return compare(
        f"save {FACES:,} faces",
        lambda: alignments.save(path),
        save_plain,
        against="json.dumps",
        aim="below 1, seconds",
        rounds=2,
        clock=time.process_time,
    )


def journal_rate(alignments: Alignments, folder: Path) -> Comparison:
    frames = [alignments.frames[index] for index in range(JOURNAL_FRAMES)]
    runs = iter(range(1_000_000))

    def journaled() -> None:
        path = folder / f"journaled-{next(runs)}.json"
        with AlignmentsJournal.open(path, alignments.media, {}) as journal:
            for frame in frames:
                journal.append(frame)

    def bare() -> None:
        with (folder / f"bare-{next(runs)}.jsonl").open("wb", buffering=0) as file:
            for frame in frames:
                file.write(encoded(frame) + b"\n")

    result = compare(
        f"journal {JOURNAL_FRAMES:,} frames of {FACES_PER_FRAME} faces",
        journaled,
        bare,
        against="same lines, unchecked, unsynced",
        aim="below 1.2",
        rounds=5,
    )
    print(f"  {JOURNAL_FRAMES / result.ours_s:,.0f} frames a second appended", flush=True)
    return result


if __name__ == "__main__":
    main()
