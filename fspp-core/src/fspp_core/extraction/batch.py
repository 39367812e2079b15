"""Extract all footage of a folder, one after another, with components that are built once; resumable."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from fspp_core.errors import Cancelled, ConfigError, FsppError, MediaError
from fspp_core.extraction.batch_report import BatchReport, Item
from fspp_core.extraction.driver import extract_at, workbench
from fspp_core.extraction.footage import footage_in
from fspp_core.extraction.options import ExtractOptions
from fspp_core.extraction.output import REPORT_NAME, Output
from fspp_core.extraction.plan import Components
from fspp_core.extraction.report import ExtractReport, write_report
from fspp_core.files import long_path
from fspp_core.progress import CancelFlag, Progress, ProgressEvent, check, ignore
from fspp_core.registry import Registry

LOG = logging.getLogger(__name__)


def extract_all(
    folder: Path | str,
    output: Path | str,
    options: ExtractOptions | None = None,
    *,
    components: Components | None = None,
    registry: Registry | None = None,
    progress: Progress = ignore,
    cancel: CancelFlag | None = None,
) -> BatchReport:
    """Find the faces in every video and every folder of pictures directly below a folder.

    Each gets a folder in the output folder, as by `extract`, with its name: that of the folder, or of the video without
    its suffix; with it where another has the same name. What fails is in the report, and the others go on. The same
    call goes on where it was stopped, tries again what failed, and takes in what is new.

    Args:
        folder: what the footage lies in.
        output: the folder to write to; `report.json` in it lists everything.
        components: as for `extract`, for all alike; each is built once.
        progress: told after each frame, of which footage it is.
        cancel: when set, the run stops; what is done stays for the next.

    Returns:
        What was done, and what failed.

    Raises:
        FsppError: for what concerns all of them: options that do not fit, components that cannot be built, a folder
            without footage; Cancelled when asked to stop.
    """
    started, folder, output = time.perf_counter(), Path(folder), Path(output)
    footage = footage_in(folder)
    if output.resolve() == folder.resolve():
        raise MediaError(f"{output}: the output is the folder of the footage itself; choose another")
    if options is not None and options.import_from is not None:
        raise ConfigError("import_from: a file of faces is of one piece of footage; extract that by itself")
    items = []
    with closing(workbench(options, components, registry)) as bench:
        places = [output / each.name for each in footage]
        if bench.plan.options.overwrite or not all(Output(place).finished for place in places):
            bench.tools()  # what cannot be built fails here, and not once for each
        for number, (each, place) in enumerate(zip(footage, places, strict=True), 1):
            check(cancel)

            def shown(event: ProgressEvent, label: str = f"{each.name} ({number} of {len(footage)})") -> None:
                progress(replace(event, stage=f"{event.stage} {label}"))

            found: ExtractReport | str
            try:
                found = extract_at(bench, each.path, place, progress=shown, cancel=cancel)
            except Cancelled:
                raise
            except Exception as error:  # whatever is wrong with one must not cost the others
                found = _told(error)
                LOG.error("%s: %s", each.name, found, exc_info=None if isinstance(error, FsppError) else error)
            items.append(Item(name=each.name, media=each.path, output=place.absolute(), outcome=found))
    report = BatchReport(
        folder=folder,
        output=output.absolute(),
        report=output.absolute() / REPORT_NAME,
        items=tuple(items),
        seconds=round(time.perf_counter() - started, 3),
    )
    long_path(report.output).mkdir(parents=True, exist_ok=True)
    write_report(report.report, report.to_dict())
    return report


def _told(error: Exception) -> str:
    text = str(error) if isinstance(error, FsppError) else f"{type(error).__name__}: {error}"
    return "; ".join([text, *getattr(error, "__notes__", [])])
