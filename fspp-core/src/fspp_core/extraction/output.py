"""The output folder: what may lie there already, and that crops of two extractions are never mixed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fspp_core.alignments import AlignmentsJournal, MediaRecord, read_face_record
from fspp_core.alignments.places import ALIGNMENTS_NAME, FACES_NAME
from fspp_core.errors import AlignmentsError, FsppError, MediaError
from fspp_core.extraction.options import ExtractOptions
from fspp_core.files import long_path
from fspp_core.locking import lock

LOG = logging.getLogger(__name__)

REPORT_NAME = "report.json"
_SHOWN = 3


def is_finished(_media: Path, output: Path, options: ExtractOptions) -> bool:
    """Whether an extraction has come to its end at `output` and is to be left alone."""
    return Output(output).finished and not options.overwrite


class Output:
    """The folder an extraction writes to.

    Attributes:
        folder: absolute.
        alignments: the alignments file in it.
        faces: the folder of face crops in it.
        report: the report in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.alignments = self.folder / ALIGNMENTS_NAME
        self.faces = self.folder / FACES_NAME
        self.report = self.folder / REPORT_NAME

    @property
    def journal(self) -> Path:
        """Where the journal lies while the alignments are in the making."""
        return self.alignments.with_name(f"{ALIGNMENTS_NAME}.journal")

    @property
    def finished(self) -> bool:
        """Whether an extraction has come to its end here."""
        return long_path(self.alignments).exists() and not long_path(self.journal).exists()

    def check(self, media: Path) -> None:
        """Refuse a folder that cannot be written to, or that is, or would spill into, the footage.

        Raises:
            MediaError: naming it.
        """
        target, source = self.folder.resolve(), media.resolve()
        if source in (target, self.faces.resolve()):
            raise MediaError(f"{self.folder}: the output is the footage itself; choose another folder")
        try:
            long_path(self.folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MediaError(
                f"{self.folder}: cannot be the output folder: {error.strerror or error}; choose another"
            ) from error

    def open_journal(self, media: MediaRecord, settings: dict[str, Any], *, overwrite: bool) -> AlignmentsJournal:
        """Start the journal, or go on with that of an interrupted run of the same kind.

        Args:
            overwrite: delete what another extraction left, which is an error otherwise.

        Raises:
            AlignmentsError: when something else lies here, saying what.
        """
        try:
            journal = self._open(media, settings)
        except AlignmentsError as error:
            if not overwrite:
                error.add_note("or give the option overwrite, which replaces what an extract left there")
                raise
            self._clear()
            journal = self._open(media, settings)
        self._sweep()
        return journal

    def _open(self, media: MediaRecord, settings: dict[str, Any]) -> AlignmentsJournal:
        if not long_path(self.alignments).exists() and not long_path(self.journal).exists():
            strays = [path.name for path in self._pictures()]
            if strays:
                shown = ", ".join(strays[:_SHOWN]) + ("…" if len(strays) > _SHOWN else "")
                raise AlignmentsError(
                    f"{self.faces}: {len(strays)} pictures lie there already ({shown}), and no {ALIGNMENTS_NAME} with "
                    "them; new faces would be mixed with them. Choose another output folder, or move them away"
                )
        return AlignmentsJournal.open(self.alignments, media, settings)

    def _clear(self) -> None:
        """Delete what an extraction left, and nothing else; while another run is at work here, nothing at all."""
        long_path(self.journal).parent.mkdir(parents=True, exist_ok=True)
        with long_path(self.journal).open("ab") as file:
            lock(file, self.journal)
            crops = list(self._pictures())
            for path in crops:
                try:
                    read_face_record(path)
                except FsppError as error:
                    raise AlignmentsError(
                        f"{path}: this is no face crop made by fspp and is not deleted; move it away, or choose "
                        "another output folder"
                    ) from error
            LOG.warning("%s: deleting what an earlier extract left: %d face crops", self.folder, len(crops))
            for path in (*crops, self.report, self.alignments):
                long_path(path).unlink(missing_ok=True)
        long_path(self.journal).unlink(missing_ok=True)

    def _pictures(self) -> Iterator[Path]:
        if long_path(self.faces).is_dir():
            names = sorted(path.name for path in long_path(self.faces).iterdir())
            yield from (self.faces / name for name in names if name.endswith(".png") and not name.startswith("."))

    def _sweep(self) -> None:
        """Remove what a killed run had half written; only one run at a time works here."""
        if long_path(self.faces).is_dir():
            for path in long_path(self.faces).glob(".*.part.png"):
                path.unlink(missing_ok=True)
