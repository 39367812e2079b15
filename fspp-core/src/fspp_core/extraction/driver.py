"""Extract: check everything, let frames flow through the stages into the journal, finish, report; resumable."""

from __future__ import annotations

import logging
import sys
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import msgspec

from fspp_core import backend
from fspp_core.alignments import Alignments, AlignmentsJournal, FrameRecord, to_record
from fspp_core.errors import MediaError
from fspp_core.extraction.detection.importing import importing
from fspp_core.extraction.identity.tracks import tracks_of
from fspp_core.extraction.options import ExtractOptions
from fspp_core.extraction.output import Output
from fspp_core.extraction.plan import Components, Plan, make_plan, media_record, wanted_frames
from fspp_core.extraction.report import ExtractReport, write_report
from fspp_core.extraction.shots import Shot
from fspp_core.extraction.stages import Stages
from fspp_core.extraction.threads import opencv_in_one_thread
from fspp_core.extraction.workbench import Workbench
from fspp_core.files import long_path
from fspp_core.media import MediaReader, open_media
from fspp_core.options import options_dict, parse_options
from fspp_core.progress import CancelFlag, Progress, ProgressEvent, Timings, check, ignore
from fspp_core.registry import Registry, load_registry

LOG = logging.getLogger(__name__)


def extract(
    media: Path | str,
    output: Path | str,
    options: ExtractOptions | None = None,
    *,
    components: Components | None = None,
    registry: Registry | None = None,
    progress: Progress = ignore,
    cancel: CancelFlag | None = None,
) -> ExtractReport:
    """Find the faces in footage.

    Leaves `alignments.json`, the face crops in `faces/` and `report.json` in the output folder. An interrupted run is
    continued by the same call and equals one that was not interrupted; a finished one is left alone.

    While it runs, OpenCV works in one thread for each thread that calls it, in the whole process.

    Args:
        media: a video, a picture, or a folder of pictures.
        output: the folder to write to.
        components: option values by component name, such as `{"mtcnn": {"min_face": 40}}`.
        progress: told after each frame.
        cancel: when set, the run stops; what is done stays for the next.

    Returns:
        What was done.

    Raises:
        FsppError: ConfigError, PluginError, MediaError or AlignmentsError, before the long work starts wherever that
            can be known before; Cancelled when asked to stop.
    """
    with closing(workbench(options, components, registry)) as bench:
        return extract_at(bench, Path(media), Path(output), progress=progress, cancel=cancel)


def workbench(options: ExtractOptions | None, components: Components | None, registry: Registry | None) -> Workbench:
    """Check the options and find the components; none is built yet. As `extract` takes them.

    Raises:
        FsppError: as `make_plan`.
    """
    options = parse_options(ExtractOptions, options_dict(options or ExtractOptions()), where="extract.")
    return Workbench(make_plan(options, components or {}, registry or load_registry()))


def extract_at(
    bench: Workbench, media: Path, output: Path, *, progress: Progress, cancel: CancelFlag | None
) -> ExtractReport:
    """Extract one piece of footage with components that others may use after it. As `extract`."""
    started, timings, plan = time.perf_counter(), Timings(), bench.plan
    options, place = plan.options, Output(output)
    with open_media(media, accept_damage=options.accept_damage) as reader:
        _check_whole(reader, options)
        wanted = wanted_frames(reader.info, options)
        place.check(media)
        with timings.measure("prepare"):
            footage = media_record(reader)
            imported = importing(plan.imported, options, reader)
            # What cannot be built must neither leave a journal behind nor cost what it would replace.
            tools = bench.tools() if options.overwrite or not place.finished else None
            journal = place.open_journal(footage, plan.settings, overwrite=options.overwrite)
            if options.save_faces:
                long_path(place.faces).mkdir(exist_ok=True)
        with journal:
            resumed = len(journal.done)
            todo = not journal.done.issuperset(wanted)
            left_out: Counter[str] = Counter()
            if todo:
                with timings.measure("prepare"):
                    tools = bench.tools()
                    tools.warm_up(reader.info)
                stages = Stages(
                    tools=tools,
                    options=options,
                    media=msgspec.structs.replace(footage, name=Path(footage.name).name),
                    faces=place.faces,
                    timings=timings,
                    imported=imported,
                    left_out=left_out,
                )
                done = frozenset(journal.done)
                with opencv_in_one_thread(), closing(stages.run(reader, wanted, done)) as shots:
                    _record(shots, journal, len(wanted), plan.registry, timings, progress, cancel)
            with timings.measure("finish"):
                alignments = journal.finish(None if tools is None else tracks_of(options, tools.recognizers))
    timings.seconds["all"] = time.perf_counter() - started
    report = _report(plan, place, media, alignments, resumed, timings, left_out)
    if todo or not long_path(place.report).exists():
        write_report(report.report, report.to_dict())
    return report


def _check_whole(reader: MediaReader, options: ExtractOptions) -> None:
    """Refuse footage that is known to be cut off, unless that is accepted or only what is there is asked for."""
    info = reader.info
    to_the_end = options.stop is None or options.stop > info.frame_count
    if info.damage and to_the_end and not options.accept_damage:
        raise MediaError(
            f"{info.path}: {info.damage}; copy or record it anew, or take its {info.frame_count} readable frames with "
            f"accept_damage, or with stop {info.frame_count}"
        )


def _record(
    shots: Iterable[Shot],
    journal: AlignmentsJournal,
    total: int,
    registry: Registry,
    timings: Timings,
    progress: Progress,
    cancel: CancelFlag | None,
) -> None:
    """Journal each frame and tell everyone who listens."""
    done, faces, began = len(journal.done), 0, time.perf_counter()
    progress(ProgressEvent(stage="extract", done=done, total=total, unit="frame"))
    check(cancel)
    for count, shot in enumerate(shots, 1):
        with timings.measure("journal"):
            records = [to_record(face) for face in shot.faces]
            frame = FrameRecord(index=shot.index, name=shot.name, pts=shot.pts, cut=shot.cut, faces=records)
            journal.append(frame)
        timings.count("journal", 1)
        registry.call("fspp_frame_extracted", index=shot.index, faces=len(shot.faces))
        faces += len(shot.faces)
        speed = count / max(time.perf_counter() - began, 1e-9)
        values = {"faces": float(faces), "frames_per_s": speed}
        progress(ProgressEvent(stage="extract", done=done + count, total=total, unit="frame", values=values))
        check(cancel)


def _report(
    plan: Plan,
    place: Output,
    media: Path,
    alignments: Alignments,
    resumed: int,
    timings: Timings,
    left_out: Counter[str],
) -> ExtractReport:
    if left_out:
        LOG.info("%s: faces left out: %s", media, ", ".join(f"{n} by {name}" for name, n in sorted(left_out.items())))
    if not alignments.face_count:
        LOG.warning("%s: there is no face in any of the %d frames looked at", media, len(alignments.frames))
    return ExtractReport(
        media=media,
        output=place.folder,
        alignments=place.alignments,
        faces_folder=place.faces if plan.options.save_faces else None,
        report=place.report,
        frames=len(alignments.frames),
        frames_with_faces=sum(bool(frame.faces) for frame in alignments.frames.values()),
        frames_resumed=resumed,
        faces=alignments.face_count,
        left_out=dict(sorted(left_out.items())),
        options=options_dict(plan.options),
        components=plan.components,
        seconds={stage: round(seconds, 3) for stage, seconds in timings.seconds.items()},
        stages=timings.profile(),
        # Asking for devices imports the backend, which nothing here needed if nobody else has.
        devices=tuple(str(device) for device in backend.devices()) if "keras" in sys.modules else (),
        versions=plan.versions,
    )
