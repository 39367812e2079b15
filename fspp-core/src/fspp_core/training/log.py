"""The course of a training: log.csv, which survives any end, and TensorBoard scalars."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fspp_core.errors import TrainingError
from fspp_core.files import atomic_write

LOG = logging.getLogger(__name__)

LOG_NAME = "log.csv"
TENSORBOARD_NAME = "tensorboard"


class TrainingLog:
    """Appends rows of figures; on opening, rows after the step that training goes on from are dropped.

    Args:
        folder: the model folder.
        columns: names of the figures, written after the step.
        step: updates done before the first new row.
        tensorboard: write TensorBoard scalars too.

    Raises:
        TrainingError: when the log cannot be written.
    """

    def __init__(self, folder: Path, columns: Sequence[str], *, step: int, tensorboard: bool) -> None:
        self.path = folder / LOG_NAME
        old_columns, rows = _rows_up_to(self.path, step)
        self.columns = ["step", *dict.fromkeys([*old_columns, *columns])]
        try:
            atomic_write(self.path, _text([self.columns, *_filled(rows, self.columns)]))
            self._file = self.path.open("a", encoding="utf-8", newline="")
        except OSError as error:
            raise TrainingError(f"{self.path}: the log cannot be written: {error.strerror or error}") from error
        self._board = _board(folder / TENSORBOARD_NAME, step) if tensorboard else None

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Add the row of a step; it is handed to the system before this returns."""
        row = {"step": str(step), **{name: f"{value:.9g}" for name, value in values.items()}}
        self._file.write(_text(_filled([row], self.columns)))
        self._file.flush()
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def close(self) -> None:
        """Finish both logs; may be called twice."""
        self._file.close()
        if self._board is not None:
            self._board.close()
            self._board = None


def read_log(folder: Path) -> list[dict[str, float]]:
    """The rows of a model folder's log.csv, as numbers; empty fields are left out."""
    _, rows = _rows_up_to(folder / LOG_NAME, None)
    return [{name: float(value) for name, value in row.items() if value} for row in rows]


def _rows_up_to(path: Path, step: int | None) -> tuple[list[str], list[dict[str, str]]]:
    """Columns but the step, and whole rows up to a step; what a crash tore is dropped."""
    if not path.exists():
        return [], []
    text = path.read_text(encoding="utf-8", errors="replace")
    whole = text[: text.rfind("\n") + 1]
    reader = csv.DictReader(io.StringIO(whole))
    rows = [row for row in reader if (row.get("step") or "").isdigit() and None not in row]
    kept = [row for row in rows if step is None or int(row["step"]) <= step]
    if len(kept) < len(rows):
        LOG.info("%s: dropped %d rows after step %s, which will be done again", path, len(rows) - len(kept), step)
    return [name for name in reader.fieldnames or [] if name != "step"], kept


def _filled(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> list[list[str]]:
    return [[row.get(name) or "" for name in columns] for row in rows]


def _text(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _board(folder: Path, step: int) -> Any:
    from tensorboardX import SummaryWriter

    return SummaryWriter(str(folder), purge_step=step + 1 if step else None)
