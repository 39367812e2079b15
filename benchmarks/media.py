"""Reading and writing video against plain PyAV loops with the same codec settings.

The plain loop converts colours by FFmpeg's fast path, which is darker by one level on average; the second comparison
gives both sides FFmpeg's accurate one, the third leaves colours out. Encoding starts from BGR pictures on both sides.
"""

from __future__ import annotations

import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import Interpolation
from ratio import Comparison, compare

from fspp_core.media import EncodeOptions, open_media, open_writer
from fspp_core.media.plan import plan_encoding
from fspp_core.media.scan import scan

WIDTH, HEIGHT, FRAMES = 1920, 1080, 90
ACCURATE = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


def make(path: Path) -> list[np.ndarray[Any, Any]]:
    """A clip of moving, slightly noisy pictures, and the pictures."""
    rng = np.random.default_rng(0)
    scene = cv2.GaussianBlur(rng.integers(0, 256, (HEIGHT + 200, WIDTH + 400, 3), dtype=np.uint8), (0, 0), 12)
    scene = cv2.normalize(scene, None, 0, 255, cv2.NORM_MINMAX)
    grain = rng.integers(0, 4, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    images = [cv2.add(scene[i : i + HEIGHT, 2 * i : 2 * i + WIDTH], np.roll(grain, 7 * i, 1)) for i in range(FRAMES)]
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=30, options={"preset": "veryfast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for image in images:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")))
        output.mux(stream.encode())
    return images


def main() -> list[Comparison]:
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        images = make(clip)
        return [*_decoding(clip), *_encoding(clip, images, Path(folder))]


def _decoding(clip: Path) -> list[Comparison]:
    def ours() -> None:
        with open_media(clip) as media:
            for _ in media.frames():
                pass

    def plain(interpolation: Any = None) -> None:
        with av.open(str(clip)) as container:
            container.streams.video[0].thread_type = "AUTO"
            for frame in container.decode(video=0):
                frame.to_ndarray(format="bgr24", interpolation=interpolation)

    def count() -> None:
        scan.__globals__["_scan"].cache_clear()
        scan(clip)

    def decode_all() -> None:
        with av.open(str(clip)) as container:
            container.streams.video[0].thread_type = "AUTO"
            for _ in container.decode(video=0):
                pass

    size = f"{HEIGHT}p h264"
    accurate = lambda: plain(ACCURATE)  # noqa: E731
    return [
        compare(f"decode {size}", ours, accurate, against="PyAV, accurate colour", aim="<= 1.1", rounds=3),
        compare(f"decode {size}, fast colour", ours, plain, against="PyAV, fast dark colour", aim="known", rounds=3),
        compare(f"count and time frames {size}", count, decode_all, against="decoding them", aim="<= 0.1", rounds=3),
    ]


def _encoding(clip: Path, images: list[np.ndarray[Any, Any]], folder: Path) -> list[Comparison]:
    options = EncodeOptions(preset="veryfast", crf=20)
    with open_media(clip) as media:
        plan = plan_encoding(media.info, options)
        frames = [frame.with_image(image) for frame, image in zip(media.frames(), images, strict=True)]

        def ours() -> None:
            with open_writer(folder / "ours.mp4", like=media, options=options, resume=False) as writer:
                for frame in frames:
                    writer.write(frame)

        def plain() -> None:
            with av.open(str(folder / "plain.mp4"), "w") as output:
                stream = output.add_stream("libx264", rate=30, options=dict(plan.settings))
                stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
                stream.codec_context.thread_type, stream.codec_context.thread_count = "AUTO", plan.threads
                for number, image in enumerate(images):
                    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
                    frame.pts, frame.time_base = number, Fraction(1, 30)
                    output.mux(stream.encode(frame))
                output.mux(stream.encode())

        what = f"encode {HEIGHT}p h264 veryfast"
        return [
            compare(what, ours, plain, against="PyAV, same settings", aim="<= 1.1", rounds=3),
            compare(f"{what}, CPU", ours, plain, against="PyAV, same settings", aim="<= 1.1", rounds=3,
                    clock=time.process_time),
        ]  # fmt: skip


if __name__ == "__main__":
    main()
