"""Convert footage: check everything, let frames flow through the stages into the writer, report; resumable."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from fspp_core import backend
from fspp_core.alignments.places import find_alignments
from fspp_core.conversion import checks
from fspp_core.conversion import output as outputs
from fspp_core.conversion.options import ConvertOptions
from fspp_core.conversion.plan import Components, Plan, make_plan, select
from fspp_core.conversion.provenance import synthetic_metadata
from fspp_core.conversion.report import ConvertReport
from fspp_core.conversion.stages import Converted, converted
from fspp_core.media import MediaWriter, open_media, open_writer
from fspp_core.media.join import CONTAINERS
from fspp_core.options import options_dict, parse_options
from fspp_core.progress import CancelFlag, Progress, ProgressEvent, Timings, check, ignore
from fspp_core.registry import Registry, load_registry

LOG = logging.getLogger(__name__)


def convert(
    media: Path | str,
    alignments: Path | str,
    model_dir: Path | str,
    output: Path | str,
    options: ConvertOptions | None = None,
    *,
    components: Components | None = None,
    registry: Registry | None = None,
    progress: Progress = ignore,
    cancel: CancelFlag | None = None,
) -> ConvertReport:
    """Put the source's face into footage with a trained model.

    Frames without faces pass through untouched; in the others nothing changes outside the faces' masks. An interrupted
    run is continued by the same call and equals one that was not interrupted; a finished one is left alone.

    Args:
        media: the footage the faces were extracted from.
        alignments: its alignments.json, or the folder that extract wrote it to.
        model_dir: folder of the trained model; its newest good checkpoint is used.
        output: a file with a video suffix, or a folder for pictures.
        components: option values by component name: of the colour transfer and the masker.
        cancel: when set, the run stops; what is written stays for the next.

    Returns:
        What was done; it is also written beside the output, as `OUTPUT.report.json`.

    Raises:
        FsppError: AlignmentsError, CheckpointError, MediaError, PluginError or ConfigError, before the long work starts
            wherever that can be known before; Cancelled when asked to stop.
    """
    started, timings = time.perf_counter(), Timings()
    options = parse_options(ConvertOptions, options_dict(options or ConvertOptions()), where="convert.")
    registry = registry or load_registry()
    media, model_dir, output = Path(media), Path(model_dir), Path(output).absolute()
    file = find_alignments(Path(alignments))
    checks.check_places(media, file, model_dir, output)
    with open_media(media, accept_damage=options.accept_damage) as reader:
        checks.check_whole(reader.info, accept_damage=options.accept_damage)
        checks.check_range(reader.info, options.start, options.stop)
        with timings.measure("prepare"):
            selection = select(file, reader, options)
            plan = make_plan(model_dir, file, selection, options, components or {}, registry)
            fingerprint, job = reader.fingerprint(), outputs.job_of(plan)
        before = outputs.finished(output, fingerprint, job)
        if before is not None:
            LOG.info("%s: this very job has made it already", output)
            return before
        outputs.check_free(output, overwrite=options.overwrite)
        video = output.suffix.lower() in CONTAINERS
        metadata = synthetic_metadata(f"fspp {plan.versions['fspp-core']}")
        with open_writer(output, like=reader, options=options.encode, job=job, metadata=metadata) as writer:
            resumed, total = writer.done, reader.info.frame_count
            with closing(converted(reader, resumed, plan, timings, keep_samples=video)) as frames:
                _write(frames, writer, total, registry, timings, progress, cancel)
            with timings.measure("finish"):
                writer.close()
    timings.seconds["all"] = time.perf_counter() - started
    report = _report(plan, media, output, total, resumed, timings)
    outputs.write_report(report, fingerprint, job)
    return report


def _write(
    frames: Iterable[Converted],
    writer: MediaWriter,
    total: int,
    registry: Registry,
    timings: Timings,
    progress: Progress,
    cancel: CancelFlag | None,
) -> None:
    """Give frames to the writer and tell everyone who listens."""
    done, faces, began = writer.done, 0, time.perf_counter()
    progress(ProgressEvent(stage="convert", done=done, total=total, unit="frame"))
    check(cancel)
    for count, item in enumerate(frames, 1):
        with timings.measure("encode"):
            writer.write(item.frame)
        registry.call("fspp_frame_converted", index=item.frame.index, faces=item.faces)
        faces += item.faces
        speed = count / max(time.perf_counter() - began, 1e-9)
        values = {"faces": float(faces), "frames_per_s": speed}
        progress(ProgressEvent(stage="convert", done=done + count, total=total, unit="frame", values=values))
        check(cancel)


def _report(plan: Plan, media: Path, output: Path, total: int, resumed: int, timings: Timings) -> ConvertReport:
    return ConvertReport(
        media=media,
        output=output,
        report=outputs.report_path(output),
        frames=total,
        frames_swapped=plan.selection.frames,
        frames_passed=total - plan.selection.frames,
        frames_resumed=resumed,
        faces=plan.selection.faces,
        model=plan.checkpoint.model_name,
        checkpoint=plan.checkpoint.path,
        step=plan.checkpoint.step,
        face_type=plan.recipe.face_type,
        options=options_dict(plan.options),
        components=plan.components,
        seconds={stage: round(seconds, 3) for stage, seconds in timings.seconds.items()},
        devices=tuple(str(device) for device in backend.devices()),
        versions=plan.versions,
    )
